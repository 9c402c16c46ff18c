import { generatePolicy, INSTALL_TARGETS, planInstall } from "@auditsieve/policy";
import type { EventLoad, GeneratedPolicy, InstallFile, InstallPlan, InstallTarget } from "@auditsieve/policy";
import { stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Argv } from "yargs";
import { EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { Failure } from "../failure.ts";
import { KUBERNETES_VERSION_OPTION } from "../kubernetes-version-option.ts";
import { loadNamedProfile, PROFILE_OPTION } from "../named-profile.ts";
import { writeFailure } from "../write-failure.ts";
import { say, sayProblem, writeData } from "../output.ts";

/** Options of `policy generate`. */
export interface PolicyGenerateOptions {
  readonly profile: string;
  readonly set: readonly string[];
  readonly kubernetesVersion: string;
  readonly target: InstallTarget | undefined;
  readonly eventsPerMinute: number | undefined;
  readonly bytesPerEvent: number;
  readonly webhook: string | undefined;
  readonly out: string | undefined;
}

/** Mean of a log at Metadata, as measured on a cluster of ten nodes; bodies make it more. */
const BYTES_PER_EVENT = 1_000;
/** Of folders for the files, less what the umask takes away. */
const FOLDER_MODE = 0o777;

/** Adds the options of `policy generate`. */
export function policyGenerateOptions(argv: Argv): Argv<PolicyGenerateOptions> {
  return argv
    .option("profile", PROFILE_OPTION)
    .option("set", {
      type: "string",
      array: true,
      nargs: 1,
      default: [] as string[],
      describe: "A parameter of the profile: NAME=VALUE, lists comma-separated",
    })
    .option("kubernetes-version", KUBERNETES_VERSION_OPTION)
    .option("target", {
      choices: INSTALL_TARGETS,
      describe: "Kind of cluster: also the files and flags that install the policy there",
    })
    .option("events-per-minute", {
      type: "number",
      describe: "What the policy writes, as `policy simulate` measures it: sizes rotation, buffers and batches",
    })
    .option("bytes-per-event", { type: "number", default: BYTES_PER_EVENT, describe: "Mean size of these events" })
    .option("webhook", { type: "string", describe: "Address to post events to, instead of a log (generic, kubeadm)" })
    .option("out", {
      alias: "o",
      type: "string",
      describe: "File or folder to write to (with a target: a folder); default: standard output",
    })
    .example(
      "$0 policy generate",
      "the default policy: metadata for most calls, full bodies for secrets, RBAC and exec",
    )
    .example(
      "$0 policy generate --set secrets=Metadata -o audit-policy.yaml",
      "the same without secret values in the log",
    )
    .example(
      "$0 policy generate --profile hardened --target kubeadm --events-per-minute 400 -o audit",
      "policy, arguments, volumes and patch for kubeadm, in the folder audit",
    ) as unknown as Argv<PolicyGenerateOptions>;
}

/** Prints the policy of a profile, or writes it to a file; what must be known about it goes to stderr. */
export async function policyGenerate(options: PolicyGenerateOptions): Promise<ExitCode> {
  const loaded = await loadNamedProfile(options.profile);
  if (loaded.outcome === "refused") {
    loaded.problems.forEach((problem) => sayProblem(problem, options.profile));
    return EXIT.unusable;
  }
  const generated = generatePolicy(loaded.profile, {
    set: parseSet(options.set),
    kubernetesVersion: options.kubernetesVersion,
  });
  if (generated.outcome === "refused") {
    generated.problems.forEach((problem) => sayProblem(problem));
    return EXIT.unusable;
  }
  sayWhatItLogs(generated);
  if (options.target !== undefined) {
    return install(options, options.target, generated);
  }
  const unused = (
    [
      ["events-per-minute", options.eventsPerMinute],
      ["webhook", options.webhook],
    ] as const
  ).find(([, value]) => value !== undefined);
  if (unused !== undefined) {
    throw new Failure(`Cannot use --${unused[0]} without --target: a policy alone has no flags`, {
      hint: `Add --target and one of: ${INSTALL_TARGETS.join(", ")}`,
    });
  }
  if (options.out === undefined) {
    await writeData(generated.text);
  } else {
    const file = await outFile(options.out);
    await writeFile(file, generated.text).catch(cannotWrite(file));
    say(`auditsieve: ${file}: ${generated.policy.rules.length} rules from profile ${loaded.profile.name}`);
  }
  return EXIT.fine;
}

type Generated = GeneratedPolicy & { readonly outcome: "generated" };

async function install(options: PolicyGenerateOptions, target: InstallTarget, generated: Generated): Promise<ExitCode> {
  const load = eventLoad(options);
  const planned = planInstall({
    target,
    text: generated.text,
    policy: generated.policy,
    kubernetesVersion: options.kubernetesVersion,
    ...(load && { load }),
    ...(options.webhook !== undefined && { webhookUrl: options.webhook }),
  });
  if (planned.outcome === "refused") {
    planned.problems.forEach((problem) => sayProblem(problem));
    return EXIT.unusable;
  }
  const { plan, notes } = planned;
  if (options.out === undefined) {
    await writeData(plan.files.map(printFile).join(""));
  } else {
    await writeFiles(options.out, plan.files);
  }
  sayInstall(plan, notes);
  return EXIT.fine;
}

function eventLoad({ eventsPerMinute, bytesPerEvent }: PolicyGenerateOptions): EventLoad | undefined {
  for (const [name, value] of [
    ["events-per-minute", eventsPerMinute],
    ["bytes-per-event", bytesPerEvent],
  ] as const) {
    if (value !== undefined && !(value > 0 && Number.isFinite(value))) {
      throw new Failure(`Cannot use --${name} ${value}: it must be a number over 0`, { hint: "For example: 400" });
    }
  }
  return eventsPerMinute === undefined ? undefined : { eventsPerMinute, bytesPerEvent };
}

/** Files one after the other, as YAML documents where they are YAML. */
function printFile({ name, text, what }: InstallFile, index: number): string {
  return `${index === 0 ? "" : "---\n"}# ${name}: ${what}\n${text}`;
}

async function writeFiles(folder: string, files: readonly InstallFile[]): Promise<void> {
  const { makeFolder } = await import("@auditsieve/ingest/logs");
  for (const { name, text, what } of files) {
    const file = join(folder, name);
    await makeFolder(dirname(file), FOLDER_MODE).catch(cannotWrite(file));
    await writeFile(file, text).catch(cannotWrite(file));
    say(`auditsieve: ${file}: ${what}`);
  }
}

function sayInstall({ steps, logPath }: InstallPlan, notes: readonly string[]): void {
  steps.forEach((step, index) => say(`auditsieve: ${index + 1}. ${step}`));
  notes.forEach((note) => say(`auditsieve: note: ${note}`));
  if (logPath !== undefined) {
    say(`auditsieve: the log to tail: ${logPath}`);
  }
}

function cannotWrite(file: string): (error: unknown) => never {
  return (error) => {
    throw writeFailure(`"${file}"`, error);
  };
}

function sayWhatItLogs({ notices, conflicts }: Generated): void {
  notices.forEach((notice) => say(`auditsieve: note: ${notice}`));
  for (const { class: name, verbs, level, safe, ruleId, why } of conflicts) {
    say(
      `auditsieve: warning: ${name} (${verbs.join(", ")}): ${level} by rule ${ruleId}, ${safe} is the most that is safe: ${why}`,
    );
  }
}

function parseSet(pairs: readonly string[]): Record<string, string> {
  const bad = pairs.find((pair) => pair.indexOf("=") < 1);
  if (bad !== undefined) {
    throw new Failure(`Cannot read --set "${bad}": it must be NAME=VALUE`, {
      hint: "For example: --set secrets=Metadata",
    });
  }
  return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]));
}

async function outFile(out: string): Promise<string> {
  const isFolder = await stat(out).then(
    (found) => found.isDirectory(),
    () => false,
  );
  return isFolder ? join(out, "audit-policy.yaml") : out;
}
