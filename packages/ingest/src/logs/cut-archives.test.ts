import { mkdtempSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { constants, deflateRawSync, gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import type { IngestError } from "../errors.ts";
import { decompress } from "./decompress.ts";
import { openLog } from "./log-file.ts";
import { runs } from "../../../../test/property-runs.ts";

/** Lines that pack as badly as those of an audit log: deflate needs several blocks, and fails late on bytes that are none of its own. */
function text(seed: number, count: number): Buffer {
  let state = seed;
  const next = (): string => ((state = (state * 1_103_515_245 + 12_345) % 2_147_483_648) >>> 3).toString(36);
  return Buffer.from(
    Array.from(
      { length: count },
      (_, i) => `{"log":${seed},"line":${i},"id":"${next()}-${next()}","verb":"get"}\n`,
    ).join(""),
  );
}

const [FIRST, SECOND, THIRD] = [text(1, 6000), text(2, 5000), text(3, 10)];
const folder = mkdtempSync(join(tmpdir(), "cut-archives-"));
afterAll(() => rmSync(folder, { recursive: true }));
const checksummed = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };

describe.each<[string, (text: Buffer) => Buffer]>([
  ["gzip", (text) => gzipSync(text)],
  ["zstd", (text) => zstdCompressSync(text)],
  ["zstd with checksums", (text) => zstdCompressSync(text, checksummed)],
])("openLog of %s archives that were cut off and written on", (name, pack) => {
  const [first, second, third] = [pack(FIRST), pack(SECOND), pack(THIRD)] as [Buffer, Buffer, Buffer];
  const cuts = Array.from({ length: runs(8) }, (_each, i) => Math.floor(((i + 0.37) * first.length) / runs(8)));

  test("reads all of the part behind one that is cut off, and of that one what stands before", async () => {
    for (const [i, cut] of [...cuts, 3, 11, first.length - 1].entries()) {
      // Of the cuts in its midst every other one is read in small pieces, the others in one.
      for (const pieceBytes of i < cuts.length ? [i % 2 === 0 ? 9973 : 10_000_000] : [9973, 10_000_000]) {
        const { bytes, error } = await readAll([first.subarray(0, cut), second, third], pieceBytes);
        const behind = SECOND.length + THIRD.length;
        const before = bytes.subarray(0, bytes.length - behind);
        expect(bytes.subarray(-behind).equals(Buffer.concat([SECOND, THIRD])), `cut at ${cut}`).toBe(true);
        const whole = before.subarray(0, before.lastIndexOf(10, before.length - 2) + 1);
        expect(FIRST.subarray(0, whole.length).equals(whole), `cut at ${cut}`).toBe(true);
        // A block of zstd is read as a whole, of up to 128 KiB.
        expect(before.length).toBeGreaterThan((FIRST.length * cut) / first.length - 140_000);
        expect(error?.code).toBe("damaged-archive");
        expect(error?.message).toMatch(cut < 12 ? /offset 0|after 0/ : /begins at compressed offset 0 is cut off at/);
      }
    }
  });

  test("reads what stands before, between and behind several that are cut off, and counts them", async () => {
    const cut = first.subarray(0, first.length >> 1);
    const { bytes, error } = await readAll([third, cut, cut, second, cut, third, second.subarray(0, -4)], 5000);
    const lines = bytes.toString().split("\n");
    const expected = [THIRD, SECOND, THIRD, SECOND].map((each) => each.toString().split("\n").length - 1);
    const of = (log: number): number =>
      lines.filter((line) => line.startsWith(`{"log":${log},`) && line.endsWith("}")).length;
    expect(of(3)).toBe((expected[0] as number) * 2);
    expect(of(2)).toBeGreaterThan(SECOND.length / 60 + 3000);
    expect(of(1)).toBeGreaterThan(3 * 1000);
    expect(error?.message).toMatch(/; 3 more of its parts are damaged/);
  });

  test.each(["a file", "a pipe"])("reads up to the byte that is damaged, of %s", async (what) => {
    const path = join(folder, `damaged-${name}`);
    for (const at of cuts.filter((_each, i) => i % 16 === 5)) {
      const damaged = Buffer.from(first);
      damaged.fill(0xff, at, at + 40);
      const all = [second, damaged, third];
      await writeFile(path, Buffer.concat(all));
      const { bytes, error } = what === "a file" ? await readAll(path) : await readAll(all, 60_000);
      expect(bytes.subarray(0, SECOND.length).equals(SECOND)).toBe(true);
      const before = bytes.subarray(SECOND.length, -THIRD.length);
      expect(sameBytes(before, FIRST)).toBeGreaterThan(
        (FIRST.length * at) / first.length - (name === "gzip" ? 5000 : 140_000),
      );
      expect(bytes.subarray(-THIRD.length).equals(THIRD)).toBe(true);
      // Without a checksum nothing may be seen of it.
      expect(name === "zstd" || error?.code === "damaged-archive").toBe(true);
    }
  });

  test("reads what stands behind an archive whose beginning is missing", async () => {
    const { bytes, error } = await readAll([first.subarray(2000), second, third], 100_000);
    expect(bytes.equals(Buffer.concat([SECOND, THIRD]))).toBe(true);
    expect(error?.code).toBe("damaged-archive");
  });

  test("reads whole parts that hold archives, and those, to their ends", async () => {
    const line = `${"x".repeat(99)}\n`;
    const inner = Buffer.concat([Buffer.from(line), ...Array.from({ length: 40 }, () => pack(text(7, 30)))]);
    const { bytes, error } = await readAll([pack(inner), pack(inner), third], 4000);
    const read = `${line}${text(7, 30).toString().repeat(40)}`;
    expect(bytes.toString() === read + read + THIRD.toString()).toBe(true);
    expect(error).toBeUndefined();
  });
});

test("decompress loses of what it cannot read twice no more than is made of 4 KiB before the damage", async () => {
  const head = gzipSync("").subarray(0, 10);
  for (const length of [180_000, 220_000, 260_000, 300_000]) {
    // An engine fails at once at a block of a type that is none.
    const whole = deflateRawSync(FIRST.subarray(0, length), { finishFlush: constants.Z_FULL_FLUSH });
    const damaged = Buffer.concat([head, whole, Buffer.alloc(20_000, 7)]);
    const input = chunksOf(cut(damaged, 9973));
    const { bytes, error } = await gather(decompress(input, "gzip", "a pipe", { mostKept: 10_000 }));
    expect(error?.message).toContain("invalid block type");
    expect(bytes.length).toBeGreaterThan(length - (4096 * length) / whole.length - 1000);
    expect(FIRST.subarray(0, bytes.length).equals(bytes)).toBe(true);
  }
});

test("openLog gives every line of a log behind a member of gzip that packs nothing and was cut off, once", async () => {
  // A stored block has up to 64 KiB: an engine takes the log behind it for its own up to there, and fails in the midst of a line.
  const stored = gzipSync(FIRST.subarray(0, 150_000), { level: 0 });
  // As long as those of an audit log: what an engine makes of text may be what it gave shortly before.
  const log = text(2, 800)
    .toString()
    .replaceAll('"get"', `"get","padding":"${"p".repeat(700)}"`);
  const expected = log.slice(0, 400_000).split("\n").slice(0, -1);
  for (const at of [11, 5000, 65_551, 99_999, 150_030]) {
    for (const pieceBytes of [9973, 10_000_000]) {
      const { bytes, error } = await readAll([stored.subarray(0, at), Buffer.from(log)], pieceBytes);
      const read = bytes.toString("latin1");
      const [first = "", ...others] = expected;
      const lines = Map.groupBy(read.split("\n"), (line) => line);
      const missing = others.filter((line) => lines.get(line)?.length !== 1);
      expect(missing, `cut at ${at}`).toEqual([]);
      // It may stand on the line that was torn.
      expect(read.split(first).length, `cut at ${at}`).toBe(2);
      expect(error?.code, `cut at ${at}`).toBe("damaged-archive");
    }
  }
});

test("openLog ends the torn line of a part in UTF-16 in its own letters", async () => {
  const wide = (text: string): Buffer => Buffer.concat([Buffer.of(0xff, 0xfe), Buffer.from(text, "utf16le")]);
  const first = gzipSync(wide("one\nline that is torn"), { level: 0 });
  for (const cut of [30, 31, 32, 33]) {
    const { bytes } = await readAll([first.subarray(0, cut), gzipSync(wide("two\n"))], 1000);
    const lines = bytes.toString("utf8").split("\n");
    expect(lines.at(0)).toBe("one");
    expect(lines.at(-2)).toBe("\ufefftwo");
  }
});

test("openLog takes bounded time for an archive that is made of beginnings", async () => {
  const head = gzipSync(Buffer.alloc(0)).subarray(0, 10);
  const stored = Buffer.concat([head, Buffer.of(0, 10, 0, 0xf5, 0xff), head]);
  const packed = Buffer.concat(Array.from({ length: 3000 }, () => stored));
  const { error } = await readAll([packed, gzipSync(THIRD)], 100_000);
  expect(error?.code).toBe("damaged-archive");
});

/** How many bytes two buffers have in common from their beginnings. */
function sameBytes(a: Buffer, b: Buffer): number {
  let count = 0;
  while (count < a.length && a[count] === b[count]) {
    count++;
  }
  return count;
}

async function readAll(
  parts: readonly Buffer[] | string,
  pieceBytes = 0,
): Promise<{ bytes: Buffer; error?: IngestError }> {
  const log = typeof parts === "string" ? parts : Readable.from(cut(Buffer.concat(parts), pieceBytes));
  return gather(openLog(log));
}

async function* chunksOf(pieces: readonly Buffer[]): AsyncGenerator<Buffer, void> {
  yield* pieces;
}

async function gather(read: AsyncIterable<Buffer>): Promise<{ bytes: Buffer; error?: IngestError }> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of read) {
      chunks.push(Buffer.from(chunk));
    }
  } catch (error) {
    return { bytes: Buffer.concat(chunks), error: error as IngestError };
  }
  return { bytes: Buffer.concat(chunks) };
}

function cut(all: Buffer, pieceBytes: number): readonly Buffer[] {
  return Array.from({ length: Math.ceil(all.length / pieceBytes) }, (_, i) =>
    all.subarray(i * pieceBytes, (i + 1) * pieceBytes),
  );
}
