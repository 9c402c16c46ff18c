// Writes profiles/loaded: what loading each shipped noise policy gives, so that `filter` need not read YAML. A test makes them again.
import { loadStreamPolicy } from "../packages/policy/src/index.ts";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const PROFILES = join(import.meta.dirname, "../profiles");
const SUFFIX = ".policy.yaml";

/** Names of the shipped noise policies. */
export function noiseNames(): readonly string[] {
  return readdirSync(join(PROFILES, "noise"))
    .filter((file) => file.endsWith(SUFFIX))
    .map((file) => file.slice(0, -SUFFIX.length));
}

/** Where the loaded form of a noise policy stands. */
export function loadedFile(name: string): string {
  return join(PROFILES, "loaded", `${name}.json`);
}

/** What stands there. */
export function loadedText(name: string): string {
  const text = readFileSync(join(PROFILES, "noise", `${name}${SUFFIX}`), "utf8");
  const loaded = loadStreamPolicy(text);
  if (loaded.outcome !== "accepted" || loaded.problems.length > 0) {
    throw new Error(`Cannot load ${name}: ${loaded.problems[0]?.message}`);
  }
  return `${JSON.stringify({ text, rules: loaded.rules })}\n`;
}

if (import.meta.main) {
  mkdirSync(join(PROFILES, "loaded"), { recursive: true });
  for (const name of noiseNames()) {
    writeFileSync(loadedFile(name), loadedText(name));
  }
}
