import { safeText } from "@auditsieve/detect";
import { verifyManifest } from "@auditsieve/replay";
import type { VerifiedManifest } from "@auditsieve/replay";
import type { Argv } from "yargs";
import { EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { writeData, writeLine } from "../output.ts";
import { readText } from "../read-text.ts";
import { counted, paint, table } from "../table.ts";
import { wideJson } from "../json-text.ts";

/** Options of `verify`. */
export interface VerifyCommandOptions {
  readonly manifest: string;
  readonly base: string;
  readonly hash: string | undefined;
  readonly stdin: string | undefined;
  readonly stdout: string | undefined;
  readonly output: "table" | "json";
}

/** Adds the options of `verify`. */
export function verifyOptions(argv: Argv): Argv<VerifyCommandOptions> {
  return argv
    .positional("manifest", { type: "string", demandOption: true, describe: "What `replay --seal` wrote" })
    .option("base", {
      type: "string",
      default: ".",
      describe: "Folder in which relative names of the manifest are looked up",
    })
    .option("hash", { type: "string", describe: "Hash of the last line, as it was kept elsewhere" })
    .option("stdin", { type: "string", describe: "File that holds what came in by standard input" })
    .option("stdout", { type: "string", describe: "File that holds what the replay wrote to standard output" })
    .option("output", {
      choices: ["table", "json"] as const,
      default: "table",
      describe: "For people, or one document",
    })
    .example("$0 verify case-17.manifest", "that the manifest is whole, and every file what it was")
    .example(
      "$0 verify case-17.manifest --hash 9f2c… --stdout case-17.ndjson",
      "also against the hash in the case notes, and the findings",
    )
    .epilogue(
      "Without --hash a manifest that was made anew as a whole looks sound: write the hash down where the manifest is not. Exit 1: not proven; what is wrong is named.",
    ) as unknown as Argv<VerifyCommandOptions>;
}

/** Proves a sealed replay. */
export async function verify(options: VerifyCommandOptions): Promise<ExitCode> {
  const { manifest, base, hash, stdin, stdout, output } = options;
  const verified = await verifyManifest(await readText(manifest, "manifest"), {
    base,
    ...(hash !== undefined && { root: hash }),
    ...(stdin !== undefined && { standardInput: stdin }),
    ...(stdout !== undefined && { standardOutput: stdout }),
  });
  await (output === "json" ? writeData(`${wideJson(verified)}\n`) : print(verified));
  return verified.isProven ? EXIT.fine : EXIT.problems;
}

async function print({ isProven, replays, root, problems, files }: VerifiedManifest): Promise<void> {
  for (const problem of problems) {
    await writeLine(paint("red", safeText(problem, 500)));
  }
  const shown = files.filter(({ kind, state }) => kind !== "detection" || state !== "not-checked");
  if (shown.length > 0) {
    await writeLine(
      table(
        [{ title: "" }, { title: "state" }, { title: "name" }, { title: "" }],
        shown.map(({ kind, state, name, detail = "" }) => [
          kind,
          state === "same" || state === "not-checked" ? state : paint("red", state),
          safeText(name, 500),
          safeText(detail, 500),
        ]),
      ),
    );
  }
  await writeLine(`hash of the last line: ${root}`);
  await writeLine(
    paint(
      "bold",
      isProven ? `Proven: ${counted(replays, "replay")}, every file that could be checked is the same` : "Not proven",
    ),
  );
}
