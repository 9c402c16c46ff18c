import { describe, expect, test } from "vitest";
import { KeptBytes } from "./kept-bytes.ts";

async function* chunks(): AsyncGenerator<Buffer, void> {
  const buffer = Buffer.alloc(4);
  for (const text of ["abcd", "efgh", "ijkl"]) {
    buffer.write(text);
    yield buffer;
  }
}

async function text(bytes: AsyncIterable<Buffer>): Promise<string> {
  let all = "";
  for await (const chunk of bytes) {
    all += chunk.toString();
  }
  return all;
}

describe("KeptBytes", () => {
  test.each([
    [12, 0, 0, "abcdefghijkl"],
    [12, 0, 6, "ghijkl"],
    [12, 0, 12, ""],
    [12, 7, 4, "efghijkl"],
    [12, 8, 7, ""],
    [8, 0, 3, ""],
    [8, 0, 4, "efghijkl"],
    [3, 0, 11, "l"],
  ])(
    "KeptBytes(%i) that forgot what stands before %i gives from %i on %j",
    async (most, forgotten, offset, expected) => {
      const kept = new KeptBytes(most);
      expect(await text(kept.keep(chunks()))).toBe("abcdefghijkl");
      kept.forgetBefore(forgotten);
      expect(await text(kept.from(offset))).toBe(expected);
    },
  );
});
