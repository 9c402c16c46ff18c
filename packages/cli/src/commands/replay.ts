import { createRedactor } from "@auditsieve/audit";
import { SEVERITIES } from "@auditsieve/detect";
import { isSeverityBelow } from "@auditsieve/detect";
import type { Severity } from "@auditsieve/detect";
import { FactGatherer, parseInstant, replayLogs, TIMELINE_FORMATS, timelineText } from "@auditsieve/replay";
import type { Replayed, Selection, TimelineFormat } from "@auditsieve/replay";
import { randomBytes } from "node:crypto";
import type { Argv } from "yargs";
import { EXIT, worseExit } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { Failure } from "../failure.ts";
import { LineProblems } from "../line-problems.ts";
import { sayUnreadable } from "../logs.ts";
import { writeData, writeLine } from "../output.ts";
import { Progress } from "../progress.ts";
import { replayInputs } from "../replay-inputs.ts";
import { shippedDetections } from "../shipped.ts";
import { checkReport, writeReport } from "./replay-html.ts";
import { limitsText, summaryText, timelineTable } from "./replay-print.ts";
import { printStories } from "./replay-stories.ts";

/** Options of `replay`. */
export interface ReplayCommandOptions {
  readonly logs: readonly string[];
  readonly since: string | undefined;
  readonly until: string | undefined;
  readonly zone: string;
  readonly actor: string | undefined;
  readonly resource: string | undefined;
  readonly namespace: string | undefined;
  readonly sourceIp: string | undefined;
  readonly userAgent: string | undefined;
  readonly detection: string | undefined;
  readonly minLevel: Severity | undefined;
  readonly failOn: Severity | undefined;
  readonly strict: boolean;
  readonly output: "table" | "json" | TimelineFormat;
  readonly html: string | undefined;
  readonly stories: boolean;
}

/** Adds the options of `replay`. */
export function replayOptions(argv: Argv): Argv<ReplayCommandOptions> {
  return argv
    .positional("logs", {
      type: "string",
      array: true,
      default: [] as string[],
      describe:
        "Audit logs and folders of them: plain, .gz, .zst, EventLists, exports of EKS, GKE and AKS; - for standard input",
    })
    .option("since", {
      type: "string",
      describe: "From this time on: 2026-11-24T00:13Z, 2026-11-24, or 90m, 1d12h ago",
    })
    .option("until", { type: "string", describe: "Before this time" })
    .option("zone", {
      type: "string",
      default: "utc",
      describe: "Time zone of times without an offset: utc, local, Europe/Zurich",
    })
    .option("actor", {
      type: "string",
      describe: "Only what this user did or was impersonated for; * stands for any text",
    })
    .option("resource", { type: "string", describe: "Only about this resource: pods, pods/exec" })
    .option("namespace", { type: "string", describe: "Only in this namespace" })
    .option("source-ip", { type: "string", describe: "Only from this address" })
    .option("user-agent", { type: "string", describe: "Only from this client; * stands for any text" })
    .option("detection", {
      type: "string",
      describe: "Only of this detection, by its id or title; * stands for any text",
    })
    .option("min-level", { choices: SEVERITIES, describe: "Only findings at least this severe" })
    .option("fail-on", { choices: SEVERITIES, describe: "Exit 1 if a finding at least this severe is shown" })
    .option("strict", { type: "boolean", default: false, describe: "Exit 1 if a line could not be decided" })
    .option("output", {
      choices: ["table", "json", ...TIMELINE_FORMATS] as const,
      default: "table",
      describe: "A timeline for people, one document, or a finding a line",
    })
    .option("html", {
      type: "string",
      describe: "Write a report to this file: stories, timeline, ATT&CK matrix, identities and objects; loads nothing",
    })
    .option("stories", {
      type: "boolean",
      default: false,
      describe:
        "Who stands out, where their credentials came from, and where the log ends the chain; in place of the timeline",
    })
    .example("$0 replay audit.log audit-*.log.gz", "what happened, in order of time")
    .example("$0 replay audit.log --html report.html", "the same as one file to read in a browser")
    .example(
      "$0 replay audit.log --actor 'system:serviceaccount:*' --min-level high",
      "what service accounts did that is severe",
    )
    .example("$0 replay audit.log --output ndjson > findings.ndjson", "a finding a line, for programs")
    .example(
      "$0 replay /var/log/kubernetes/ --since 2h --output timesketch > findings.jsonl",
      "a folder of logs as a Timesketch timeline",
    ) as unknown as Argv<ReplayCommandOptions>;
}

