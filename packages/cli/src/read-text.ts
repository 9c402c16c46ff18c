import { readFileSync } from "node:fs";
import { Failure, systemCode } from "./failure.ts";
import { STANDARD_INPUT } from "./standard-input.ts";

/** Text of a small file (a policy, a profile, a configuration), or of standard input for `-`. */
export async function readText(path: string, what: string): Promise<string> {
  if (path === STANDARD_INPUT) {
    const { text } = await import("node:stream/consumers");
    return text(process.stdin);
  }
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = systemCode(error);
    const why =
      code === "ENOENT"
        ? "no such file"
        : code === "EISDIR"
          ? "it is a directory"
          : code === "EACCES"
            ? "permission denied"
            : String(error);
    throw new Failure(`Cannot read the ${what} "${path}": ${why}`, {
      hint: "Check the path and its permissions",
      cause: error,
    });
  }
}
