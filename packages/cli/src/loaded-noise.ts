import type { StreamRules } from "@auditsieve/policy/stream";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PROFILES } from "./shipped-files.ts";

/** A shipped noise policy's text and what loading it gives, written by scripts/make-loaded-noise.ts. */
interface LoadedNoise {
  readonly text: string;
  readonly rules: StreamRules;
}

/**
 * What loading a policy gives, where its text is that of the shipped noise policy `name`, byte for byte; undefined otherwise. It saves
 * reading YAML, which takes as long as filtering 60 MB.
 */
export function rulesOfShipped(name: string, text: string): StreamRules | undefined {
  const file = join(PROFILES, "loaded", `${name}.json`);
  if (!/^[a-z0-9-]+$/.test(name) || !existsSync(file)) {
    return undefined;
  }
  const loaded = JSON.parse(readFileSync(file, "utf8")) as LoadedNoise;
  return loaded.text === text ? withConditions(loaded.rules) : undefined;
}

/** JSON has null where a rule has no condition. */
function withConditions(rules: StreamRules): StreamRules {
  return { ...rules, conditions: rules.conditions.map((condition) => condition ?? undefined) };
}
