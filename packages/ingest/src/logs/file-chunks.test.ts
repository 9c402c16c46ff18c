import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as othersSpoke } from "node:timers/promises";
import { afterAll, afterEach, expect, test, vi } from "vitest";
import { fileChunks } from "./file-chunks.ts";

const CHUNK_BYTES = 1024;
const CONTENT = randomBytes(200 * CHUNK_BYTES + 17);

const folder = mkdtempSync(join(tmpdir(), "file-chunks-"));
const path = join(folder, "audit.log");
writeFileSync(path, CONTENT);
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => void vi.restoreAllMocks());

/** Reads the file with a clock that goes on by so much with each look. */
async function read(clockMs: number, from = 0): Promise<Buffer> {
  let now = 0;
  vi.spyOn(performance, "now").mockImplementation(() => (now += clockMs));
  const buffers = [Buffer.alloc(CHUNK_BYTES), Buffer.alloc(CHUNK_BYTES)] as const;
  const parts: Buffer[] = [];
  for await (const chunk of fileChunks(path, buffers, from)) {
    // A chunk is valid until the next one is asked for, whoever reads ahead meanwhile.
    await othersSpoke();
    parts.push(Buffer.from(chunk));
  }
  return Buffer.concat(parts);
}

test.each([
  ["in memory", 0],
  ["on a slow disk", 20],
])("fileChunks gives every byte of a file %s, from its beginning or another place", async (_, clockMs) => {
  expect(await read(clockMs)).toEqual(CONTENT);
  expect(await read(clockMs, 70_001)).toEqual(CONTENT.subarray(70_001));
});

test("fileChunks lets others have their turn while it reads what is in memory", async () => {
  vi.spyOn(performance, "now").mockReturnValue(0);
  const seen: number[] = [];
  let chunks = 0;
  setImmediate(() => void seen.push(chunks));
  for await (const _ of fileChunks(path, [Buffer.alloc(CHUNK_BYTES), Buffer.alloc(CHUNK_BYTES)])) {
    chunks++;
  }
  expect(chunks).toBe(201);
  expect(seen[0]).toBeLessThan(10);
});
