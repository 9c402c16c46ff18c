import { generatePolicy, loadProfile } from "@auditsieve/policy";
import type { FoundProfile, GeneratedPolicy, LoadedProfile } from "@auditsieve/policy";
import { readFileSync } from "node:fs";
import { stat, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Argv } from "yargs";
import { EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { Failure } from "../failure.ts";
import { say, sayProblem, writeData } from "../output.ts";
import { readText } from "../read-text.ts";
import { listShipped, readShipped } from "../shipped.ts";

/** Options of `policy generate`. */
export interface PolicyGenerateOptions {
  readonly profile: string;
  readonly set: readonly string[];
  readonly kubernetesVersion: string;
  readonly output: string | undefined;
}

/** Adds the options of `policy generate`. */
export function policyGenerateOptions(argv: Argv): Argv<PolicyGenerateOptions> {
  return argv
    .option("profile", { type: "string", default: "tiered", describe: "Name of a shipped profile, or a profile file" })
    .option("set", {
      type: "string",
      array: true,
      nargs: 1,
      default: [] as string[],
      describe: "A parameter of the profile: NAME=VALUE, lists comma-separated",
    })
    .option("kubernetes-version", {
      type: "string",
      default: "1.37",
      describe: "Version of the apiserver that will load it",
    })
    .option("output", { alias: "o", type: "string", describe: "File or folder to write to; default: standard output" })
    .example(
      "$0 policy generate",
      "the default policy: metadata for most calls, full bodies for secrets, RBAC and exec",
    )
    .example(
      "$0 policy generate --set secrets=Metadata -o audit-policy.yaml",
      "the same without secret values in the log",
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
  if (options.output === undefined) {
    await writeData(generated.text);
  } else {
    const file = await outputFile(options.output);
    await writeFile(file, generated.text).catch((error: unknown) => {
      throw new Failure(
        `Cannot write the policy to "${file}": ${error instanceof Error ? error.message : String(error)}`,
        { hint: "Check the folder and its permissions" },
      );
    });
    say(`auditsieve: ${file}: ${generated.policy.rules.length} rules from profile ${loaded.profile.name}`);
  }
  return EXIT.fine;
}

function sayWhatItLogs({ notices, conflicts }: GeneratedPolicy & { readonly outcome: "generated" }): void {
  notices.forEach((notice) => say(`auditsieve: note: ${notice}`));
  for (const { class: name, verbs, level, safe, ruleId, why } of conflicts) {
    say(
      `auditsieve: warning: ${name} (${verbs.join(", ")}): ${level} by rule ${ruleId}, ${safe} is the most that is safe: ${why}`,
    );
  }
}

/** The profile of this name or in this file, with all that it extends. */
export async function loadNamedProfile(name: string): Promise<LoadedProfile> {
  const known = await listShipped("policies", ".profile.yaml");
  const texts = await Promise.all(known.map((one) => readShipped(`policies/${one}.profile.yaml`)));
  const shipped = new Map(known.map((one, index) => [one, { text: texts[index] ?? "", origin: one }]));
  const find = (base: string, from: string): FoundProfile | undefined =>
    shipped.get(base) ?? (isFile(base) ? readBeside(base, from) : undefined);
  const found = shipped.get(name) ?? (isFile(name) ? await readProfile(name) : undefined);
  if (found === undefined) {
    throw new Failure(`Cannot find a profile called "${name}"`, {
      hint: `Shipped profiles: ${known.join(", ")}; a file needs a dot or a slash in its name`,
    });
  }
  return loadProfile(found.text, { origin: found.origin, find });
}

function isFile(name: string): boolean {
  return /[./\\]/.test(name);
}

async function readProfile(path: string): Promise<FoundProfile> {
  return { text: await readText(path, "profile"), origin: path === "-" ? path : resolve(path) };
}

/** A file that another one names: from the folder of that one. */
function readBeside(path: string, from: string): FoundProfile | undefined {
  const origin = resolve(isFile(from) ? dirname(from) : ".", path);
  try {
    return { text: readFileSync(origin, "utf8"), origin };
  } catch {
    return undefined;
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

async function outputFile(output: string): Promise<string> {
  const isFolder = await stat(output).then(
    (found) => found.isDirectory(),
    () => false,
  );
  return isFolder ? join(output, "audit-policy.yaml") : output;
}
