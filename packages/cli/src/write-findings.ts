import type { Finding } from "@auditsieve/detect";
import { writeFileSync } from "node:fs";
import { Failure } from "./failure.ts";

/** Findings as NDJSON, one a line, in order of time. */
export function findingsText(findings: readonly Finding[]): string {
  return findings.map((finding) => `${JSON.stringify(finding)}\n`).join("");
}

/** Writes findings to a file as NDJSON. */
export async function writeFindings(file: string, findings: readonly Finding[]): Promise<void> {
  const inOrder = findings.toSorted((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
  try {
    writeFileSync(file, findingsText(inOrder));
  } catch (error) {
    throw new Failure(`Cannot write findings to "${file}": ${error instanceof Error ? error.message : String(error)}`, {
      hint: "Check the folder and its permissions",
    });
  }
}
