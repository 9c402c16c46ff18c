import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import type { IngestError } from "../errors.ts";
import { openLog } from "./log-file.ts";
import { findUtf16 } from "./utf-16-run.ts";
import { runs } from "../../../../test/property-runs.ts";

/** How a log comes that is no file; the whole of it for 0. */
const PIECES = runs(1) === 1 ? [4999] : [65_536, 997, 0];
const folder = mkdtempSync(join(tmpdir(), "mixed-parts-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Lines that pack as badly as those of an audit log. */
function text(seed: number, count: number): string {
  let state = seed;
  const next = (): string => ((state = (state * 1_103_515_245 + 12_345) % 2_147_483_648) >>> 3).toString(36);
  return Array.from(
    { length: count },
    (_, i) => `{"kind":"Event","log":${seed},"line":${i},"id":"${next()}-${next()}-é","verb":"get"}\n`,
  ).join("");
}

const plain = (content: string): Buffer => Buffer.from(content);
const gzip = (content: string): Buffer => gzipSync(content);
const zstd = (content: string): Buffer => zstdCompressSync(content);
const stored = (content: string): Buffer => gzipSync(content, { level: 0 });
const fast = (content: string): Buffer =>
  zstdCompressSync(content, { params: { [constants.ZSTD_c_compressionLevel]: -50 } });
const little = (content: string): Buffer => Buffer.from(content, "utf16le");
const marked = (content: string): Buffer => Buffer.from(`\uFEFF${content}`, "utf16le");
const big = (content: string): Buffer => Buffer.from(`\uFEFF${content}`, "utf16le").swap16();

const twice = (content: string): Buffer => gzipSync(zstdCompressSync(content));
const PARTS: Readonly<Record<string, (content: string) => Buffer>> = { plain, gzip, zstd, little, marked, big, twice };
type Part = readonly [form: string, content: string];
const ONE = text(1, 40);
const TWO = text(2, 3000);
const THREE = text(3, 30_000);

const MIXED: readonly (readonly Part[])[] = [
  [
    ["gzip", TWO],
    ["zstd", ONE],
  ],
  [
    ["zstd", ONE],
    ["gzip", THREE],
    ["zstd", TWO],
  ],
  [
    ["gzip", ONE],
    ["plain", TWO],
  ],
  [
    ["zstd", THREE],
    ["plain", ONE],
  ],
  [
    ["gzip", THREE],
    ["plain", THREE],
    ["gzip", ONE],
    ["plain", ONE],
    ["zstd", TWO],
  ],
  [
    ["plain", ONE],
    ["gzip", ONE],
  ],
  [
    ["plain", THREE],
    ["gzip", TWO],
    ["plain", ONE],
  ],
  [
    ["plain", TWO],
    ["zstd", ONE],
    ["gzip", ONE],
  ],
  [
    ["plain", THREE],
    ["marked", ONE],
  ],
  [
    ["plain", ONE],
    ["little", TWO],
  ],
  [
    ["plain", ONE],
    ["little", TWO],
    ["plain", THREE],
    ["little", ONE],
  ],
  [["little", ONE]],
  [
    ["marked", TWO],
    ["plain", TWO],
  ],
  [
    ["marked", ONE],
    ["plain", ONE],
    ["gzip", TWO],
  ],
  [
    ["big", TWO],
    ["plain", ONE],
  ],
  [
    ["plain", ONE],
    ["big", ONE],
    ["plain", ONE],
  ],
  [
    ["gzip", ONE],
    ["marked", TWO],
    ["plain", ONE],
  ],
  [
    ["plain", ONE],
    ["twice", ONE],
    ["twice", TWO],
    ["plain", ONE],
  ],
  [
    ["gzip", ONE],
    ["twice", ONE],
    ["zstd", TWO],
  ],
  [
    ["plain", ONE],
    ["twice", ONE],
    ["plain", TWO],
  ],
];

describe("openLog", () => {
  test.each(MIXED.map((parts) => [parts.map(([form]) => form).join(", then "), parts] as const))(
    "openLog reads %s, from a file and however it comes",
    async (name, parts) => {
      const bytes = Buffer.concat(parts.map(([form, content]) => PARTS[form]?.(content) ?? Buffer.alloc(0)));
      const expected = parts.map(([, content]) => content).join("");
      const path = join(folder, name);
      writeFileSync(path, bytes);
      for (const log of [
        path,
        ...PIECES.map((pieceBytes) => Readable.from(cut(bytes, pieceBytes === 0 ? bytes.length : pieceBytes))),
      ]) {
        const { read, error } = await readAll(openLog(log));
        expect(error).toBeUndefined();
        // Where a mark stands it is no letter of a line.
        expect(read.replaceAll("\uFEFF", "") === expected).toBe(true);
      }
    },
  );

  test.each<[string, (content: string) => Buffer, number]>([
    ["gzip", gzip, 0],
    ["zstd", zstd, 0],
    // A few lines are torn where the engine takes letters for what says how long the next piece is.
    ["gzip that packs nothing", stored, 3],
    // The letters of what was written and of what stands behind cannot be told apart up to the end of a block, of 128 KiB at most.
    ["zstd that leaves letters as they are", fast, 500],
  ])(
    "openLog reads what stands behind a part that is cut off in a log that is not packed: %s",
    async (_, pack, lost) => {
      const [first, behind] = [eventLines(1, 4000), eventLines(2, 500)];
      const packed = pack(first);
      const written = new Set([...first.split("\n"), ...behind.split("\n"), ...ONE.split("\n"), ...THREE.split("\n")]);
      const cuts = Array.from({ length: 3 }, (_each, i) => Math.floor(((i + 0.5) * packed.length) / 3));
      for (const at of [...cuts, packed.length - 5]) {
        const rest = `${behind}${at % 2 === 0 ? THREE : ""}${ONE}`;
        const tail = [rest.slice(0, -ONE.length), ONE] as const;
        const bytes = Buffer.concat([packed.subarray(0, at), plain(tail[0]), gzip(tail[1])]);
        const { read, error } = await readAll(openLog(Readable.from(cut(bytes, 20_011))));
        expect(error?.code, `cut at ${at}`).toBe("damaged-archive");
        const lines = read.split("\n");
        const whole = new Set(lines.filter((line) => written.has(line)));
        const missing = rest.split("\n").filter((line) => !whole.has(line));
        expect(missing.length, `cut at ${at}`).toBeLessThanOrEqual(lost);
        // What is no line that was written is a torn one, and cannot be taken for one that was.
        const others = lines.filter((line) => !written.has(line));
        expect(others.length, `cut at ${at}`).toBeLessThanOrEqual(1 + 2 * Math.min(lost, 3));
        expect(others.filter((line) => isJson(line))).toEqual([]);
        // A block of zstd is read as a whole, of up to 128 KiB.
        const before = first.split("\n").filter((line) => whole.has(line)).length;
        expect(before).toBeGreaterThan((4000 * at) / packed.length - 1300);
      }
    },
  );

  test("openLog leaves nothing out of archives in which lines stand as they are", async () => {
    const lines = eventLines(1, 4000);
    for (const packed of [stored(lines), fast(lines)]) {
      const { read, error } = await readAll(openLog(Readable.from(cut(Buffer.concat([packed, packed]), 7919))));
      expect([read === lines + lines, error]).toEqual([true, undefined]);
    }
  });

  test("openLog reads all of a gzip archive whose packed bytes look like text in UTF-16, as those of repeated text may", async () => {
    const repeated = Array.from({ length: 30 }, (_, seed) => {
      const hashes = Array.from({ length: 49 }, (_each, i) =>
        createHash("sha256").update(`${seed}:${i}`).digest("hex"),
      );
      return `${hashes.join("").slice(0, 3073).repeat(12)}\n`;
    });
    const alike = repeated.filter((content) => findUtf16(gzip(content)) !== undefined);
    expect(alike.length).toBeGreaterThan(3);
    for (const content of alike) {
      for (const behind of [gzip(ONE), little(ONE)]) {
        const bytes = Buffer.concat([gzip(content), behind]);
        const { read, error } = await readAll(openLog(Readable.from(cut(bytes, 20_011))));
        expect([read === content + ONE, error]).toEqual([true, undefined]);
      }
    }
  });

  test("openLog says what stands behind an archive that is neither one nor a log", async () => {
    const garbage = Buffer.from(Array.from({ length: 100 }, (_, i) => (i * 7 + 1) % 251));
    for (const pack of [gzip, zstd]) {
      const packed = pack(ONE);
      const { read, error } = await readAll(openLog(Readable.from([packed, garbage])));
      expect(read).toBe(ONE);
      expect(error?.code).toBe("damaged-archive");
    }
  });

  test("openLog reads packed parts of a few KiB and less wherever they stand in a large log", async () => {
    const large = text(1, 10_000);
    for (const [pack, few] of [gzip, zstd].flatMap((each) =>
      [1, 150].map((count) => [each, text(2, count)] as const),
    )) {
      expect(pack(few).length).toBeLessThan(4096);
      for (let i = 0; i < 5; i++) {
        const at = large.indexOf("\n", 200_000 + 121_411 * i) + 1;
        const bytes = Buffer.concat([plain(large.slice(0, at)), pack(few), plain(large.slice(at))]);
        const { read, error } = await readAll(openLog(Readable.from(cut(bytes, 524_288))));
        expect([read === large.slice(0, at) + few + large.slice(at), error], `behind ${at}`).toEqual([true, undefined]);
      }
    }
  });

  test("openLog reads on behind a line that is no UTF-8, and a part that is cut off in its first bytes", async () => {
    const bytes = Buffer.concat([
      Buffer.from("caf\xe9 \xff\xf8 {\n", "latin1"),
      gzip(TWO).subarray(0, 12),
      plain(ONE),
      gzip(ONE),
    ]);
    const { read } = await readAll(openLog(Readable.from([bytes])));
    expect(read.endsWith(ONE + ONE)).toBe(true);
  });

  test("openLog reads all of an archive in an archive that is damaged before it", async () => {
    const { read, error } = await readAll(openLog(Readable.from([zstd(ONE).subarray(0, -9), twice(ONE)])));
    expect([read.endsWith(ONE), error?.code]).toEqual([true, "damaged-archive"]);
  });

  test("openLog leaves NUL in a plain log where it stands", async () => {
    const bytes = Buffer.concat([
      plain(ONE),
      Buffer.alloc(70_000),
      plain(ONE),
      Buffer.from([0x1f, 0x8b, 10]),
      Buffer.alloc(3),
    ]);
    const { read, error } = await readAll(openLog(Readable.from(cut(bytes, 10_000))));
    expect([Buffer.from(read).equals(Buffer.from(bytes.toString())), error]).toEqual([true, undefined]);
  });
});

function eventLines(log: number, count: number): string {
  return text(log, count).replaceAll('{"kind":"Event"', '{"kind":"Event","apiVersion":"audit.k8s.io/v1"');
}

function cut(bytes: Buffer, pieceBytes: number): readonly Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / pieceBytes) }, (_, i) =>
    bytes.subarray(i * pieceBytes, (i + 1) * pieceBytes),
  );
}

async function readAll(log: AsyncIterable<Buffer>): Promise<{ read: string; error?: IngestError }> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of log) {
      chunks.push(Buffer.from(chunk));
    }
  } catch (error) {
    return { read: Buffer.concat(chunks).toString(), error: error as IngestError };
  }
  return { read: Buffer.concat(chunks).toString() };
}

function isJson(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}
