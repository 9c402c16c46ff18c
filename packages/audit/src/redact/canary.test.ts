import { expect, test } from "vitest";
import { expectNoCanary, findCanary } from "./canary.suite.ts";

const CANARY = "kanarie-ÿ?>-4711";

test("findCanary finds a canary raw, escaped, percent-encoded, in hex and in base64 at each alignment", () => {
  const escaped = CANARY.split("")
    .map((letter) => String.raw`\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");
  const hidden = [
    CANARY,
    JSON.stringify(CANARY),
    `{"a":"${escaped}"}`,
    JSON.stringify(`{"a":"${escaped}"}`),
    [...Buffer.from(CANARY)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join(""),
    Buffer.from(CANARY).toString("hex"),
    ...["", "x", "xy", "xyz"].flatMap((before) =>
      ["", "z", "zz"].flatMap((after) => {
        const whole = Buffer.from(before + CANARY + after);
        const twice = Buffer.from(before + whole.toString("base64"));
        return [whole.toString("base64"), whole.toString("base64url"), twice.toString("base64")];
      }),
    ),
  ];
  for (const text of hidden) expect(findCanary(`{"x":"${text}"}`, CANARY), text).not.toEqual([]);
});

test("findCanary finds nothing where the canary is not", () => {
  expect(findCanary('{"x":"kanarie-ÿ?>-4712"}', CANARY)).toEqual([]);
  expect(() => expectNoCanary(Buffer.from("clean"), CANARY)).not.toThrow();
  expect(() => expectNoCanary(CANARY, CANARY)).toThrow(/still there: raw/);
});

test("findCanary refuses a canary too short to be told from chance", () => {
  expect(() => findCanary("x", "short")).toThrow(/10 characters/);
});
