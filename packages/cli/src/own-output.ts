import { fstatSync, statSync } from "node:fs";
import type { BigIntStats } from "node:fs";
import { STANDARD_INPUT } from "./standard-input.ts";

/** Where a shell may have sent what a command writes: `> kept.log`, `2> messages.log`. */
const OUTPUTS = [
  { descriptor: 1, name: "standard output" },
  { descriptor: 2, name: "standard error" },
] as const;

/**
 * Which of this process's own outputs the file under this name is, if any: read as a log it would give what was just written, or never end.
 * Names that lead to the same file (links, relative paths) are the same.
 */
export function ownOutput(path: string): (typeof OUTPUTS)[number]["name"] | undefined {
  const file = factsOf(path);
  return file?.isFile() === true
    ? OUTPUTS.find(({ descriptor }) => {
        const output = fstatSync(descriptor, { bigint: true });
        return output.dev === file.dev && output.ino === file.ino;
      })?.name
    : undefined;
}

/** Undefined for what cannot be read: whoever reads it says why. */
function factsOf(path: string): BigIntStats | undefined {
  try {
    return path === STANDARD_INPUT ? fstatSync(0, { bigint: true }) : statSync(path, { bigint: true });
  } catch {
    return undefined;
  }
}
