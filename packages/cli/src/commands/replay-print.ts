import { safeText, SEVERITIES } from "@auditsieve/detect";
import type { Finding } from "@auditsieve/detect";
import type { ClassCoverage, ReplaySummary } from "@auditsieve/replay";
import { reasonText } from "../line-problems.ts";
import { paintSeverity } from "../paint-severity.ts";
import { bar, bytesText, count, counted, paint, table, tableLines } from "../table.ts";

const SHOWN = 10;

/** What a reader should know before the timeline: how much there is, and by whom. */
export function* summaryText(summary: ReplaySummary): Generator<string> {
  const { log, findings, notSelected, bySeverity, byDetection, byActor, byTechnique } = summary;
  const covered = log.from === undefined ? "" : `, ${log.from} to ${log.to}`;
  yield `${paint("bold", counted(findings, "finding"))} in ${counted(log.events, "event")}${covered}`;
  if (notSelected > 0) {
    yield `${count(notSelected)} more are not shown: the options left them out`;
  }
  if (findings === 0) {
    return;
  }
  const severities = SEVERITIES.toReversed().filter((severity) => bySeverity[severity] > 0);
  yield severities.map((severity) => `${paintSeverity(severity)} ${bySeverity[severity]}`).join("  ");
  if (byTechnique.length > 0) {
    const shown = byTechnique.slice(0, SHOWN).map(({ technique, findings: each }) => `${safeText(technique)} ${each}`);
    yield `techniques ${shown.join("  ")}${byTechnique.length > SHOWN ? `  and ${byTechnique.length - SHOWN} more` : ""}`;
  }
  const most = byDetection[0]?.findings ?? 1;
  yield "";
  yield table(
    [{ title: "findings", align: "right" }, { title: "" }, { title: "severity" }, { title: "detection" }],
    gravestFirst(byDetection).map(({ findings: number, severity, title }) => [
      count(number),
      bar(number / most),
      paintSeverity(severity),
      safeText(title),
    ]),
  );
  yield "";
  yield table(
    [{ title: "findings", align: "right" }, { title: "actor" }],
    byActor.slice(0, SHOWN).map(({ actor, findings: number }) => [count(number), safeText(actor)]),
  );
}

/** What floods is seldom what matters: the severity counts before the number. */
function gravestFirst(detections: ReplaySummary["byDetection"]): ReplaySummary["byDetection"] {
  return detections.toSorted(
    (a, b) => SEVERITIES.indexOf(b.severity) - SEVERITIES.indexOf(a.severity) || b.findings - a.findings,
  );
}

/** Findings as the lines of a table, in order of time. */
export function timelineLines(findings: Iterable<Finding>): Iterable<string> {
  return tableLines([{ title: "time" }, { title: "severity" }, { title: "what happened" }, { title: "detection" }], {
    *[Symbol.iterator]() {
      for (const { time, detection, summary } of findings) {
        yield [safeText(time, 40), paintSeverity(detection.level), summary, safeText(detection.title)];
      }
    },
  });
}

