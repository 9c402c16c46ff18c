/** docs/peers.md and docs/behaviours.md: what others look for, and what somebody has named, with our detections or the reason. */
import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { readYaml } from "../packages/audit/src/index.ts";

export const ROOT: string = join(import.meta.dirname, "..");

/** Detections by name, or the reason why there is none. */
export type Answer = readonly string[] | string;
/** A part of a table: a peer or a tactic, and what it is about in the order of the file. */
export type Part = readonly [title: string, rows: readonly (readonly [what: string, answer: Answer])[]];

export function readParts(name: "peers" | "behaviours"): readonly Part[] {
  const { documents, problems } = readYaml(readFileSync(join(ROOT, "docs/data", `${name}.yml`), "utf8"));
  if (problems.length > 0) {
    throw new Error(`docs/data/${name}.yml: ${problems[0]?.message}`);
  }
  const parts = documents[0]?.value as Record<string, readonly Record<string, Answer>[]>;
  return Object.entries(parts).map(([title, rows]) => [title, rows.flatMap((row) => Object.entries(row))]);
}

export function detectionNames(): ReadonlySet<string> {
  const files = globSync("profiles/detections/*/*.yml", { cwd: ROOT });
  return new Set(files.map((file) => basename(file, ".yml")));
}

export function peersDocument(): string {
  const parts = readParts("peers");
  const counts = parts.map(([peer, rows]) => {
    const found = rows.filter(([, answer]) => typeof answer !== "string").length;
    return `| ${peer} | ${rows.length} | ${found} | ${rows.length - found} |\n`;
  });
  return `# What other rule sets find

Written by \`node scripts/make-peers-doc.ts\` from docs/data/peers.yml. What a rule looks for is said in our words, from the rule sets as they were
in August 2026; detections are named by their files under profiles/detections. SigmaHQ's own rules run here unchanged: a test fires all 16.
Panther's 33 rules partly share a behaviour.

| rule set | behaviours | found here | not, with the reason |
|---|--:|--:|--:|
${counts.join("")}
${parts.map(table).join("\n")}`;
}

export function behavioursDocument(): string {
  const parts = readParts("behaviours");
  const rows = parts.flatMap(([, part]) => part);
  const reasons = rows.filter(([, answer]) => typeof answer === "string").length;
  return `# Behaviours and detections

Written by \`node scripts/make-peers-doc.ts\` from docs/data/behaviours.yml. ${rows.length} behaviours that somebody has named for Kubernetes audit logs:
${rows.length - reasons} are found by shipped detections, ${reasons} cannot be seen in an audit log alone, for the reason given.

${parts.map(table).join("\n")}`;
}

function table([title, rows]: Part): string {
  const lines = rows.map(([what, answer]) => {
    const cell = typeof answer === "string" ? `none: ${answer}` : answer.join(", ");
    return `| ${what} | ${cell} |\n`;
  });
  return `## ${title}\n| behaviour | detections |\n|---|---|\n${lines.join("")}`;
}
