import { accessSync, constants, fstatSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { Failure, systemCode } from "./failure.ts";
import { inputName, STANDARD_INPUT } from "./standard-input.ts";

/**
 * Throws a {@link Failure} before hours of reading if `file`, the value of `option`, cannot be written in the end, or is one of the
 * `inputs`: a log is evidence, and writing would replace it. Names that lead to the same file (links, relative paths) are the same.
 */
export function checkOutputFile(option: string, file: string, inputs: readonly string[]): void {
  const existing = statSync(file, { throwIfNoEntry: false, bigint: true });
  if (existing?.isDirectory() === true) {
    throw new Failure(`Cannot write ${option} to "${file}": it is a folder`, { hint: "Name a file in it" });
  }
  if (existing === undefined) {
    checkFolder(option, file);
    return;
  }
  const same = inputs.find((input) => {
    const stats =
      input === STANDARD_INPUT
        ? fstatSync(0, { bigint: true })
        : statSync(input, { throwIfNoEntry: false, bigint: true });
    return stats?.isFile() === true && stats.dev === existing.dev && stats.ino === existing.ino;
  });
  if (same !== undefined) {
    throw new Failure(
      `Cannot write ${option} to "${file}": that is the log "${inputName(same)}", which would be lost`,
      {
        hint: "Name another file",
      },
    );
  }
}

function checkFolder(option: string, file: string): void {
  const folder = dirname(file);
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    const isGone = systemCode(error) === "ENOENT";
    throw new Failure(
      `Cannot write ${option} to "${file}": ${isGone ? "there is no folder" : "this user may not write in"} "${folder}"`,
      { hint: isGone ? "Make the folder first" : "Check the permissions of the folder" },
    );
  }
}
