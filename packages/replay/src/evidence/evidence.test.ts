import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { hashFile } from "./hash-file.ts";
import { sealReplay } from "./seal-replay.ts";
import type { SealedReplay } from "./seal-replay.ts";
import { verifyManifest } from "./verify-manifest.ts";
import { runs } from "../../../../test/property-runs.ts";

const folder = mkdtempSync(join(tmpdir(), "evidence-"));
afterAll(() => rmSync(folder, { recursive: true }));
const log = join(folder, "audit.log");
writeFileSync(log, "one\ntwo\n");

async function replayOf(): Promise<SealedReplay> {
  return {
    tool: { name: "auditsieve", version: "1.2.3" },
    time: "2026-11-24T00:00:00.000Z",
    options: { since: null, minLevel: "high" },
    detections: [{ name: "exec.yml", bytes: 3, sha256: "a".repeat(64) }],
    inputs: [{ name: log, ...(await hashFile(log)) }],
    outputs: [{ name: "standard output", ...(await hashFile(log)) }],
    summary: { findings: 3 },
  };
}

async function sealed(
  name: string,
  times = 1,
): Promise<{ readonly text: string; readonly root: string; readonly path: string }> {
  const path = join(folder, name);
  let root = "";
  for (let i = 0; i < times; i++) {
    root = await sealReplay(path, await replayOf());
  }
  return { text: readFileSync(path, "utf8"), root, path };
}

describe("sealReplay and verifyManifest", () => {
  test("verifyManifest proves what sealReplay wrote, also of several replays in one manifest", async () => {
    const { text, root } = await sealed("two.manifest", 2);
    const verified = await verifyManifest(text, { base: folder, root, standardOutput: log });
    expect(verified).toMatchObject({ isProven: true, replays: 2, root, problems: [] });
    expect(verified.files.map(({ kind, state }) => `${kind} ${state}`)).toEqual([
      "detection not-checked",
      "input same",
      "output same",
      "detection not-checked",
      "input same",
      "output same",
    ]);
  });

  test("verifyManifest proves the standard output of one replay of several, and names one that none of them wrote", async () => {
    const [one, other, none] = ["one.out", "other.out", "none.out"].map((name) => join(folder, name));
    const path = join(folder, "outputs.manifest");
    for (const output of [one ?? "", other ?? ""]) {
      writeFileSync(output, output);
      const outputs = [{ name: "standard output", ...(await hashFile(output)) }];
      await sealReplay(path, { ...(await replayOf()), outputs });
    }
    writeFileSync(none ?? "", "none");
    const states = async (standardOutput = ""): Promise<unknown[]> => {
      const verified = await verifyManifest(readFileSync(path, "utf8"), { base: folder, standardOutput });
      const outputs = verified.files.filter(({ kind }) => kind === "output");
      return [verified.isProven, ...outputs.map(({ state }) => state)];
    };
    expect(await states(one)).toEqual([true, "same", "not-checked"]);
    expect(await states(other)).toEqual([true, "not-checked", "same"]);
    expect(await states(none)).toEqual([false, "changed", "changed"]);
  });

  test("verifyManifest names a file that was changed or is missing", async () => {
    const { text } = await sealed("files.manifest");
    writeFileSync(join(folder, "other.log"), "one\ntwO\n");
    const changed = await verifyManifest(text, { base: folder, standardOutput: join(folder, "other.log") });
    expect([changed.isProven, changed.files[2]?.state]).toEqual([false, "changed"]);
    const missing = await verifyManifest(text, { base: folder, standardOutput: join(folder, "absent.log") });
    expect([missing.isProven, missing.files[2]?.state]).toEqual([false, "missing"]);
  });

  test("verifyManifest sees every change of a byte, and every line taken, doubled or moved", async () => {
    const { text, root } = await sealed("tamper.manifest", 2);
    const lines = text.split(/(?<=\n)/);
    const options = { base: folder, root };
    await fc.assert(
      fc.asyncProperty(fc.nat(text.length - 1), fc.integer({ min: 32, max: 126 }), async (at, code) => {
        const changed = text.slice(0, at) + String.fromCharCode(code) + text.slice(at + 1);
        expect((await verifyManifest(changed, options)).isProven).toBe(changed === text);
      }),
      { numRuns: runs(70) },
    );
    for (let i = 0; i < lines.length; i++) {
      const without = lines.toSpliced(i, 1).join("");
      const doubled = lines.toSpliced(i, 0, lines[i] ?? "").join("");
      for (const tampered of [without, doubled, lines.toSpliced(i, 2, lines[i + 1] ?? "", lines[i] ?? "").join("")]) {
        expect((await verifyManifest(tampered, options)).isProven).toBe(tampered === text);
      }
      expect((await verifyManifest(lines.slice(0, i).join(""), options)).isProven).toBe(false);
    }
  });

  test("verifyManifest needs no hash kept elsewhere to see that lines are missing inside a replay", async () => {
    const { text } = await sealed("cut.manifest");
    const lines = text.split(/(?<=\n)/);
    for (let i = 0; i < lines.length; i++) {
      const { isProven, problems } = await verifyManifest(lines.slice(0, i).join(""), { base: folder });
      expect([isProven, problems.length]).toEqual([false, 1]);
    }
  });

  test("sealReplay adds to no file that is not a sound manifest", async () => {
    writeFileSync(join(folder, "notes.txt"), "not a manifest\n");
    await expect(sealReplay(join(folder, "notes.txt"), await replayOf())).rejects.toThrow(/Line 1 of the manifest/);
    expect(readFileSync(join(folder, "notes.txt"), "utf8")).toBe("not a manifest\n");
  });
});
