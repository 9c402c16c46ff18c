import { safeText } from "@auditsieve/detect";
import { writeMinimised } from "@auditsieve/policy";
import type { Omission } from "@auditsieve/policy";
import type { Argv } from "yargs";
import { EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { Failure } from "../failure.ts";
import { KUBERNETES_VERSION_OPTION } from "../kubernetes-version-option.ts";
import { loadPolicyFile } from "../load-policy-file.ts";
import type { AcceptedPolicy } from "../load-policy-file.ts";
import { say, writeData } from "../output.ts";
import { inputName } from "../standard-input.ts";
import { wideJson } from "../json-text.ts";

/** Options of `policy minimise`. */
export interface PolicyMinimiseOptions {
  readonly file: string;
  readonly output: "yaml" | "json";
  readonly kubernetesVersion: string;
}

/** Adds the options of `policy minimise`. */
export function policyMinimiseOptions(argv: Argv): Argv<PolicyMinimiseOptions> {
  return argv
    .positional("file", { type: "string", demandOption: true, describe: "The policy, or - for standard input" })
    .option("output", {
      choices: ["yaml", "json"] as const,
      default: "yaml",
      describe: "The policy, or one JSON object with it and with what was left out",
    })
    .option("kubernetes-version", KUBERNETES_VERSION_OPTION)
    .example("$0 policy minimise policy.yaml > shorter.yaml", "what was left out is said on standard error")
    .example("$0 policy minimise policy.yaml | $0 policy diff policy.yaml -", "see for yourself that nothing changes")
    .epilogue(
      "Exit 0: printed, and proven to decide every request alike; 2: unreadable policy; 3: not proven, nothing printed.",
    ) as unknown as Argv<PolicyMinimiseOptions>;
}

/** Prints the shortest policy that decides the same; what was left out goes to stderr. */
export async function policyMinimise({ file, output, kubernetesVersion }: PolicyMinimiseOptions): Promise<ExitCode> {
  const loaded = await loadPolicyFile(file, kubernetesVersion);
  if (loaded.strict?.fields.some(({ steps }) => steps.at(-1) === "stream")) {
    throw new Failure(`Cannot minimise "${inputName(file)}": it has conditions on the stream, which would be lost`, {
      hint: "Only what an apiserver reads can be compared; take the stream's conditions out first",
    });
  }
  const written = writeMinimised(loaded, kubernetesVersion);
  if (written.outcome === "unproven") {
    throw new Failure(`Cannot print a shorter policy: it is not proven to decide the same: ${written.reason}`, {
      hint: "Use the policy as it is; this is a bug of auditsieve: please report it with the policy",
      exitCode: EXIT.failed,
    });
  }
  const before = loaded.policy.rules.length;
  if (output === "json") {
    const { text, rules, omissions } = written;
    const json = {
      policy: text,
      rules: { before, after: rules },
      omissions: omissions.map((one) => toJson(one, loaded)),
    };
    await writeData(`${wideJson(json)}\n`);
    return EXIT.fine;
  }
  for (const omission of written.omissions) {
    say(`auditsieve: ${safeText(omissionText(omission, loaded), 500)}`);
  }
  say(`auditsieve: ${before} rules before, ${written.rules} now: every request is decided alike`);
  await writeData(written.text);
  return EXIT.fine;
}

function omissionText(omission: Omission, loaded: AcceptedPolicy): string {
  const rule = `rules[${omission.rule}] (line ${lineOf(omission.rule, loaded)})`;
  switch (omission.kind) {
    case "unreachable":
      return `${rule} is left out: it decides no request`;
    case "redundant":
      return `${rule} is left out: later rules decide the same`;
    case "joined":
      return `${rule} is joined with rules[${omission.into}]`;
    case "list":
      return `${rule}: ${omission.field} is left out: what it excludes is decided alike`;
    case "value":
    default:
      return `${rule}: ${JSON.stringify(omission.value)} of ${omission.field} is left out: it makes no difference`;
  }
}

function toJson(omission: Omission, loaded: AcceptedPolicy): object {
  return { ...omission, line: lineOf(omission.rule, loaded) ?? null };
}

function lineOf(rule: number, { source }: AcceptedPolicy): number | undefined {
  return source.locate(["rules", rule]).line;
}
