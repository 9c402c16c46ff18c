import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import type { IngestError } from "../errors.ts";
import { openLog } from "./log-file.ts";
import { openPlainLog } from "./plain-log.ts";

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
const little = (content: string): Buffer => Buffer.from(content, "utf16le");
const marked = (content: string): Buffer => Buffer.from(`\uFEFF${content}`, "utf16le");
const big = (content: string): Buffer => Buffer.from(`\uFEFF${content}`, "utf16le").swap16();

const PARTS: Readonly<Record<string, (content: string) => Buffer>> = { plain, gzip, zstd, little, marked, big };
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
        ...[65_536, 997, bytes.length].map((pieceBytes) => Readable.from(cut(bytes, pieceBytes))),
      ]) {
        const { read, error } = await readAll(openLog(log));
        expect(error).toBeUndefined();
        // Where a mark stands it is no letter of a line.
        expect(read.replaceAll("\uFEFF", "") === expected).toBe(true);
      }
    },
  );

  test("openLog reads a log behind a zstd frame that is cut off or damaged, but for what the engine takes for its rest", async () => {
    const packed = zstd(TWO);
    const damaged = Buffer.from(packed).fill(0xff, packed.length >> 1);
    for (const first of [packed.subarray(0, packed.length >> 1), damaged]) {
      const { read, error } = await readAll(openLog(Readable.from([first, plain(eventLines(5000))])));
      expect(error?.code).toBe("damaged-archive");
      expect(read.split("\n").filter((line) => line.startsWith('{"kind":"Event","apiVersion"')).length).toBeGreaterThan(
        3000,
      );
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

describe("openPlainLog", () => {
  test.each(
    MIXED.filter(([first]) => first?.[0] === "plain").map(
      (parts) => [parts.map(([form]) => form).join(", then "), parts] as const,
    ),
  )("openPlainLog reads of %s the plain lines, and gives where the rest begins", (name, parts) => {
    const path = join(folder, `plain ${name}`);
    writeFileSync(path, Buffer.concat(parts.map(([form, content]) => PARTS[form]?.(content) ?? Buffer.alloc(0))));
    for (const roomBytes of [4096, 65_536, 524_288]) {
      const log = openPlainLog(path, path, Buffer.alloc(roomBytes));
      let read = "";
      let rest: unknown;
      for (let next = log.isPlain ? log.chunks.next() : undefined; next !== undefined;) {
        if (next.done === true) {
          rest = next.value;
          break;
        }
        read += next.value.toString();
        next = log.isPlain ? log.chunks.next() : undefined;
      }
      expect(read === parts[0]?.[1]).toBe(true);
      expect(rest).toMatchObject({ offset: Buffer.byteLength(read) });
    }
  });
});

function eventLines(count: number): string {
  return Array.from(
    { length: count },
    (_, i) => `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"${i}"}\n`,
  ).join("");
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
