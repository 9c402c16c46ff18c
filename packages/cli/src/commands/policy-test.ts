import type { Position } from "@auditsieve/audit";
import { safeText } from "@auditsieve/detect";
import { casePositions, loadProfileCases, runPolicyCase, runProfileCase } from "@auditsieve/policy";
import type { CaseResult, ProfileCase } from "@auditsieve/policy";
import type { Argv } from "yargs";
import { EXIT, worseExit } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { Failure } from "../failure.ts";
import { KUBERNETES_VERSION_OPTION } from "../kubernetes-version-option.ts";
import { loadPolicyFile } from "../load-policy-file.ts";
import { sayProblem, writeData, writeLine } from "../output.ts";
import { readText } from "../read-text.ts";
import { listShipped, readShipped } from "../shipped.ts";
import { inputName } from "../standard-input.ts";
import { paint } from "../table.ts";
import { loadNamedProfile } from "../named-profile.ts";
import { wideJson } from "../json-text.ts";

/** Options of `policy test`. */
export interface PolicyTestOptions {
  readonly files: readonly string[];
  readonly cases: string | undefined;
  readonly output: "text" | "json";
  readonly kubernetesVersion: string;
}

const PROFILE = ".profile.yaml";
const CASES = ".cases.yaml";

/** Adds the options of `policy test`. */
export function policyTestOptions(argv: Argv): Argv<PolicyTestOptions> {
  return argv
    .positional("files", {
      type: "string",
      array: true,
      demandOption: true,
      describe:
        "Profiles (NAME.profile.yaml, or a shipped one by its name), their cases (NAME.cases.yaml), or policies",
    })
    .option("cases", { type: "string", describe: "Cases to run instead of those beside the file; policies need them" })
    .option("output", {
      choices: ["text", "json"] as const,
      default: "text",
      describe: "For people, or one JSON array",
    })
    .option("kubernetes-version", KUBERNETES_VERSION_OPTION)
    .example("$0 policy test team.profile.yaml", "the cases in team.cases.yaml")
    .example("$0 policy test tiered hardened", "those of shipped profiles")
    .example("$0 policy test audit-policy.yaml --cases must.cases.yaml", "a policy of your own against what must hold")
    .epilogue(
      "Exit 0: all cases pass; 1: a case fails; 2: an unreadable profile, policy or cases file.",
    ) as unknown as Argv<PolicyTestOptions>;
}

interface Tested {
  readonly file: string;
  readonly cases: string;
  readonly results: readonly TestedCase[];
}

type TestedCase = CaseResult & {
  readonly case: ProfileCase;
  readonly position: Position | undefined;
};

/** Runs the cases of each file; those of one that cannot be read do not keep the others from being run. */
export async function policyTest(options: PolicyTestOptions): Promise<ExitCode> {
  const tested: Tested[] = [];
  let exit: ExitCode = EXIT.fine;
  for (const file of options.files) {
    try {
      const one = await testFile(file, options);
      tested.push(one);
      exit = worseExit(exit, one.results.some(({ outcome }) => outcome === "failed") ? EXIT.problems : EXIT.fine);
    } catch (error) {
      if (!(error instanceof Failure)) {
        throw error;
      }
      const { message, hint } = error;
      sayProblem({ id: "unreadable", severity: "error", message, ...(hint === undefined ? {} : { hint }) });
      exit = EXIT.unusable;
    }
  }
  await (options.output === "json" ? writeData(`${wideJson(tested.map(toJson))}\n`) : printTested(tested));
  return exit;
}

