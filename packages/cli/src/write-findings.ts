import type { Finding } from "@auditsieve/detect";
import { writeFileSync } from "node:fs";
import { Failure } from "./failure.ts";

/** Writes findings to a file as NDJSON, in order of time. */
export async function writeFindings(file: string, findings: readonly Finding[]): Promise<void> {
  const inOrder = findings.toSorted((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
  try {
    writeFileSync(file, inOrder.map((finding) => `${JSON.stringify(finding)}\n`).join(""));
  } catch (error) {
    throw new Failure(`Cannot write findings to "${file}": ${error instanceof Error ? error.message : String(error)}`, {
      hint: "Check the folder and its permissions",
    });
  }
}
