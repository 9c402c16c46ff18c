import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { openLinesAt } from "./lines-at.ts";

const folder = mkdtempSync(join(tmpdir(), "auditsieve-lines-"));
afterAll(() => rmSync(folder, { recursive: true }));

const EVENT = { kind: "Event", apiVersion: "audit.k8s.io/v1", level: "Metadata", verb: "list", requestURI: "/" };
const LINES = [0, 5, 16_000, 40_000, 3, 16 * 1024 * 1024 + 1, 7].map((bytes, i) =>
  JSON.stringify({ ...EVENT, auditID: `id-${i}`, userAgent: "x".repeat(bytes) }),
);

function file(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

describe("openLinesAt", () => {
  test("openLinesAt gives every line of a plain log by its offset, in any order, but for one over the limit", async () => {
    const path = file("plain.log", `${LINES.join("\n")}\n\nrest`);
    const lines = await openLinesAt(path);
    const all = [...LINES, "", "rest"];
    const offsets = all.map((_, i) => all.slice(0, i).reduce((sum, line) => sum + line.length + 1, 0));
    for (const i of [3, 0, 8, 7, 6, 5, 4, 3, 2, 1]) {
      expect(lines?.lineAt(offsets[i] as number)?.toString()).toBe(i === 5 ? undefined : all[i]);
    }
    expect(lines?.lineAt(offsets.at(-1) as number) !== undefined && lines.lineAt(1e9)).toBeUndefined();
    truncateSync(path, 1_000);
    expect(lines?.lineAt(offsets[3] as number)).toBeUndefined();
    lines?.close();
  });

  test("openLinesAt reads bytes from anywhere in a plain log", async () => {
    const path = file("bytes.log", LINES.slice(0, 2).join("\n"));
    const lines = await openLinesAt(path);
    const target = Buffer.alloc(10);
    expect([lines?.size, lines?.readAt(target, 3), target.toString()]).toEqual([
      `${LINES[0]}\n${LINES[1]}`.length,
      10,
      LINES[0]?.slice(3, 13),
    ]);
    expect(lines?.readAt(target, (lines?.size ?? 0) - 4)).toBe(4);
    expect(lines?.readAt(target, 1e9)).toBe(0);
    lines?.close();
  });

  test.each([
    ["packed.gz", gzipSync(`${LINES[0]}\n`)],
    ["list.json", JSON.stringify({ kind: "EventList", apiVersion: "audit.k8s.io/v1", items: [EVENT] })],
  ])("openLinesAt leaves %s to who reads the whole of it", async (name, content) => {
    expect(await openLinesAt(file(name, content))).toBeUndefined();
    expect(await openLinesAt(join(folder, "none.log"))).toBeUndefined();
  });
});