async function testFile(file: string, options: PolicyTestOptions): Promise<Tested> {
  const shipped = await listShipped("policies", PROFILE);
  const isShipped = shipped.includes(file);
  const isCases = file.endsWith(CASES) && options.cases === undefined;
  const profile = isShipped ? file : isCases ? replaceEnd(file, CASES, PROFILE) : file;
  const isProfile = isShipped || profile.endsWith(PROFILE);
  if (!isProfile && options.cases === undefined) {
    throw new Failure(`Cannot test "${inputName(file)}": it is no profile, and a policy has no cases beside it`, {
      hint: "Name them: --cases FILE.cases.yaml; a profile's name ends in .profile.yaml",
    });
  }
  const casesFile = options.cases ?? (isShipped ? `${file}${CASES}` : replaceEnd(profile, PROFILE, CASES));
  const run = isProfile ? await profileRunner(profile) : await policyRunner(file, options.kubernetesVersion);
  const isOwn = options.cases !== undefined || !isShipped;
  const text = await (isOwn ? readText(casesFile, "cases file") : readShipped(`policies/${casesFile}`));
  const loaded = loadProfileCases(text);
  if (loaded.outcome === "refused") {
    throw refusal("cases", casesFile, loaded.problems);
  }
  const positions = casePositions(text);
  const results = loaded.cases.map((one, index) => ({ ...run(one), case: one, position: positions[index] }));
  return { file: inputName(file), cases: inputName(casesFile), results };
}

type Runner = (one: ProfileCase) => CaseResult;

async function profileRunner(file: string): Promise<Runner> {
  const loaded = await loadNamedProfile(file);
  if (loaded.outcome === "refused") {
    throw refusal("profile", file, loaded.problems);
  }
  return (one) => {
    const reason = runProfileCase(loaded.profile, one);
    return reason === undefined ? { outcome: "passed" } : { outcome: "failed", reason };
  };
}

async function policyRunner(file: string, kubernetesVersion: string): Promise<Runner> {
  const { policy } = await loadPolicyFile(file, kubernetesVersion);
  return (one) => runPolicyCase(policy, one);
}

function refusal(
  what: "profile" | "cases",
  file: string,
  problems: readonly {
    readonly message: string;
    readonly hint?: string;
    readonly line?: number;
    readonly column?: number;
  }[],
): Failure {
  const [first] = problems;
  const place = [inputName(file), first?.line, first?.column].filter((part) => part !== undefined).join(":");
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : "";
  return new Failure(`Cannot read the ${what} at ${place}: ${first?.message ?? "the file is empty"}${more}`, {
    hint:
      first?.hint ??
      (what === "cases"
        ? "A case has request, level and why, and may have user, groups, rule, writes, omitManagedFields and set"
        : "`auditsieve policy generate --profile FILE` says all that is wrong with it"),
  });
}

function replaceEnd(name: string, end: string, other: string): string {
  return name.endsWith(end) ? name.slice(0, -end.length) + other : name;
}

function toJson({ file, cases, results }: Tested): object {
  return {
    file,
    cases,
    passed: results.filter(({ outcome }) => outcome === "passed").length,
    failed: results.filter(({ outcome }) => outcome === "failed").length,
    skipped: results.filter(({ outcome }) => outcome === "skipped").length,
    results: results.map((result) => ({
      request: result.case.request,
      why: result.case.why,
      line: result.position?.line ?? null,
      outcome: result.outcome,
      reason: result.outcome === "passed" ? null : result.reason,
    })),
  };
}

async function printTested(tested: readonly Tested[]): Promise<void> {
  for (const { file, cases, results } of tested) {
    for (const result of results) {
      if (result.outcome === "failed") {
        const place = [cases, result.position?.line, result.position?.column].filter((part) => part !== undefined);
        await writeLine(
          `${safeText(place.join(":"), 500)}: ${paint("red", "failed")}: ${safeText(result.reason, 1_000)}`,
        );
        await writeLine(`  why: ${safeText(result.case.why, 500)}`);
      }
    }
    const count = (wanted: CaseResult["outcome"]): number => results.filter(({ outcome }) => outcome === wanted).length;
    const skipped = count("skipped") === 0 ? "" : `, ${count("skipped")} skipped (they set parameters of a profile)`;
    const summary = `${count("passed")} of ${results.length} cases pass${skipped}`;
    await writeLine(`${safeText(file, 500)}: ${paint(count("failed") > 0 ? "red" : "green", summary)}`);
  }
}
