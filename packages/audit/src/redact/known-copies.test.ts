import { describe, expect, test } from "vitest";
import { createRedactor } from "../redact.ts";
import type { Redactor } from "../redact.ts";
import { sharedEngine } from "../scan-wasm/engine.ts";
import { splice } from "../splice.ts";

/** Where lines are read into: assembly/memory.ts. */
const INPUT = 0xa_0000;
const COPY = "kubectl.kubernetes.io/last-applied-configuration";
const { memory, exports } = sharedEngine();
const redactorOf = (key: number): Redactor => createRedactor({ key: new Uint8Array(32).fill(key) });
const redactor = redactorOf(3);

const lineOf = (members: string): Buffer =>
  Buffer.from(
    `{"level":"Request","stage":"ResponseComplete","requestURI":"/x","verb":"create","user":{"username":"x"},"requestObject":{"metadata":{"annotations":{${members}}}}}`,
  );
const copyOf = (text: string): Buffer => lineOf(`"${COPY}":${JSON.stringify(text)}`);

/** What is made of the line where it stands; undefined where that cannot be told. */
function edited(line: Buffer, by = redactor): string | undefined {
  memory.set(line, INPUT);
  memory[INPUT + line.length] = 10;
  const edits = by.heads?.edits(INPUT, INPUT + line.length);
  return edits && splice(line, 0, line.length, edits).toString();
}

/** Whether it holds known copies and nothing else that has to be looked at. */
function isKnown(line: Buffer): boolean {
  memory.set(line, INPUT);
  memory[INPUT + line.length] = 10;
  return exports.findCopies(INPUT, INPUT + line.length) !== -1;
}

describe("KnownCopies", () => {
  test("knows a copy again, and none that differs from it in any byte", () => {
    const text = JSON.stringify({ kind: "Widget", spec: { "a\\": ["x", "é"], password: "hunter2" } });
    const line = copyOf(text);
    expect(edited(line)).toBe(redactor.redactLine(line).toString());
    expect(isKnown(line)).toBe(true);
    expect(edited(line)).toBe(redactor.redactLine(line).toString());
    for (let at = 0; at < text.length; at++) {
      for (const other of [
        `${text.slice(0, at)}Z${text.slice(at + 1)}`,
        text.slice(0, at),
        `${text}${text.slice(at)}`,
      ]) {
        const line = copyOf(other);
        expect(isKnown(line), other).toBe(false);
        expect(edited(line), other).toBe(redactor.redactLine(line).toString());
      }
    }
  });

  test("finds the end of a copy behind any run of backslashes, wherever it stands", () => {
    for (let length = 0; length < 70; length++) {
      const texts = ["", "\\", '\\\\"', '"', '"\\'].map((mark) => `${"a".repeat(length)}${mark.repeat(20)}${mark}`);
      for (const line of texts.map((text) => copyOf(`{"${text}":1,"b":"${text}"}`))) {
        expect(edited(line)).toBe(redactor.redactLine(line).toString());
        expect(isKnown(line)).toBe(true);
        expect(edited(line)).toBe(redactor.redactLine(line).toString());
      }
    }
  });

  test.each([
    [
      "another key",
      `"objectset.rio.cattle.io/applied":"{}abcdef"`,
      `"objectset.rio.cattle.io/applied":"{}abcdef"`,
      true,
    ],
    ["blanks", `"${COPY}" : "{}abcdef"`, `"${COPY}" : "{}abcdef"`, false],
    ["a secret beside it", `"${COPY}":"{}abcdef"`, `"${COPY}":"{}abcdef","password":"x"`, false],
    ["a key within a text", `"${COPY}":"{}abcdef"`, String.raw`"x":"{\"${COPY}\":\"{}abcdef\"}"`, false],
    ["a value that is replaced already", `"${COPY}":"redacted:0123456789abcdef"`, `"x":"y"`, true],
  ])("with %s", (_, first, second, isFound) => {
    edited(lineOf(first));
    const line = lineOf(second);
    expect(isKnown(line)).toBe(isFound);
    expect(edited(line) ?? redactor.redactLine(line).toString()).toBe(redactor.redactLine(line).toString());
  });

  test("uses nothing that another redactor has put in the place of a copy", () => {
    const line = copyOf("{} by turns");
    const others = [redactor, redactorOf(4), redactor, redactorOf(4)];
    for (const by of [...others, ...others]) {
      expect(edited(line, by)).toBe(by.redactLine(line).toString());
    }
  });

  test("goes on where there are more than it may hold", () => {
    const lines = Array.from({ length: 300 }, (_, i) => copyOf(`{"${i}":"${"x".repeat(8000)}"}`));
    for (const line of [...lines, ...lines]) {
      expect(edited(line)).toBe(redactor.redactLine(line).toString());
    }
    const [first, last] = [lines[0], lines.at(-1)] as [Buffer, Buffer];
    expect([isKnown(first), isKnown(last)]).toEqual([false, true]);
  });
});
