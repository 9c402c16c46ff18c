import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openKeptDocuments } from "./kept-documents.ts";
import { SHORT_WRITES } from "./short-writes.suite.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "kept-documents-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** With bytes beyond ASCII. */
function documentsOf(first: number, behind: number, bytes = 10): Map<string, string> {
  return new Map(
    Array.from({ length: behind - first }, (_, i) => [`${first + i}`, randomBytes(2 * bytes).toString("latin1")]),
  );
}

describe("KeptDocuments", () => {
  test("appends what is new, and gives what belongs to a position, whatever was written after it", async () => {
    const all = documentsOf(0, 30);
    const kept = await openKeptDocuments(folder, "audit", undefined);
    expect(kept.reference).toBeUndefined();
    const positions = [];
    for (const count of [0, 10, 10, 25, 30]) {
      await kept.write(new Map([...all].slice(0, count)));
      positions.push({ count, reference: kept.reference });
    }
    expect(await readdir(folder)).toHaveLength(1);
    for (const { count, reference } of positions) {
      const earlier = await openKeptDocuments(folder, "audit", reference);
      expect(earlier.take()).toEqual(new Map([...all].slice(0, count)));
    }
  });

  test("goes on from a position, over what a crash has left behind it", async () => {
    const all = documentsOf(0, 30);
    const kept = await openKeptDocuments(folder, "audit", undefined);
    await kept.write(new Map([...all].slice(0, 10)));
    const { reference } = kept;
    await kept.write(new Map([...all].slice(0, 20)));
    const again = await openKeptDocuments(folder, "audit", reference);
    await again.write(new Map([...all].slice(5, 30)));
    expect((await openKeptDocuments(folder, "audit", again.reference)).take()).toEqual(
      new Map([...all].filter(([id]) => Number(id) < 30)),
    );
  });

  test("is whole though the disk takes only a part of it at once", async () => {
    const all = documentsOf(0, 20, 100);
    const kept = await openKeptDocuments(folder, "audit", undefined, SHORT_WRITES);
    await kept.write(new Map([...all].slice(0, 10)));
    await kept.write(all);
    expect((await openKeptDocuments(folder, "audit", kept.reference)).take()).toEqual(all);
  });

  test("begins the other file when more than half of one is not needed any more, and leaves this one as it is", async () => {
    const kept = await openKeptDocuments(folder, "audit", undefined);
    let before = kept.reference;
    let last = new Map<string, string>();
    const sizes: number[] = [];
    for (let round = 0; round < 6; round++) {
      const documents = new Map([...[...last].slice(-1), ...documentsOf(round * 10, round * 10 + 10, 100_000)]);
      await kept.write(documents);
      const loaded = (await openKeptDocuments(folder, "audit", kept.reference)).take();
      for (const [id, document] of documents) {
        expect(loaded.get(id) === document).toBe(true);
      }
      if (before !== undefined) {
        const earlier = (await openKeptDocuments(folder, "audit", before)).take();
        expect([...last].every(([id, document]) => earlier.get(id) === document)).toBe(true);
      }
      before = kept.reference;
      last = documents;
      const files = await readdir(folder);
      sizes.push(Math.max(...(await Promise.all(files.map(async (file) => (await stat(join(folder, file))).size)))));
    }
    expect(await readdir(folder)).toHaveLength(2);
    expect(Math.max(...sizes)).toBeLessThan(10_000_000);
  });

  test.each([
    ["is cut off", (bytes: Buffer) => bytes.subarray(0, -1)],
    [
      "has another byte",
      (bytes: Buffer) => Buffer.from(bytes.map((byte, i) => (i === bytes.length - 9 ? byte ^ 1 : byte))),
    ],
  ])("a file that %s is not used", async (_what, harm) => {
    const kept = await openKeptDocuments(folder, "audit", undefined);
    await kept.write(documentsOf(0, 3));
    const [name = ""] = await readdir(folder);
    await writeFile(join(folder, name), harm(await readFile(join(folder, name))));
    await expect(openKeptDocuments(folder, "audit", kept.reference)).rejects.toThrow("not what the checkpoint names");
  });

  test("a checkpoint that names nothing sensible is refused", async () => {
    await expect(openKeptDocuments(folder, "audit", { slot: 7 })).rejects.toThrow("does not say which documents");
  });
});
