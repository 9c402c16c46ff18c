import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { ROOT, WORK } from "./work.ts";

/** As it is published: one file. */
export const PUBLISHED: string = join(ROOT, "packages/cli/dist/start.cjs");
const BASELINES = join(WORK, "baselines");

/** What is compared with, as it would be installed: one file of JavaScript, so that no start has to make it out of TypeScript. */
export function baseline(name: string): string {
  return join(BASELINES, `${name}.mjs`);
}

/** Makes of the sources what users install, and of the baselines what {@link baseline} names. */
export function buildPublished(): void {
  for (const [script, ...more] of [["build-start.mjs"], ["build-baselines.mjs", BASELINES]] as const) {
    const { status } = spawnSync(process.execPath, [join(ROOT, "scripts", script), ...more], { stdio: "inherit" });
    if (status !== 0) {
      throw new Error(`Cannot build what is measured: scripts/${script} ended with ${status}`);
    }
  }
}
