import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JsonValue } from "@auditsieve/audit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openAuditIdJournal } from "./audit-id-journal.ts";
import type { AuditIdJournal } from "./audit-id-journal.ts";
import { AUDIT_ID_SLOTS, AuditIdMemory } from "./audit-id-memory.ts";
import { SHORT_WRITES } from "../state/short-writes.suite.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "audit-ids-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** Notes events `from` to `to`, each ending where its number of bytes says. */
function note(journal: AuditIdJournal, from: number, to: number): void {
  for (let n = from; n < to; n++) {
    journal.begin(10 * (n + 1));
    journal.noted(Math.imul(n, 0x9e3779b1) >>> 0, n + 1, n + 7);
  }
}

/** What a memory holds that was never stopped. */
function remembered(events: number): Buffer {
  const memory = new AuditIdMemory();
  for (let n = 0; n < events; n++) {
    memory.note(Math.imul(n, 0x9e3779b1) >>> 0, n + 1, n + 7);
  }
  return memory.bytes;
}

describe("AuditIdJournal", () => {
  test("is whole though the disk takes only a part of it at once", async () => {
    const journal = await openAuditIdJournal(folder, "audit", undefined, SHORT_WRITES);
    note(journal, 0, 300);
    await journal.write(1000);
    await journal.write(3000);
    const again = await openAuditIdJournal(folder, "audit", journal.reference);
    expect(again.problem).toBeUndefined();
    expect(again.bytes.equals(remembered(300))).toBe(true);
  });

  test("holds what belongs to the position and nothing behind it", async () => {
    const journal = await openAuditIdJournal(folder, "audit", undefined);
    expect(journal.reference).toBeUndefined();
    note(journal, 0, 3000);
    journal.begin(25_000);
    journal.wasTold("early");
    journal.begin(30_010);
    journal.wasTold("late");
    await journal.write(10_000);
    await journal.write(25_000);
    const again = await openAuditIdJournal(folder, "audit", journal.reference);
    expect(again.problem).toBeUndefined();
    expect(again.bytes.equals(remembered(2500))).toBe(true);
    expect([...again.told]).toEqual(["early"]);
    // As after a crash in the middle of the next write: what stands behind the named length does not count.
    const before = again.reference;
    note(again, 2500, 2600);
    await again.write(26_000);
    expect((await openAuditIdJournal(folder, "audit", before)).bytes.equals(remembered(2500))).toBe(true);
    expect((await openAuditIdJournal(folder, "audit", again.reference)).bytes.equals(remembered(2600))).toBe(true);
  });

  test("begins the other file with the whole table before one is too large, and never touches the one that is named", async () => {
    let journal = await openAuditIdJournal(folder, "audit", undefined);
    let named: JsonValue | undefined;
    const step = AUDIT_ID_SLOTS / 2 + 1;
    for (let written = 0; written < 3 * step; written += step) {
      note(journal, written, written + step);
      named = journal.reference;
      await journal.write(10 * (written + step));
      if (named !== undefined) {
        expect((await openAuditIdJournal(folder, "audit", named)).bytes.equals(remembered(written))).toBe(true);
      }
      journal = await openAuditIdJournal(folder, "audit", journal.reference);
      expect(journal.bytes.equals(remembered(written + step))).toBe(true);
    }
    const names = await readdir(folder);
    expect(names.toSorted()).toEqual(["audit-ids-audit.0", "audit-ids-audit.1"]);
    for (const name of names) {
      expect((await stat(join(folder, name))).size).toBeLessThan(24 * AUDIT_ID_SLOTS + 1000);
    }
  });

  test("what cannot be written is written with the next try", async () => {
    let isFull = true;
    const files = await import("node:fs/promises");
    const journal = await openAuditIdJournal(folder, "audit", undefined, {
      readFile: files.readFile,
      rename: files.rename,
      open: async (...args) => {
        if (isFull) {
          throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
        }
        return files.open(...args);
      },
    });
    note(journal, 0, 100);
    await expect(journal.write(1000)).rejects.toThrow("no space");
    expect(journal.reference).toBeUndefined();
    isFull = false;
    await journal.write(500);
    isFull = true;
    await expect(journal.write(1000)).rejects.toThrow("no space");
    isFull = false;
    await journal.write(1000);
    expect((await openAuditIdJournal(folder, "audit", journal.reference)).bytes.equals(remembered(100))).toBe(true);
  });

  test.each([
    ["is gone", (file: string) => rm(file), "ENOENT"],
    ["is cut off", async (file: string) => writeFile(file, (await readFile(file)).subarray(0, 100)), "not what"],
    ["is changed", (file: string) => writeFile(file, Buffer.alloc(2000)), "not what"],
  ] as const)("a file that %s is a problem, and nothing is loaded", async (_, harm, words) => {
    const journal = await openAuditIdJournal(folder, "audit", undefined);
    note(journal, 0, 100);
    await journal.write(1000);
    await harm(join(folder, (await readdir(folder))[0] ?? ""));
    const again = await openAuditIdJournal(folder, "audit", journal.reference);
    expect(again.problem).toContain(words);
    expect(again.bytes.equals(new AuditIdMemory().bytes)).toBe(true);
    expect(again.reference).toBeUndefined();
  });

  test("a file of another version is a problem, and a checkpoint that names none is not", async () => {
    const { crc32 } = await import("node:zlib");
    const text = Buffer.from('{"kind":"audit-ids","version":2}\n');
    await writeFile(join(folder, "audit-ids-audit.0"), text);
    const reference = { slot: 0, length: text.length, crc32: crc32(text), told: [] };
    expect((await openAuditIdJournal(folder, "audit", reference)).problem).toContain("another form than version 1");
    expect((await openAuditIdJournal(folder, "audit", { slot: 7 })).problem).toContain("does not say");
    expect((await openAuditIdJournal(folder, "audit", undefined)).problem).toBeUndefined();
  });
});
