import { describe, expect, test } from "vitest";
import { recognise } from "./recognise.ts";

const EVENT_LIST = '{"kind":"EventList","items":[]}';

describe("recognise", () => {
  test("finds what begins behind empty lines, and behind a torn one", () => {
    for (const before of ["", "\n\n \t\n", 'torn"}\n', 'torn"}\n\n\r\n']) {
      const head = Buffer.from(before + EVENT_LIST);
      expect(recognise(head, true)).toEqual({ form: "documents", from: before.length });
    }
    expect(recognise(Buffer.from('\n\n2026-11-24T00:26:31.084447Z {"kind":"Event"}'), true)?.form).toBe("lines");
  });

  test.each(["\n", " \n", "{\n", '{"a":\n', '{"a":[\n', "[\n"])(
    "takes bounded time for half a MiB of %j, of which it looks at the first lines only",
    (line) => {
      const head = Buffer.from(line.repeat(512 * 1024) + EVENT_LIST);
      expect(recognise(head.subarray(0, 512 * 1024), false)?.form).toBe("plain");
    },
  );
});
