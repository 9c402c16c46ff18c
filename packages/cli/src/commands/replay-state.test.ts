import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { DetectionSet } from "../detection-set.ts";
import type { ReplayCommandOptions } from "./replay-options.ts";
import { openState } from "./replay-state.ts";

const folder = mkdtempSync(join(tmpdir(), "auditsieve-state-"));
afterAll(() => rmSync(folder, { recursive: true }));

const SET = { files: [] } as unknown as DetectionSet;
const OPTIONS = { zone: "utc", output: "table", detections: ["shipped"] } as unknown as ReplayCommandOptions;
const HISTORY = { ...OPTIONS, history: "pods *" };

/** What is said when a replay is to go on that was stopped with `before`. */
async function goesOn(name: string, before: ReplayCommandOptions, now: ReplayCommandOptions): Promise<string> {
  const path = join(folder, name);
  const stopped = await openState(path, before, SET, [], {});
  await stopped.save({ some: "state" });
  await stopped.close();
  try {
    await (await openState(path, now, SET, [], {})).close();
    return "goes on";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

test("openState refuses to go on with detections where none have run, and the other way round", async () => {
  const differs = /another one \(whether detections run: changed\)/;
  expect(await goesOn("history", HISTORY, OPTIONS)).toMatch(differs);
  expect(await goesOn("credential", { ...OPTIONS, credential: "dev-dana" }, OPTIONS)).toMatch(differs);
  expect(await goesOn("findings", OPTIONS, HISTORY)).toMatch(differs);
});

test("openState lets change how it is printed", async () => {
  expect(await goesOn("printed", OPTIONS, { ...OPTIONS, output: "json", stories: true })).toBe("goes on");
  expect(await goesOn("report", OPTIONS, { ...HISTORY, html: "report.html" })).toBe("goes on");
  expect(await goesOn("object", HISTORY, { ...HISTORY, history: "secrets *" })).toBe("goes on");
});

test("openState says that a file is in the place of the folder", async () => {
  const file = join(folder, "notes.txt");
  writeFileSync(file, "");
  await expect(openState(file, OPTIONS, SET, [], {})).rejects.toThrow(
    `Cannot use the state folder "${file}": there is a file of this name`,
  );
});
