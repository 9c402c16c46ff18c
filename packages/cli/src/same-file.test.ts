import { copyFileSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { replayInputs } from "./replay-inputs.ts";
import { ROOT } from "./run-command.suite.ts";

const folder = mkdtempSync(join(tmpdir(), "same-file-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("replayInputs: a log is not read again where another file has taken its place, or none has", async () => {
  const path = join(folder, "audit.log");
  copyFileSync(join(ROOT, "samples", "small.log"), path);
  const [log] = await replayInputs([path]);
  const first = await log?.openLines?.();
  expect(first?.lineAt(0)?.toString()).toMatch(/^{"kind":"Event"/);
  first?.close();
  expect(log?.isReplaced?.()).toBe(false);
  renameSync(path, `${path}.1`);
  await expect(log?.openLines?.()).rejects.toThrow(`Cannot read "${path}" again: since it was first read it has gone`);
  copyFileSync(join(ROOT, "samples", "small.log"), path);
  const readAgain = async (): Promise<void> => {
    for await (const chunk of log?.open() ?? []) {
      expect(chunk).toBeUndefined();
    }
  };
  await expect(readAgain()).rejects.toThrow(`Cannot read "${path}" again: since it was first read`);
  expect(log?.isReplaced?.()).toBe(true);
});
