import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { IngestError } from "../errors.ts";
import { openLog } from "./log-file.ts";

const LINES = Buffer.from(
  Array.from({ length: 20_000 }, (_, i) => `{"line":${i},"noise":"${(i * 2654435761) % 4294967296}"}`).join("\n") +
    "\n",
);
const SKIPPABLE = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "log-file-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("openLog", () => {
  const checksummed = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };
  test.each([
    ["plain", LINES, LINES],
    ["empty", Buffer.alloc(0), Buffer.alloc(0)],
    ["three bytes", Buffer.from("a\nb"), Buffer.from("a\nb")],
    ["gzip", gzipSync(LINES), LINES],
    [
      "gzip of two members",
      Buffer.concat([gzipSync(LINES), gzipSync("end\n")]),
      Buffer.concat([LINES, Buffer.from("end\n")]),
    ],
    ["zstd", zstdCompressSync(LINES), LINES],
    ["zstd of nothing", zstdCompressSync(""), Buffer.alloc(0)],
    [
      "zstd of five frames, one skippable, two with checksum",
      Buffer.concat([
        zstdCompressSync("start\n"),
        SKIPPABLE,
        zstdCompressSync(LINES, checksummed),
        zstdCompressSync(""),
        zstdCompressSync("end\n", checksummed),
      ]),
      Buffer.concat([Buffer.from("start\n"), LINES, Buffer.from("end\n")]),
    ],
    ["zstd that begins with a skippable frame", Buffer.concat([SKIPPABLE, zstdCompressSync(LINES)]), LINES],
    [
      "gzip in gzip",
      gzipSync(Buffer.concat([gzipSync(LINES), gzipSync("end\n")])),
      Buffer.concat([LINES, Buffer.from("end\n")]),
    ],
    ["gzip in gzip in gzip", gzipSync(gzipSync(gzipSync(LINES))), LINES],
    ["gzip in zstd", zstdCompressSync(gzipSync(LINES)), LINES],
    ["zstd of run-length blocks", zstdCompressSync(Buffer.alloc(3_000_000, 0x61)), Buffer.alloc(3_000_000, 0x61)],
  ])("reads %s, from a file and from a stream byte by byte", async (name, packed, expected) => {
    const path = join(folder, name.replaceAll(" ", "-"));
    await writeFile(path, packed);
    expect((await readAll(path)).bytes.equals(expected)).toBe(true);
    const pieces = packed.length < 4096 ? Array.from(packed, (byte) => Buffer.from([byte])) : [packed];
    expect((await readAll(Readable.from(pieces))).bytes.equals(expected)).toBe(true);
  });

  test.each([
    ["gzip", gzipSync(LINES)],
    ["zstd", zstdCompressSync(LINES)],
  ])("yields what is readable of a truncated %s archive, then says so", async (format, packed) => {
    const path = join(folder, `cut-${format}`);
    await writeFile(path, packed.subarray(0, packed.length - 50));
    const { bytes, error } = await readAll(path);
    expect(bytes.length).toBeGreaterThan(LINES.length / 3);
    expect(LINES.subarray(0, bytes.length).equals(bytes)).toBe(true);
    expect(error).toMatchObject({ code: "truncated-archive", path });
    expect(error?.message).toContain(path);
  });

  test.each([
    ["gzip", Buffer.concat([gzipSync(LINES), gzipSync(LINES).subarray(0, 40)])],
    ["zstd", Buffer.concat([zstdCompressSync(LINES), zstdCompressSync(LINES).subarray(0, 40)])],
  ])("yields the whole first part of a %s archive cut in its second", async (_format, packed) => {
    const { bytes, error } = await readAll(Readable.from([packed]));
    expect(bytes.subarray(0, LINES.length).equals(LINES)).toBe(true);
    expect(error?.code).toBe("truncated-archive");
  });

  const damagedIn = (packed: Buffer): Buffer => {
    const copy = Buffer.from(packed);
    copy.fill(0xff, Math.floor(copy.length / 2), Math.floor(copy.length / 2) + 64);
    return copy;
  };
  const END = Buffer.from("the end\n");
  test.each([
    ["gzip", gzipSync(LINES), gzipSync(END)],
    ["zstd", zstdCompressSync(LINES, checksummed), zstdCompressSync(END)],
  ])(
    "reads on behind a damaged part of a %s archive with the next one, and says what is damaged",
    async (_format, first, second) => {
      for (const packed of [damagedIn(first), Buffer.concat([second, damagedIn(first)])]) {
        for (const pieceBytes of [1000, 10_000_000]) {
          const all = Buffer.concat([packed, second, second]);
          const pieces = Array.from({ length: Math.ceil(all.length / pieceBytes) }, (_, i) =>
            all.subarray(i * pieceBytes, (i + 1) * pieceBytes),
          );
          const { bytes, error } = await readAll(Readable.from(pieces));
          expect(bytes.subarray(-2 * END.length).toString()).toBe(END.toString().repeat(2));
          expect(bytes.at(-2 * END.length - 1)).toBe(10);
          expect(error?.code).toBe("damaged-archive");
        }
      }
    },
  );

  test("reads on behind NUL between the members of a gzip archive, wherever it stands, and says nothing of it", async () => {
    for (const padding of [1, 1000, 16_384, 700_000]) {
      const packed = Buffer.concat([gzipSync(END), Buffer.alloc(padding), gzipSync(LINES), Buffer.alloc(padding)]);
      const { bytes, error } = await readAll(Readable.from([packed]));
      expect(bytes.equals(Buffer.concat([END, LINES]))).toBe(true);
      expect(error).toBeUndefined();
    }
    const short = Buffer.concat([gzipSync(END), Buffer.alloc(100), gzipSync(END), Buffer.alloc(3)]);
    const { bytes, error } = await readAll(Readable.from(Array.from(short, (byte) => Buffer.from([byte]))));
    expect([bytes.toString(), error]).toEqual([END.toString().repeat(2), undefined]);
  });

  test("says that something else stands between two members, and reads the second one", async () => {
    const packed = Buffer.concat([gzipSync(END), Buffer.from("\0\0no member"), gzipSync(LINES)]);
    const { bytes, error } = await readAll(Readable.from([packed]));
    expect(bytes.equals(Buffer.concat([END, LINES]))).toBe(true);
    expect(error).toMatchObject({ code: "damaged-archive" });
  });

  test.each([
    ["utf-16le", [0xff, 0xfe]],
    ["utf-16be", [0xfe, 0xff]],
  ])("reads %s with a byte order mark as UTF-8, packed or not, however it is cut", async (encoding, mark) => {
    const text = `${LINES.toString("utf8", 0, 1000)}é😀\r\n`;
    const little = Buffer.from(text, "utf16le");
    const wide = Buffer.concat([Buffer.from(mark), encoding === "utf-16le" ? little : Buffer.from(little).swap16()]);
    for (const packed of [wide, gzipSync(wide), zstdCompressSync(wide)]) {
      for (const pieces of [[packed], Array.from(packed, (byte) => Buffer.from([byte]))]) {
        const { bytes, error } = await readAll(Readable.from(pieces));
        expect(bytes.toString()).toBe(text);
        expect(error).toBeUndefined();
      }
    }
  });

  test("says where zstd frames stop being frames, after what stands before", async () => {
    const first = zstdCompressSync(LINES);
    const { bytes, error } = await readAll(Readable.from([Buffer.concat([first, Buffer.from("\x01garbage")])]));
    expect(bytes.equals(LINES)).toBe(true);
    expect(error).toMatchObject({ code: "damaged-archive" });
    expect(error?.message).toContain(`compressed offset ${first.length}`);
  });

  test("says that a gzip archive is damaged", async () => {
    const packed = gzipSync(LINES);
    packed.fill(0xff, packed.length >> 1, (packed.length >> 1) + 64);
    const { error } = await readAll(Readable.from([packed]));
    expect(error?.code).toBe("damaged-archive");
  });

  test("names a missing file and a directory with their cure", async () => {
    const missing = join(folder, "nowhere");
    expect((await readAll(missing)).error).toMatchObject({ code: "missing", path: missing, hint: /path/ });
    expect((await readAll(folder)).error).toMatchObject({ code: "is-directory", path: folder });
  });

  test("names the stream that failed", async () => {
    const broken = new Readable({ read: () => undefined });
    broken.push("one\ntwo\n");
    setImmediate(() => broken.destroy(new Error("pipe broke")));
    const { error } = await readAll(broken);
    expect(error?.message).toBe("Cannot read log from standard input: pipe broke");
  });

  test("closes the file when the reader stops early", async () => {
    const path = join(folder, "early");
    await writeFile(path, zstdCompressSync(Buffer.alloc(30_000_000, 0x61)));
    for await (const chunk of openLog(path)) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
  });

  test("a small archive of much is read in bounded chunks", async () => {
    let largest = 0;
    let total = 0;
    for await (const chunk of openLog(Readable.from([zstdCompressSync(Buffer.alloc(40_000_000))]))) {
      largest = Math.max(largest, chunk.length);
      total += chunk.length;
    }
    expect(total).toBe(40_000_000);
    expect(largest).toBeLessThanOrEqual(1024 * 1024);
  });
});

async function readAll(log: Parameters<typeof openLog>[0]): Promise<{ bytes: Buffer; error?: IngestError }> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of openLog(log)) {
      chunks.push(Buffer.from(chunk));
    }
  } catch (error) {
    expect(error).toBeInstanceOf(IngestError);
    return { bytes: Buffer.concat(chunks), error: error as IngestError };
  }
  return { bytes: Buffer.concat(chunks) };
}
