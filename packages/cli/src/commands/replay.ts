import { createRedactor } from "@auditsieve/audit";
import { SEVERITIES } from "@auditsieve/detect";
import { isSeverityBelow, safeText } from "@auditsieve/detect";
import type { Finding, Severity } from "@auditsieve/detect";
import { archiveSource } from "@auditsieve/ingest";
import type { ArchivedLog } from "@auditsieve/ingest";
import { parseInstant, replayLogs } from "@auditsieve/replay";
import type { Replayed, ReplaySummary, Selection } from "@auditsieve/replay";
import { randomBytes } from "node:crypto";
import type { Argv } from "yargs";
import { EXIT, worseExit } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { Failure } from "../failure.ts";
import { LineProblems } from "../line-problems.ts";
import { logsOrStdin, readLog, sayUnreadable } from "../logs.ts";
import { writeData, writeLine } from "../output.ts";
import { Progress } from "../progress.ts";
import { shippedDetections } from "../shipped.ts";
import { inputName } from "../standard-input.ts";
import { bar, count, paint, table } from "../table.ts";
import { findingsText } from "../write-findings.ts";

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
  readonly minLevel: Severity | undefined;
  readonly failOn: Severity | undefined;
  readonly strict: boolean;
  readonly output: "table" | "ndjson" | "json";
}

/** Adds the options of `replay`. */
export function replayOptions(argv: Argv): Argv<ReplayCommandOptions> {
  return argv
    .positional("logs", {
      type: "string",
      array: true,
      default: [] as string[],
      describe: "Audit logs: plain, .gz, .zst, or - for standard input",
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
    .option("min-level", { choices: SEVERITIES, describe: "Only findings at least this severe" })
    .option("fail-on", { choices: SEVERITIES, describe: "Exit 1 if a finding at least this severe is shown" })
    .option("strict", { type: "boolean", default: false, describe: "Exit 1 if a line could not be decided" })
    .option("output", {
      choices: ["table", "ndjson", "json"] as const,
      default: "table",
      describe: "A timeline for people, a finding a line, or one document",
    })
    .example("$0 replay audit.log audit-*.log.gz", "what happened, in order of time")
    .example(
      "$0 replay audit.log --actor 'system:serviceaccount:*' --min-level high",
      "what service accounts did that is severe",
    )
    .example(
      "$0 replay audit.log --output ndjson > findings.ndjson",
      "a finding a line, for programs",
    ) as unknown as Argv<ReplayCommandOptions>;
}

/** Replays logs and prints findings as a timeline. */
export async function replay(options: ReplayCommandOptions): Promise<ExitCode> {
  const selection = readSelection(options);
  const problems = new LineProblems({ strict: options.strict });
  const progress = new Progress("replayed");
  let exit: ExitCode = EXIT.fine;
  const source = archiveSource({
    logs: logsOrStdin(options.logs).map((log) => countedLog(log, progress)),
    onUnreadable: (error) => {
      sayUnreadable(error);
      exit = EXIT.unusable;
    },
  });
  const replayed = await replayLogs({
    source,
    selection,
    detections: shippedDetections(),
    redactor: createRedactor({ key: randomBytes(32) }),
    onLineAlarm: (alarm) => problems.addAlarm(alarm),
  });
  progress.finish();
  await print(replayed, options.output);
  if (problems.finish(replayed.summary.log.events)) {
    exit = worseExit(exit, EXIT.problems);
  }
  const { failOn } = options;
  const isBad =
    failOn !== undefined && replayed.findings.some(({ detection }) => !isSeverityBelow(detection.level, failOn));
  return isBad ? worseExit(exit, EXIT.problems) : exit;
}

function countedLog(log: string, progress: Progress): ArchivedLog {
  return {
    name: inputName(log),
    async *open() {
      for await (const chunk of readLog(log)) {
        progress.add(chunk.length);
        yield chunk;
      }
    },
  };
}

function readSelection(options: ReplayCommandOptions): Selection {
  const { since, until, zone, actor, resource, namespace, sourceIp, minLevel } = options;
  return {
    ...(since === undefined ? {} : { since: readInstant("--since", since, zone) }),
    ...(until === undefined ? {} : { until: readInstant("--until", until, zone) }),
    ...(actor === undefined ? {} : { actor }),
    ...(resource === undefined ? {} : { resource }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(sourceIp === undefined ? {} : { sourceIP: sourceIp }),
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
  if (output === "ndjson") {
    await writeData(findingsText(findings));
  } else if (output === "json") {
    await writeData(`${JSON.stringify({ summary, findings }, undefined, 2)}\n`);
  } else {
    await printSummary(summary);
    await printTimeline(findings);
    await printLimits(summary);
  }
}

async function printSummary({
  log,
  findings,
  notSelected,
  bySeverity,
  byDetection,
  byActor,
}: ReplaySummary): Promise<void> {
  const covered = log.from === undefined ? "" : `, ${log.from} to ${log.to}`;
  await writeLine(`${paint("bold", `${count(findings)} findings`)} in ${count(log.events)} events${covered}`);
  if (notSelected > 0) {
    await writeLine(`${count(notSelected)} more are not shown: the options left them out`);
  }
  if (findings === 0) {
    return;
  }
  const severities = SEVERITIES.toReversed().filter((severity) => bySeverity[severity] > 0);
  await writeLine(severities.map((severity) => `${paintSeverity(severity)} ${bySeverity[severity]}`).join("  "));
  const most = byDetection[0]?.findings ?? 1;
  await writeLine("");
  await writeLine(
    table(
      [{ title: "findings", align: "right" }, { title: "" }, { title: "severity" }, { title: "detection" }],
      byDetection.map(({ findings: number, severity, title }) => [
        count(number),
        bar(number / most),
        paintSeverity(severity),
        safeText(title),
      ]),
    ),
  );
  await writeLine("");
  await writeLine(
    table(
      [{ title: "findings", align: "right" }, { title: "actor" }],
      byActor.slice(0, 10).map(({ actor, findings: number }) => [count(number), safeText(actor)]),
    ),
  );
}

async function printTimeline(findings: readonly Finding[]): Promise<void> {
  if (findings.length === 0) {
    return;
  }
  await writeLine("");
  await writeLine(
    table(
      [{ title: "time" }, { title: "severity" }, { title: "what happened" }, { title: "detection" }],
      findings.map(({ time, detection, summary }) => [
        safeText(time, 40),
        paintSeverity(detection.level),
        summary,
        safeText(detection.title),
      ]),
    ),
  );
}

/** What the log cannot show stands next to what it shows. */
async function printLimits({ log, undecidable, couldNotDecide }: ReplaySummary): Promise<void> {
  const { None: _none, ...levels } = log.byLevel;
  const seen = Object.entries(levels).filter(([, events]) => events > 0);
  await writeLine("");
  await writeLine(
    `Levels in the log: ${seen.map(([level, events]) => `${level} ${count(events)}`).join(", ") || "none"}`,
  );
  if (log.truncated > 0) {
    await writeLine(`Bodies cut off by the apiserver because of their size: ${count(log.truncated)}`);
  }
  if (undecidable > 0) {
    await writeLine(`Lines that are no audit event: ${count(undecidable)}`);
  }
  for (const { title, requests } of couldNotDecide) {
    await writeLine(`Could not decide for ${count(requests)} requests, the log says too little: ${safeText(title)}`);
  }
}

function paintSeverity(severity: Severity): string {
  const styles = { critical: "magenta", high: "red", medium: "yellow", low: "cyan", informational: "dim" } as const;
  return paint(styles[severity], severity);
}
