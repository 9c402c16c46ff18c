import { mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { ROOT } from "./run-command.suite.ts";

/** The shell commands of the README, but those that set up or run until they are stopped. */
export const README_COMMANDS: readonly string[] = [
  ...readFileSync(join(ROOT, "README.md"), "utf8").matchAll(/```sh\n(.*?)```/gs),
]
  .flatMap(([, block = ""]) => block.replaceAll("|\n", "| ").split("\n"))
  .filter((line) => line.includes("npx auditsieve") && !line.includes("ingest"));

/** A folder with what the README's commands read, in which they may write; it is gone when the tests are done. */
export function readmeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "auditsieve-readme-"));
  ["samples", "profiles"].forEach((name) => symlinkSync(join(ROOT, name), join(folder, name)));
  afterAll(() => rmSync(folder, { recursive: true }));
  return folder;
}
