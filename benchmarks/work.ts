import { mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT: string = dirname(dirname(fileURLToPath(import.meta.url)));
/** Data, installed peers and results of the parts: outside the checkout, kept from run to run. */
export const WORK: string = process.env["AUDITSIEVE_BENCH"] ?? join(tmpdir(), "auditsieve-bench");
mkdirSync(WORK, { recursive: true });

export const COMMON_JOB: string = join(ROOT, "benchmarks/common-job.policy.yaml");
export const NOISE: string = join(ROOT, "profiles/noise/control-loops.policy.yaml");
/** What each part writes down for the report. */
export function resultFile(part: string): string {
  return join(WORK, `${part}.json`);
}
