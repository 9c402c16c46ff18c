import { readFileSync } from "node:fs";
import type { Argv } from "yargs";
import { Failure, systemCode } from "./failure.ts";

/** Of every command that runs detections. */
export interface ExceptionsOption {
  readonly exceptions: readonly string[];
}

/** Adds `--exceptions`. */
export function exceptionsOption<T>(argv: Argv<T>): Argv<T & { exceptions: string[] }> {
  return argv.option("exceptions", {
    type: "string",
    array: true,
    nargs: 1,
    default: [] as string[],
    describe: "Exceptions file: what is expected here, with reason, owner and end (docs/exceptions.md)",
  });
}

/** Texts of exceptions files. */
export function readExceptionTexts(
  paths: readonly string[],
): readonly { readonly file: string; readonly text: string }[] {
  return paths.map((file) => {
    try {
      return { file, text: readFileSync(file, "utf8") };
    } catch (error) {
      const code = systemCode(error) ?? String(error);
      const why = { ENOENT: "no such file", EISDIR: "it is a directory", EACCES: "permission denied" }[code] ?? code;
      throw new Failure(`Cannot read the exceptions "${file}": ${why}`, {
        hint: "Name a YAML file of exceptions; docs/exceptions.md has one to begin with",
        cause: error,
      });
    }
  });
}
