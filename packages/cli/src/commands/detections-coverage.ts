import { loadPolicy } from "@auditsieve/policy";
import type { CoverageAnswer, Policy } from "@auditsieve/policy";
import { safeText } from "@auditsieve/detect";
import type { Detection } from "@auditsieve/detect";
import type { Argv } from "yargs";
import { EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { Failure } from "../failure.ts";
import { KUBERNETES_VERSION_OPTION } from "../kubernetes-version-option.ts";
import { loadPolicyFile } from "../load-policy-file.ts";
import { writeData, writeLine } from "../output.ts";
import { listShipped, readShipped } from "../shipped.ts";
import { count, paint, table } from "../table.ts";
import { detectionsOptions, readSoundDetections } from "./detections-files.ts";
import type { DetectionsOptions } from "./detections-files.ts";
import { levelOf } from "./detections-list.ts";
import { coverDetection } from "./policy-coverage.ts";
import { wideJson } from "../json-text.ts";

/** Options of `detections coverage`. */
export interface DetectionsCoverageOptions extends DetectionsOptions {
  readonly policies: readonly string[];
  readonly failOnBlind: boolean;
  readonly kubernetesVersion: string;
  readonly output: "table" | "json";
}

/** Adds the options of `detections coverage`. */
export function detectionsCoverageOptions(argv: Argv): Argv<DetectionsCoverageOptions> {
  return detectionsOptions(argv)
    .option("policies", {
      type: "string",
      array: true,
      nargs: 1,
      default: [] as string[],
      describe: "Audit policy to look through; may be given several times. Default: those of the shipped profiles",
    })
    .option("fail-on-blind", { type: "boolean", default: false, describe: "Exit 1 if a policy blinds a detection" })
    .option("kubernetes-version", KUBERNETES_VERSION_OPTION)
    .option("output", {
      choices: ["table", "json"] as const,
      default: "table",
      describe: "For people, or one JSON document",
    })
    .example("$0 detections coverage", "what each shipped profile lets each detection see")
    .example("$0 detections coverage rules/ --policies audit-policy.yaml", "yours through yours")
    .epilogue(
      "`auditsieve policy coverage FILE` says for one policy which rule hides what, with a witness request.",
    ) as unknown as Argv<DetectionsCoverageOptions>;
}

interface Row {
  readonly detection: Detection;
  readonly answers: readonly CoverageAnswer[];
}

/** Prints what policies let detections see. */
export async function detectionsCoverage(options: DetectionsCoverageOptions): Promise<ExitCode> {
  const read = await readSoundDetections(options);
  if (read === undefined) {
    return EXIT.unusable;
  }
  const policies = await readPolicies(options);
  const rows: readonly Row[] = read.detections
    .filter((one) => !read.silent.has(one))
    .map((detection) => ({
      detection,
      answers: policies.map(({ policy }) => coverDetection(policy, detection, options.kubernetesVersion).answer),
    }));
  const names = policies.map(({ name }) => name);
  await (options.output === "json" ? writeData(toJson(rows, names)) : print(rows, names));
  const isBlind = rows.some(({ answers }) => answers.includes("blind"));
  return options.failOnBlind && isBlind ? EXIT.problems : EXIT.fine;
}

async function readPolicies(
  options: DetectionsCoverageOptions,
): Promise<readonly { readonly name: string; readonly policy: Policy }[]> {
  if (options.policies.length > 0) {
    return Promise.all(
      options.policies.map(async (file) => ({
        name: file,
        policy: (await loadPolicyFile(file, options.kubernetesVersion)).policy,
      })),
    );
  }
  const names = await listShipped("policies", ".policy.yaml");
  return Promise.all(
    names.map(async (name) => {
      const loaded = loadPolicy(await readShipped(`policies/${name}.policy.yaml`));
      if (loaded.outcome !== "accepted") {
        throw new Failure(`Cannot load the shipped policy "${name}"`, { hint: "Install auditsieve again" });
      }
      return { name, policy: loaded.policy };
    }),
  );
}

async function print(rows: readonly Row[], names: readonly string[]): Promise<void> {
  const styles = { sees: "green", partly: "yellow", "without body": "yellow", blind: "red" } as const;
  await writeLine(
    table(
      [{ title: "detection" }, { title: "needs level" }, ...names.map((name) => ({ title: safeText(name, 40) }))],
      rows.map(({ detection, answers }) => [
        safeText(detection.title, 80),
        levelOf(detection),
        ...answers.map((answer) => paint(styles[answer], answer)),
      ]),
    ),
  );
  await writeLine("");
  for (const [index, name] of names.entries()) {
    const of = (wanted: CoverageAnswer): string =>
      count(rows.filter(({ answers }) => answers[index] === wanted).length);
    await writeLine(
      `${safeText(name, 200)}: sees ${of("sees")}, partly ${of("partly")}, without body ${of("without body")}, blind ${of("blind")}`,
    );
  }
}

function toJson(rows: readonly Row[], names: readonly string[]): string {
  const document = {
    policies: names,
    detections: rows.map(({ detection: { id, title, severity, file, needs }, answers }) => ({
      id,
      title,
      level: severity,
      file,
      needsLevel: levelOf({ needs }),
      coverage: Object.fromEntries(names.map((name, index) => [name, answers[index]])),
    })),
  };
  return `${wideJson(document)}\n`;
}