/** What the log cannot show stands next to what it shows. */
export function* limitsText(summary: ReplaySummary): Generator<string> {
  const { log, logs, undecidable, salvaged, duplicates, couldNotDecide, suppressed, forgotten } = summary;
  yield paint("bold", "What the log covers, and cannot show");
  yield `Levels in the log: ${countsText(log.byLevel) || "none"}`;
  yield* classesText(log.classes);
  if (log.byStage.RequestReceived === 0 && log.events > 0) {
    yield "No event of the stage RequestReceived: requests that never got an answer are not in the log";
  }
  if (log.truncated > 0) {
    yield `Bodies cut off by the apiserver because of their size: ${count(log.truncated)}`;
  }
  for (const { from, to, seconds } of log.gaps) {
    yield `Nothing was written for ${secondsText(seconds)}, from ${from} to ${to}`;
  }
  yield* apiserversText(summary);
  if (duplicates > 0) {
    yield `Lines that stand in the logs more than once, and count once: ${count(duplicates)}`;
  }
  if (undecidable > 0) {
    yield `Lines that are no audit event: ${count(undecidable)} (${reasonsText(logs)})`;
  }
  if (salvaged > 0) {
    yield `Whole events salvaged from such lines: ${count(salvaged)}`;
  }
  for (const { name, problem, lines, bytes } of logs) {
    if (problem !== undefined) {
      yield `Not read to its end, ${counted(lines, "line")} and ${bytesText(bytes)} of it are: ${safeText(name, 500)}`;
    }
  }
  for (const { title, requests } of couldNotDecide) {
    yield `Could not decide for ${count(requests)} ${requests === 1 ? "request" : "requests"}, the log says too little: ${safeText(title)}`;
  }
  for (const { title, findings, expires } of suppressed) {
    yield `Kept out by an exception${expires === null ? "" : ` until ${expires}`}: ${counted(findings, "finding")}: ${safeText(title)}`;
  }
  const lost = forgotten.requests + forgotten.late + forgotten.correlationHits + forgotten.memory;
  if (lost > 0) {
    yield `Forgotten to stay within memory: ${count(forgotten.requests)} open requests, ${count(forgotten.correlationHits + forgotten.late)} hits of correlations, ${count(forgotten.memory)} pods, grants, credentials and first-seen values`;
  }
}

/** Of all logs together, the most frequent first. */
function reasonsText(logs: ReplaySummary["logs"]): string {
  const counts = new Map<string, number>();
  for (const [reason, lines] of logs.flatMap((log) => Object.entries(log.undecidable))) {
    counts.set(reason, (counts.get(reason) ?? 0) + lines);
  }
  return [...counts]
    .toSorted(([, a], [, b]) => b - a)
    .map(([reason, lines]) => `${count(lines)} ${reasonText(reason)}`)
    .join(", ");
}

/** Classes of which some or all bodies are missing. */
function* classesText(classes: readonly ClassCoverage[]): Generator<string> {
  const poor = classes.filter(({ byLevel, isWrite }) => isWrite && (byLevel.Metadata ?? 0) > 0);
  if (poor.length === 0) {
    return;
  }
  const shown = poor.slice(0, SHOWN).map(({ resource, byLevel, events }) => {
    const without = byLevel.Metadata ?? 0;
    return `${safeText(resource)} ${without === events ? count(events) : `${count(without)} of ${count(events)}`}`;
  });
  const rest = poor.length > SHOWN ? `, and ${poor.length - SHOWN} more kinds` : "";
  yield `Writes without bodies (level Metadata): ${shown.join(", ")}${rest}`;
}

function* apiserversText({ log }: ReplaySummary): Generator<string> {
  const { apiservers } = log;
  if (apiservers.length > 0) {
    yield `Apiservers that renewed their lease in the log: ${apiservers.map(({ lease }) => safeText(lease)).join(", ")}`;
  } else if (log.events > 0) {
    yield "No apiserver renewed its lease in the log: whether one of several is missing cannot be told";
  }
  for (const { lease, lastRenewed, isSilentAtEnd, longestSilenceSeconds } of apiservers) {
    if (isSilentAtEnd) {
      yield `Silent: ${safeText(lease)} was last heard of at ${lastRenewed}, the log goes on to ${log.to}`;
    }
    if (longestSilenceSeconds >= 60) {
      yield `Silent for ${secondsText(longestSilenceSeconds)}: ${safeText(lease)}`;
    }
  }
}

function countsText(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .filter(([, events]) => events > 0)
    .map(([name, events]) => `${name} ${count(events)}`)
    .join(", ");
}

function secondsText(seconds: number): string {
  return seconds < 120 ? `${seconds.toFixed(1)} s` : `${(seconds / 60).toFixed(1)} min`;
}
