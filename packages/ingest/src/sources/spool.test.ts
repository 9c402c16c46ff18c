import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { numberOf, Spool } from "./spool.ts";
import type { SpoolOptions } from "./spool.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "spool-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Fills a segment, the least size of which is 64 KiB. */
const FIRST = Buffer.alloc(70_000, "a");
const SECOND = Buffer.alloc(70_000, "b");

describe("Spool", () => {
  test("gives the next segment from its own file, though the one before was released before its reader came to its end", async () => {
    const spool = await opened();
    const stop = new AbortController();
    const reader = spool.read(undefined, stop.signal);
    await spool.append(FIRST);
    const first = await reader.next();
    expect(first.value).toMatchObject({ input: "spool@1", offset: 0, bytes: { length: FIRST.length + 1 } });
    // The reader is held back meanwhile, as it is when too much waits for a sink.
    await spool.append(SECOND);
    await spool.release({ number: 1, offset: FIRST.length + 1 });
    expect(readdirSync(folder)).toEqual(["00000002.ndjson"]);
    const end = await reader.next();
    expect(end.value).toMatchObject({ input: "spool@1", offset: FIRST.length + 1, isLast: true });
    const second = await reader.next();
    expect(second.value).toMatchObject({ input: "spool@2", offset: 0, bytes: { length: SECOND.length + 1 } });
    expect(second.value?.bytes.toString("latin1", 0, SECOND.length)).toBe(SECOND.toString("latin1"));
    stop.abort();
    await reader.return();
    await spool.close();
  });

  test("keeps nothing for long that every sink has, though no more comes", async () => {
    const spool = await opened({ maxAgeMs: 20 });
    await spool.append(Buffer.from("small"));
    await spool.release({ number: 1, offset: 6 });
    await vi.waitFor(() => expect(readdirSync(folder)).toEqual([]), { timeout: 60_000 });
    // Nobody has these: however old they are, they stay.
    await vi.waitFor(
      async () => {
        await spool.append(Buffer.from("next"));
        expect(readdirSync(folder)).toContain("00000003.ndjson");
      },
      { timeout: 60_000 },
    );
    expect(readdirSync(folder)).toContain("00000002.ndjson");
    await spool.close();
  });

  test("releases each segment once, however many positions are told at the same time", async () => {
    const spool = await opened();
    for (const bytes of [FIRST, SECOND, FIRST]) {
      await spool.append(bytes);
    }
    const position = { number: 1, offset: FIRST.length + 1 };
    await Promise.all([spool.release(position), spool.release(position)]);
    expect(readdirSync(folder)).toEqual(["00000002.ndjson", "00000003.ndjson"]);
    const stop = new AbortController();
    const reader = spool.read(position, stop.signal);
    const { value } = await reader.next();
    expect(numberOf(value?.input ?? "")).toBe(2);
    stop.abort();
    await reader.return();
    await spool.close();
  });
});

function opened(more: Partial<SpoolOptions> = {}): Promise<Spool> {
  return Spool.open({ folder, maxBytes: 1024 * 1024, ...more }, undefined);
}
