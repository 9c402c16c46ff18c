import { explainRefusal, lintPolicy, loadPolicy } from "@auditsieve/policy";
import type { Problem } from "@auditsieve/audit";
import type { Argv } from "yargs";
import { EXIT, worseExit } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { Failure } from "../failure.ts";
import { KUBERNETES_VERSION_OPTION } from "../kubernetes-version-option.ts";
import { sayProblem, writeData, writeLine } from "../output.ts";
import { readText } from "../read-text.ts";
import { STANDARD_INPUT } from "../standard-input.ts";
import { paint } from "../table.ts";
import { safeText } from "@auditsieve/detect";
import { wideJson } from "../json-text.ts";

/** Options of `policy check`. */
export interface PolicyCheckOptions {
  readonly files: readonly string[];
  readonly output: "text" | "json";
  readonly kubernetesVersion: string;
}

/** Adds the options of `policy check`. */
export function policyCheckOptions(argv: Argv): Argv<PolicyCheckOptions> {
  return argv
    .positional("files", {
      type: "string",
      array: true,
      demandOption: true,
      describe: "Policies, or - for standard input",
    })
    .option("output", {
      choices: ["text", "json"] as const,
      default: "text",
      describe: "For people, or one JSON array",
    })
    .option("kubernetes-version", KUBERNETES_VERSION_OPTION)
    .example("$0 policy check audit-policy.yaml", "what the apiserver would say, then what it accepts in silence")
    .example("$0 policy generate | $0 policy check - --output json", "check what was just generated")
    .epilogue(
      "Exit 0: fine; 1: a problem of severity error; 2: an apiserver would not start with it.",
    ) as unknown as Argv<PolicyCheckOptions>;
}

interface Checked {
  readonly file: string;
  readonly accepted: boolean;
  /** What the apiserver would say, verbatim; null where it accepts. */
  readonly error: string | null;
  readonly warnings: readonly string[];
  readonly problems: readonly Problem[];
}

/** Checks each file as the apiserver would load it, then for what the apiserver accepts in silence. */
export async function policyCheck(options: PolicyCheckOptions): Promise<ExitCode> {
  const checked: Checked[] = [];
  let exit: ExitCode = EXIT.fine;
  for (const file of options.files) {
    const text = await readText(file, "policy").catch((error: unknown) => {
      if (!(error instanceof Failure)) {
        throw error;
      }
      sayProblem({
        id: "unreadable",
        severity: "error",
        message: error.message,
        ...(error.hint === undefined ? {} : { hint: error.hint }),
      });
      exit = EXIT.unusable;
    });
    if (text === undefined) {
      continue;
    }
    const result = checkPolicy(file === STANDARD_INPUT ? "-" : file, text, options.kubernetesVersion);
    checked.push(result);
    exit = worseExit(exit, exitOf(result));
  }
  await (options.output === "json" ? writeData(`${wideJson(checked)}\n`) : printChecked(checked));
  return exit;
}

function checkPolicy(file: string, text: string, kubernetesVersion: string): Checked {
  const loaded = loadPolicy(text, { kubernetesVersion });
  const warnings = loaded.strict === undefined ? [] : [loaded.strict.warning];
  return loaded.outcome === "refused"
    ? { file, accepted: false, error: loaded.error, warnings, problems: explainRefusal(loaded) }
    : { file, accepted: true, error: null, warnings, problems: lintPolicy(loaded) };
}

function exitOf({ accepted, problems }: Checked): ExitCode {
  if (!accepted) {
    return EXIT.unusable;
  }
  return problems.some(({ severity }) => severity === "error") ? EXIT.problems : EXIT.fine;
}

async function printChecked(checked: readonly Checked[]): Promise<void> {
  for (const { file, accepted, error, warnings, problems } of checked) {
    const name = file === "-" ? "standard input" : safeText(file, 500);
    await writeLine(
      `${name}: ${accepted ? paint("green", "an apiserver loads it") : paint("red", "an apiserver would not start with it")}`,
    );
    if (error !== null) {
      await writeLine(`  ${safeText(error, 2_000)}`);
    }
    for (const warning of warnings) {
      await writeLine(`  ${paint("yellow", "it warns:")} ${safeText(warning, 2_000)}`);
    }
    for (const problem of problems) {
      const style = problem.severity === "error" ? "red" : problem.severity === "warning" ? "yellow" : "cyan";
      await writeLine(
        `  ${name}:${problem.line ?? 1}:${problem.column ?? 1} ${paint(style, problem.severity)} ${problem.id}: ${safeText(problem.message, 2_000)}`,
      );
      if (problem.hint !== undefined) {
        await writeLine(`    hint: ${safeText(problem.hint, 2_000)}`);
      }
    }
  }
}
