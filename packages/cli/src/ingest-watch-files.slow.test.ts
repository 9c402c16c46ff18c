import { spawn } from "node:child_process";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { ENVIRONMENT, MAIN, ROOT } from "./run-command.suite.ts";

test("ingest --watch-files loads a configuration again when a file that it names was exchanged, once for each", async () => {
  const folder = mkdtempSync(join(tmpdir(), "watch-files-"));
  const at = (name: string): string => join(folder, name);
  // Put in place at once: one that is just being written is another one to who looks at it then.
  const key = (text: string): void => {
    writeFileSync(at("next"), text);
    renameSync(at("next"), at("key"));
  };
  key("a".repeat(40));
  writeFileSync(at("audit.log"), "");
  writeFileSync(
    at("auditsieve.yaml"),
    `cluster: c
stateFolder: ${at("state")}
keys: { redaction: "file:${at("key")}" }
sources: [{ type: file, path: ${at("audit.log")} }]
sinks: [{ type: store, folder: ${at("store")} }]
`,
  );
  const args = [MAIN, "ingest", "-c", at("auditsieve.yaml"), "--watch-files", "1"];
  const child = spawn(process.execPath, args, { cwd: ROOT, env: ENVIRONMENT });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString("utf8")));
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const times = (what: string): number => said.split(what).length - 1;
  const until = async (isDone: () => boolean): Promise<void> => {
    while (!isDone()) {
      expect(child.exitCode, said).toBeNull();
      await sleep(20);
    }
  };
  await until(() => times('"Started."') === 1);
  key("b".repeat(40));
  await until(() => times('"Started."') === 2);
  // One that cannot be used is refused, and not tried again until it is another one.
  key("short");
  await until(() => times("going on with the one before") === 1);
  await sleep(3000);
  expect([times("going on with the one before"), times('"Started."')]).toEqual([1, 2]);
  key("c".repeat(40));
  await until(() => times('"Started."') === 3);
  child.kill("SIGTERM");
  expect(await ended).toBe(0);
  rmSync(folder, { recursive: true });
}, 120_000);