/** Replays logs and prints findings as a timeline. */
export async function replay(options: ReplayCommandOptions): Promise<ExitCode> {
  const selection = readSelection(options);
  const problems = new LineProblems({ strict: options.strict });
  const progress = new Progress("replayed");
  let exit: ExitCode = EXIT.fine;
  const logs = await replayInputs(options.logs, progress);
  const { html } = options;
  if (html !== undefined) {
    checkReport(html, logs);
  }
  const gatherer = html !== undefined || options.stories ? new FactGatherer() : undefined;
  const redactor = createRedactor({ key: randomBytes(32) });
  const replayed = await replayLogs({
    logs,
    selection,
    onUnreadable: (error) => {
      sayUnreadable(error);
      exit = EXIT.unusable;
    },
    detections: shippedDetections(),
    redactor,
    ...(gatherer === undefined ? {} : { visitors: [gatherer] }),
    onLineAlarm: (alarm) => problems.addAlarm(alarm),
  });
  if (html !== undefined && gatherer !== undefined) {
    await writeReport(html, { ...replayed, facts: gatherer.facts(), redactor, logs });
  }
  progress.finish();
  if (options.stories && gatherer !== undefined) {
    await printStories(gatherer.facts(), replayed);
  } else {
    await print(replayed, options.output);
  }
  if (problems.finish(replayed.summary.log.events)) {
    exit = worseExit(exit, EXIT.problems);
  }
  const { failOn } = options;
  const isBad =
    failOn !== undefined && replayed.findings.some(({ detection }) => !isSeverityBelow(detection.level, failOn));
  return isBad ? worseExit(exit, EXIT.problems) : exit;
}

function readSelection(options: ReplayCommandOptions): Selection {
  const { since, until, zone, actor, resource, namespace, sourceIp, userAgent, detection, minLevel } = options;
  return {
    ...(since === undefined ? {} : { since: readInstant("--since", since, zone) }),
    ...(until === undefined ? {} : { until: readInstant("--until", until, zone) }),
    ...(actor === undefined ? {} : { actor }),
    ...(resource === undefined ? {} : { resource }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(sourceIp === undefined ? {} : { sourceIP: sourceIp }),
    ...(userAgent === undefined ? {} : { userAgent }),
    ...(detection === undefined ? {} : { detection }),
    ...(minLevel === undefined ? {} : { minSeverity: minLevel }),
  };
}

function readInstant(option: string, text: string, zone: string): string {
  const parsed = parseInstant(text, { now: new Date(), zone });
  if (!parsed.ok) {
    throw new Failure(
      `${parsed.problem.message} (${option})`,
      parsed.problem.hint === undefined ? {} : { hint: parsed.problem.hint },
    );
  }
  return parsed.instant;
}

async function print({ findings, summary }: Replayed, output: ReplayCommandOptions["output"]): Promise<void> {
  if (output === "json") {
    await writeData(`${JSON.stringify({ summary, findings }, undefined, 2)}\n`);
  } else if (output !== "table") {
    for (const text of timelineText(findings, output)) {
      await writeData(text);
    }
  } else {
    for (const line of summaryText(summary)) {
      await writeLine(line);
    }
    if (findings.length > 0) {
      await writeLine("");
      await writeLine(timelineTable(findings));
    }
    await writeLine("");
    for (const line of limitsText(summary)) {
      await writeLine(line);
    }
  }
}
