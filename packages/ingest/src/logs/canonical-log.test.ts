import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { IngestError } from "../errors.ts";
import { archiveSource } from "../sources/archive.ts";
import { openCanonicalLog } from "./canonical-log.ts";

const EVENT = '{"level":"Metadata","stage":"ResponseComplete","requestURI":"/version","verb":"get","user":{}}';
const LINES = `${EVENT}\n`.repeat(20_000);
const DOCUMENT = Buffer.from(`{"kind":"EventList","items":[${Array(20_000).fill(EVENT).join(",")}]}`);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "canonical-log-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("openCanonicalLog", () => {
  test.each([
    ["plain", DOCUMENT],
    ["gzip", gzipSync(DOCUMENT)],
    ["zstd", zstdCompressSync(DOCUMENT)],
    ["a plain log of events a line", Buffer.from(LINES)],
    ["a packed log of events a line", gzipSync(LINES)],
  ])("reads %s, from a file and from a stream", async (name, packed) => {
    const path = join(folder, name.replaceAll(" ", "-"));
    await writeFile(path, packed);
    expect((await readAll(path)).lines).toBe(LINES);
    expect((await readAll(Readable.from([packed.subarray(0, 2), packed.subarray(2)]))).lines).toBe(LINES);
  });

  test("gives the buffers of a log of events a line as they come", async () => {
    const chunks = [Buffer.from(`${EVENT}\n`), Buffer.from(EVENT), Buffer.from("\n")];
    const given: Buffer[] = [];
    for await (const chunk of openCanonicalLog(Readable.from(chunks))) {
      given.push(chunk);
    }
    expect(given.map((chunk, i) => chunk === chunks[i])).toEqual([true, true, true]);
  });

  test.each([
    [
      "plain",
      DOCUMENT.subarray(0, -30),
      /^Cannot read ".*" as a whole: the JSON document is cut off after .* in items\[19999\]$/,
    ],
    ["gzip", gzipSync(DOCUMENT.subarray(0, -30)), /in items\[19999\]$/],
    ["gzip, itself cut off", gzipSync(DOCUMENT, { level: 0 }).subarray(0, -2000), /the gzip archive is cut off/],
  ])("yields what is readable of a document that is cut off (%s), then says so", async (name, packed, message) => {
    const path = join(folder, `cut-${name.replaceAll(/\W/g, "-")}`);
    await writeFile(path, packed);
    const { lines, error } = await readAll(path);
    expect(error).toMatchObject({ code: "truncated-archive", path });
    expect(error?.message).toMatch(message);
    const kept = lines.split("\n");
    expect(kept.length).toBeGreaterThan(19_900);
    expect(kept.slice(0, 19_900).every((line) => line === EVENT)).toBe(true);
    // The last, torn item is there too.
    expect(EVENT.startsWith(kept.at(-2) ?? "?")).toBe(true);
  });

  test("says that a document is damaged, after all of it", async () => {
    const { lines, error } = await readAll(Readable.from([Buffer.from(`[${EVENT},]`)]));
    expect(lines).toBe(`${EVENT}\n]`);
    expect(error).toMatchObject({ code: "unreadable", path: "standard input" });
    expect(error?.hint).not.toBe("");
  });

  test("closes the file when the reader stops early", async () => {
    const path = join(folder, "early");
    await writeFile(path, DOCUMENT);
    for await (const chunk of openCanonicalLog(path)) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
  });
});

describe("archiveSource", () => {
  test("reads documents as lines, and the next log after a broken one", async () => {
    const [broken, whole] = [join(folder, "broken.json"), join(folder, "whole.json")];
    await writeFile(broken, DOCUMENT.subarray(0, 1000));
    await writeFile(whole, DOCUMENT);
    const errors: string[] = [];
    const source = archiveSource({ logs: [broken, whole], onUnreadable: ({ code }) => errors.push(code) });
    const bytes = new Map<string, number>();
    for await (const chunk of source.open(new AbortController().signal)) {
      bytes.set(chunk.input, chunk.offset + chunk.bytes.length);
    }
    expect(errors).toEqual(["truncated-archive"]);
    expect(bytes.get(`1:${whole}`)).toBe(LINES.length);
  });
});

async function readAll(log: string | Readable): Promise<{ lines: string; error?: IngestError }> {
  let lines = "";
  try {
    for await (const chunk of openCanonicalLog(log)) {
      lines += chunk.toString("latin1");
    }
  } catch (error) {
    expect(error).toBeInstanceOf(IngestError);
    return { lines, error: error as IngestError };
  }
  return { lines };
}
