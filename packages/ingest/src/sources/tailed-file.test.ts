import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { openFileOrigin, TailedFile } from "./tailed-file.ts";

const CHUNK_BYTES = 4;
let folder: string;
let log: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tailed-"));
  log = join(folder, "audit.log");
});
afterEach(() => rmSync(folder, { recursive: true }));

/** The chunks of a file, with what is done behind the first one, and how often its beginning was looked at. */
async function read(behindFirst: () => void): Promise<{ readonly chunks: readonly string[]; readonly looks: number }> {
  const origin = await openFileOrigin(log);
  if (origin === undefined) {
    throw new Error(`There is no ${log}`);
  }
  const reads = vi.spyOn(origin.handle, "read");
  const file = new TailedFile({ generation: 0, input: "audit.log@0", origin, known: [] });
  const chunks: string[] = [];
  for await (const { bytes } of file.read(Buffer.alloc(CHUNK_BYTES))) {
    chunks.push(bytes.toString());
    if (chunks.length === 1) {
      behindFirst();
    }
  }
  await file.close();
  return { chunks, looks: reads.mock.calls.length };
}

describe("TailedFile", () => {
  test("TailedFile does not compare the beginning of a file that nobody writes to any more behind each chunk", async () => {
    writeFileSync(log, "one,two,end\n");
    utimesSync(log, 1_700_000_000, 1_700_000_000);
    const { chunks, looks } = await read(() => {});
    expect(chunks).toEqual(["one,", "two,", "end\n"]);
    expect(looks).toBe(0);
  });

  test("TailedFile compares it again where that was written a moment ago: the next change may have the same time", async () => {
    writeFileSync(log, "one,two,end\n");
    expect((await read(() => {})).looks).toBe(2);
  });

  test("TailedFile gives nothing of what stands in the place of a file that is caught up with", async () => {
    writeFileSync(log, "one,two,end\n");
    utimesSync(log, 1_700_000_000, 1_700_000_000);
    const { chunks } = await read(() => writeFileSync(log, "1234567890123\n"));
    expect(chunks).toEqual(["one,"]);
  });
});
