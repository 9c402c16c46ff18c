import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { auditsieve, ROOT } from "../run-command.suite.ts";

const folder = mkdtempSync(join(tmpdir(), "auditsieve-seal-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("auditsieve replay --seal", () => {
  test("auditsieve replay --seal proves what came in by standard input", async () => {
    const log = join(ROOT, "samples/small.log");
    const manifest = join(folder, "stdin.manifest");
    const packed = gzipSync(readFileSync(log));
    const kept = join(folder, "came-in.gz");
    writeFileSync(kept, packed);
    const sealed = await auditsieve(["replay", "-", "--seal", manifest], packed);
    expect([sealed.code, sealed.stderr]).toEqual([0, expect.stringContaining("hash of the last line")]);
    const same = await auditsieve(["verify", manifest, "--stdin", kept]);
    const other = await auditsieve(["verify", manifest, "--stdin", log]);
    const without = await auditsieve(["verify", manifest]);
    expect([same.code, other.code, without.code]).toEqual([0, 1, 0]);
    expect(other.stdout).toMatch(/input +changed +standard input/);
    expect(without.stdout).toMatch(/input +not-checked +standard input/);
  });

  test("auditsieve replay --seal refuses a file that is no whole manifest before it reads a log", async () => {
    const notes = join(folder, "notes.txt");
    writeFileSync(notes, "not a manifest\n");
    const { code, stdout, stderr } = await auditsieve(["replay", "samples/small.log", "--seal", notes]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(`Cannot add to the manifest "${notes}": line 1 of the manifest is not sound`);
    expect(readFileSync(notes, "utf8")).toBe("not a manifest\n");
  });
});
