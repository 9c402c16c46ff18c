import type { Need } from "@auditsieve/audit";
import { safeText, SEVERITIES } from "@auditsieve/detect";
import type { Detection } from "@auditsieve/detect";
import { coverNeeds, DEFAULT_KUBERNETES_VERSION } from "@auditsieve/policy";
import type { Coverage, CoverageAnswer, CoveragePart, Policy } from "@auditsieve/policy";
import type { Argv } from "yargs";
import { EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { KUBERNETES_VERSION_OPTION } from "../kubernetes-version-option.ts";
import { loadPolicyFile } from "../load-policy-file.ts";
import { writeData, writeLine } from "../output.ts";
import { bar, count, paint, percent, table } from "../table.ts";
import { readSoundDetections } from "./detections-files.ts";
import { levelToHit } from "./policy-coverage-hit.ts";
import { wideJson } from "../json-text.ts";

const ANSWERS = ["sees", "partly", "without body", "blind"] as const;

/** Options of `policy coverage`. */
export interface PolicyCoverageOptions {
  readonly file: string;
  readonly detections: readonly string[];
  readonly failOn: "partly" | "without-body" | "blind" | undefined;
  readonly kubernetesVersion: string;
  readonly output: "text" | "json";
}

/** Adds the options of `policy coverage`. */
export function policyCoverageOptions(argv: Argv): Argv<PolicyCoverageOptions> {
  return argv
    .positional("file", { type: "string", demandOption: true, describe: "The policy, or - for standard input" })
    .option("detections", {
      type: "string",
      array: true,
      nargs: 1,
      default: [] as string[],
      describe: "Sigma files or folders of them; default: the shipped detections",
    })
    .option("fail-on", {
      choices: ["partly", "without-body", "blind"] as const,
      describe: "Exit 1 if the policy leaves a detection with this or less",
    })
    .option("kubernetes-version", KUBERNETES_VERSION_OPTION)
    .option("output", { choices: ["text", "json"] as const, default: "text", describe: "Tables, or one JSON document" })
    .example("$0 policy coverage audit-policy.yaml", "each detection: sees, partly, without body or blind, and why")
    .example(
      "$0 policy generate --profile minimal | $0 policy coverage - --fail-on blind",
      "for a pipeline: exit 1 if a detection is blind",
    )
    .example(
      "$0 policy coverage audit-policy.yaml --detections rules/",
      "for detections of your own",
    ) as unknown as Argv<PolicyCoverageOptions>;
}

/** Prints what a policy lets each detection see. */
export async function policyCoverage(options: PolicyCoverageOptions): Promise<ExitCode> {
  const { policy } = await loadPolicyFile(options.file, options.kubernetesVersion);
  const read = await readSoundDetections({ paths: options.detections, pipeline: [], exceptions: [] });
  if (read === undefined) {
    return EXIT.unusable;
  }
  const covered = read.detections
    .filter((detection) => !read.silent.has(detection))
    .map((detection) => ({
      detection,
      coverage: coverDetection(policy, detection, options.kubernetesVersion),
    }));
  await (options.output === "json" ? writeData(`${wideJson(toJson(covered))}\n`) : print(covered));
  const worst =
    options.failOn === undefined ? Infinity : ANSWERS.indexOf(options.failOn.replace("-", " ") as CoverageAnswer);
  return covered.some(({ coverage }) => ANSWERS.indexOf(coverage.answer) >= worst) ? EXIT.problems : EXIT.fine;
}

/** What a policy writes of what the detection needs, leaving out what it could never hit on. */
export function coverDetection(
  policy: Policy,
  detection: Detection,
  kubernetesVersion: string = DEFAULT_KUBERNETES_VERSION,
): Coverage {
  return coverNeeds(policy, detection.needs, { kubernetesVersion, levelToHit: levelToHit(detection) });
}

interface Covered {
  readonly detection: Detection;
  readonly coverage: Coverage;
}

function toJson(covered: readonly Covered[]): unknown {
  return {
    counts: Object.fromEntries(ANSWERS.map((answer) => [answer, countOf(covered, answer)])),
    detections: covered.map(({ detection: { id, title, severity, file }, coverage }) => ({
      id,
      title,
      severity,
      file,
      ...coverage,
    })),
  };
}

function countOf(covered: readonly Covered[], answer: CoverageAnswer): number {
  return covered.filter(({ coverage }) => coverage.answer === answer).length;
}

async function print(covered: readonly Covered[]): Promise<void> {
  await writeLine(
    table(
      [{ title: "" }, { title: "detections", align: "right" }, { title: "share", align: "right" }, { title: "" }],
      ANSWERS.map((answer) => {
        const number = countOf(covered, answer);
        return [
          paintAnswer(answer),
          count(number),
          percent(number, covered.length),
          bar(covered.length === 0 ? 0 : number / covered.length),
        ];
      }),
    ),
  );
  await writeLine("");
  const sorted = covered.toSorted(
    (a, b) =>
      ANSWERS.indexOf(b.coverage.answer) - ANSWERS.indexOf(a.coverage.answer) ||
      SEVERITIES.indexOf(b.detection.severity) - SEVERITIES.indexOf(a.detection.severity),
  );
  await writeLine(
    table(
      [{ title: "answer" }, { title: "severity" }, { title: "detection" }],
      sorted.map(({ detection, coverage }) => [
        paintAnswer(coverage.answer),
        detection.severity,
        safeText(detection.title),
      ]),
    ),
  );
  for (const { detection, coverage } of sorted) {
    await printReasons(detection, coverage);
  }
}

const PARTS_SHOWN = 6;

async function printReasons(detection: Detection, { answer, needs }: Coverage): Promise<void> {
  if (answer === "sees") {
    return;
  }
  await writeLine("");
  await writeLine(`${paintAnswer(answer)}: ${paint("bold", safeText(detection.title))}`);
  const reasons = [
    ...new Set(needs.flatMap(({ need, parts }) => parts.filter(isLess).map((part) => reasonText(part, need)))),
  ];
  for (const reason of reasons.slice(0, PARTS_SHOWN)) {
    await writeLine(`  ${reason}`);
  }
  if (reasons.length > PARTS_SHOWN) {
    await writeLine(`  and by ${count(reasons.length - PARTS_SHOWN)} more rules (--output json has all)`);
  }
}

function isLess({ visibility }: CoveragePart): boolean {
  return visibility !== "seen";
}

/** `not written: update leases in kube-system by system:apiserver, by rules[6] (None)`. */
function reasonText({ visibility, rule, level, witness, users }: CoveragePart, need: Need): string {
  const { verb, resource, subresource, namespace, path, isResourceRequest, user } = witness;
  const object = subresource === "" ? resource : `${resource}/${subresource}`;
  const what = isResourceRequest ? `${object}${namespace === "" ? "" : ` in ${namespace}`}` : path;
  const others = users !== undefined && users.length > 1 ? ` (or ${count(users.length - 1)} more)` : "";
  const by = rule === null ? "no rule matches" : `rules[${rule}] is ${level}`;
  const lack =
    visibility === "hidden"
      ? level === "None"
        ? "not written"
        : `not written at ${need.stages.join(" or ")}`
      : `written without what ${need.level} holds`;
  return safeText(`${lack}: ${verb} ${what} by ${user?.name ?? "nobody"}${others}: ${by}`, 300);
}

function paintAnswer(answer: CoverageAnswer): string {
  const styles = { sees: "green", partly: "yellow", "without body": "yellow", blind: "red" } as const;
  return paint(styles[answer], answer);
}
