import { safeText } from "@auditsieve/detect";
import { describeRecording, describeRequests, describeWitness, diffPolicies } from "@auditsieve/policy";
import type { PolicyChange, PolicyDiff, Witness } from "@auditsieve/policy";
import type { Argv } from "yargs";
import { EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { Failure } from "../failure.ts";
import { KUBERNETES_VERSION_OPTION } from "../kubernetes-version-option.ts";
import { loadPolicyFile } from "../load-policy-file.ts";
import type { AcceptedPolicy } from "../load-policy-file.ts";
import { say, writeData, writeLine } from "../output.ts";
import { inputName, STANDARD_INPUT } from "../standard-input.ts";
import { paint } from "../table.ts";
import { wideJson } from "../json-text.ts";

/** Options of `policy diff`. */
export interface PolicyDiffOptions {
  readonly old: string;
  readonly new: string;
  readonly failOn: string | undefined;
  readonly output: "text" | "json";
  readonly kubernetesVersion: string;
}

const FAIL_ON = ["less-visibility", "more-secrets"] as const;
type FailOn = (typeof FAIL_ON)[number];

/** Adds the options of `policy diff`. */
export function policyDiffOptions(argv: Argv): Argv<PolicyDiffOptions> {
  return argv
    .positional("old", {
      type: "string",
      demandOption: true,
      describe: "The policy as it was, or - for standard input",
    })
    .positional("new", { type: "string", demandOption: true, describe: "The policy as it is to be" })
    .option("fail-on", {
      type: "string",
      describe: "Exit 1 on such changes, comma-separated: less-visibility, more-secrets",
    })
    .option("output", {
      choices: ["text", "json"] as const,
      default: "text",
      describe: "For people, or one JSON object",
    })
    .option("kubernetes-version", KUBERNETES_VERSION_OPTION)
    .example("$0 policy diff current.yaml next.yaml", "every class of requests that is recorded differently")
    .example(
      "$0 policy diff current.yaml next.yaml --fail-on less-visibility,more-secrets",
      "the same as a gate before a rollout",
    )
    .example("$0 policy generate | $0 policy diff current.yaml -", "what the default profile would change")
    .epilogue(
      "Exit 0: compared; 1: a change that --fail-on names; 2: unreadable policy.",
    ) as unknown as Argv<PolicyDiffOptions>;
}

/** Compares two policies, and tells each class of requests that they record differently. */
export async function policyDiff(options: PolicyDiffOptions): Promise<ExitCode> {
  const failOn = parseFailOn(options.failOn);
  if (options.old === STANDARD_INPUT && options.new === STANDARD_INPUT) {
    throw new Failure("Cannot compare: both policies are to be read from standard input", {
      hint: "Name a file for one",
    });
  }
  const older = await loadPolicyFile(options.old, options.kubernetesVersion);
  const newer = await loadPolicyFile(options.new, options.kubernetesVersion);
  const diff = diffPolicies(older.policy, newer.policy);
  await (options.output === "json"
    ? writeData(`${wideJson(toJson(options, diff))}\n`)
    : printDiff(options, diff, older, newer));
  const failing = diff.changes.filter((change) => failOn.some((kind) => isOfKind(change, kind)));
  if (failing.length > 0) {
    say(
      `auditsieve: ${failing.length} of ${diff.changes.length} changes are what --fail-on names: ${failOn.join(", ")}`,
    );
  }
  return failing.length > 0 ? EXIT.problems : EXIT.fine;
}

function parseFailOn(text: string | undefined): readonly FailOn[] {
  const words = text === undefined ? [] : text.split(",").map((word) => word.trim());
  const unknown = words.find((word) => !(FAIL_ON as readonly string[]).includes(word));
  if (unknown !== undefined) {
    throw new Failure(`Cannot use --fail-on "${unknown}"`, { hint: `Known: ${FAIL_ON.join(", ")}, comma-separated` });
  }
  return words as FailOn[];
}

function isOfKind(change: PolicyChange, kind: FailOn): boolean {
  return kind === "less-visibility" ? change.isLessVisible : change.secrets.length > 0;
}

function toJson(options: PolicyDiffOptions, { changes, withoutEffect }: PolicyDiff): object {
  return {
    old: inputName(options.old),
    new: inputName(options.new),
    changes: changes.map(changeJson),
    withoutEffect: withoutEffect.map(changeJson),
  };
}

function changeJson(change: PolicyChange): object {
  const { from, to, rules, requests, except, witness, isUsual, isLessVisible, secrets } = change;
  return {
    from,
    to,
    lessVisibility: isLessVisible,
    moreSecrets: secrets.length > 0,
    usual: isUsual,
    summary: describeRequests(change),
    requests,
    rules,
    except,
    witness: witnessJson(witness),
    secrets: secrets.map(witnessJson),
  };
}

function witnessJson({ request, http, kubectl }: Witness): object {
  const { user, ...rest } = request;
  return {
    request: { ...(user === undefined ? { noUser: true } : { user: user.name, groups: user.groups }), ...rest },
    http: http === undefined ? null : `${http.method} ${http.uri}`,
    kubectl: kubectl ?? null,
  };
}

async function printDiff(
  options: PolicyDiffOptions,
  { changes, withoutEffect }: PolicyDiff,
  older: AcceptedPolicy,
  newer: AcceptedPolicy,
): Promise<void> {
  const what = safeText(`${inputName(options.old)} -> ${inputName(options.new)}`, 1_000);
  const [less, more] = FAIL_ON.map((kind) => changes.filter((change) => isOfKind(change, kind)).length);
  const counts = changes.length === 0 ? "" : ` (less can be seen: ${less}, secrets come into the log: ${more})`;
  await writeLine(`${what}: ${changes.length === 1 ? "1 change" : `${changes.length || "no"} changes`}${counts}`);
  let heading = "";
  for (const change of changes) {
    const next = headingOf(change);
    if (next !== heading) {
      heading = next;
      await writeLine(`\n${paint(change.isLessVisible ? "red" : "bold", heading)}`);
    }
    for (const line of linesOf(change, older, newer)) {
      await writeLine(safeText(line, 2_000));
    }
  }
  if (withoutEffect.length > 0) {
    await writeLine(
      `\n${withoutEffect.length} more without effect: nothing is written either way, or no request is like that (--output json tells them)`,
    );
  }
}

function headingOf({ from, to, isLessVisible, isUsual }: PolicyChange): string {
  const marks = [
    ...(isLessVisible ? ["less can be seen"] : []),
    ...(isUsual ? [] : ["unusual: it can be sent, but an apiserver has no such resource, or no such user"]),
  ];
  return [`${describeRecording(from)} -> ${describeRecording(to)}`, ...marks].join(", ");
}

function linesOf(change: PolicyChange, older: AcceptedPolicy, newer: AcceptedPolicy): readonly string[] {
  const { rules, except, witness, secrets } = change;
  const taken = [
    ...(except.old.length > 0 ? [`old ${ranges(except.old)}`] : []),
    ...(except.new.length > 0 ? [`new ${ranges(except.new)}`] : []),
  ];
  const [secret] = secrets;
  return [
    `  ${describeRequests(change)}`,
    `    old ${deciding(rules.old, older)}; new ${deciding(rules.new, newer)}`,
    ...(taken.length > 0 ? [`    but for what earlier rules decide: ${taken.join(", ")}`] : []),
    `    for example: ${describeWitness(witness)}`,
    ...(secret === undefined ? [] : [`    secrets come into the log by: ${describeWitness(secret)}`]),
  ];
}

function deciding(rules: readonly (number | null)[], { source }: AcceptedPolicy): string {
  const known = rules.filter((rule) => rule !== null);
  const lines = known.map((rule) => source.locate(["rules", rule]).line).join(", ");
  const named = known.length === 0 ? [] : [`${ranges(known)} (line ${lines})`];
  return [...named, ...(rules.includes(null) ? ["no rule"] : [])].join(" or ");
}

/** `rules[0-3, 7]` */
function ranges(rules: readonly number[]): string {
  const parts: { from: number; to: number }[] = [];
  for (const rule of rules) {
    const last = parts.at(-1);
    if (last !== undefined && last.to === rule - 1) {
      last.to = rule;
    } else {
      parts.push({ from: rule, to: rule });
    }
  }
  return `rules[${parts.map(({ from, to }) => (from === to ? from : `${from}-${to}`)).join(", ")}]`;
}
