import { createRedactor } from "@auditsieve/audit";
import type { JsonObject, Redactor } from "@auditsieve/audit";
import { safeJson } from "@auditsieve/detect/safe-text";
import { isSeverityBelow, SEVERITIES } from "@auditsieve/detect";
import type { Severity } from "@auditsieve/detect";
import {
  isSelected,
  boundHeap,
  FactGatherer,
  OtherFindings,
  othersText,
  rankActors,
  replayLogs,
  timelineText,
} from "@auditsieve/replay";
import type {
  ComparedFindings,
  JudgeThread,
  OtherReading,
  RankedActor,
  Replayed,
  ReplayOptions,
  ReplayState,
  Selection,
} from "@auditsieve/replay";
import { randomBytes } from "node:crypto";
import { compileDetectionSet, loadDetectionSet, readDetectionSet } from "../detection-set.ts";
import type { DetectionSet } from "../detection-set.ts";
import { EXIT, worseExit } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { Failure } from "../failure.ts";
import { isJudging } from "../judge-thread.ts";
import { LineProblems } from "../line-problems.ts";
import { sayUnreadable } from "../logs.ts";
import { loadPolicyOption } from "../noise-policy.ts";
import { writeJsonDocument } from "../json-document.ts";
import { say, writeAllData, writeLine, writeLines } from "../output.ts";
import { Progress } from "../progress.ts";
import { replayInputs } from "../replay-inputs.ts";
import type { ReplayInput } from "../replay-inputs.ts";
import { stopSignal } from "../stop-signal.ts";
import { count } from "../table.ts";
import { comparisonOutput, isAnyAsSevere, printComparison } from "./replay-compare.ts";
import { actorsJson, actorsTable } from "./replay-actors.ts";
import { printCredential } from "./replay-credential.ts";
import { checkRetold, printHistory } from "./replay-history.ts";
import { checkReport, writeReport } from "./replay-html.ts";
import type { ReplayCommandOptions } from "./replay-options.ts";
import { limitsText, summaryText, timelineLines } from "./replay-print.ts";
import { Seal } from "./replay-seal.ts";
import type { SendTarget } from "./replay-send.ts";
import { openState } from "./replay-state.ts";
import { sayNothingChosen } from "./replay-nothing.ts";
import { refuseOptions } from "./replay-refusals.ts";
import { readSelection } from "./replay-selection.ts";
import { checkStories, printStories } from "./replay-stories.ts";

/** Replays logs and prints findings as a timeline; the detections run in that thread, if there is one. */
export async function replay(options: ReplayCommandOptions, judges: JudgeThread | undefined): Promise<ExitCode> {
  refuseOptions(options);
  const texts = readDetectionSet(options.detections, options.exceptions);
  judges?.load(texts);
  const set = compileDetectionSet(texts);
  const { html, seal: manifest, output, stateFolder, history, credential } = options;
  const comparison = await readComparison(options, set);
  const target = output === "elasticsearch" ? await readTarget(options) : undefined;
  const asked = readSelection(options, [...set.detections, ...(comparison?.detections ?? [])]);
  const progress = new Progress("replayed");
  const logs = await replayInputs(options.logs, progress);
  if (html !== undefined) {
    checkReport(html, logs);
  }
  if (history !== undefined) {
    checkRetold("a history", output, logs);
  }
  if (credential !== undefined) {
    checkRetold("what a credential touched", output, logs);
  }
  if (options.stories) {
    checkStories(output);
  }
  const note = { selection: JSON.parse(JSON.stringify(asked)) as JsonObject };
  const state = stateFolder === undefined ? undefined : await openState(stateFolder, options, set, logs, note);
  const selection = (state?.note["selection"] as Selection | undefined) ?? asked;
  const seal = manifest === undefined ? undefined : await Seal.begin(manifest, logs);
  const isForPeople = output === "table" || output === "json";
  const redactionKey = target?.config.redactionKey ?? state?.key ?? randomBytes(32);
  const redactor = createRedactor({ key: redactionKey });
  const file = state && { file: state.path("compared") };
  const problems = new LineProblems({ strict: options.strict });
  const reading: Reading = {
    options,
    set,
    selection,
    target,
    comparison,
    logs,
    progress,
    redactor,
    thread: judges && { judges, redactionKey },
    // One that is gone on with may print something else than before.
    gatherer: isForPeople || state !== undefined || asks(options) ? new FactGatherer() : undefined,
    other: comparison && new OtherFindings({ ...comparison, redactor }, file),
    isUnreadable: false,
    isResumed: state?.savedAt !== undefined,
  };
  const heap = boundHeap();
  const replayed = await read(reading, problems, state).catch(async (error: unknown) => {
    heap.release();
    await state?.close();
    throw error;
  });
  // What the detections remember is needed no more: it must not lie about while all the rest is written.
  await judges?.close();
  heap.settle();
  const exit = await write(reading, replayed, seal).finally(() => heap.release());
  replayed.close();
  reading.other?.close();
  await state?.remove();
  const { undecidable, logs: counted } = replayed.summary;
  problems.inAll(undecidable + counted.reduce((sum, { reduced }) => sum + reduced, 0));
  return problems.finish(replayed.summary.log.events, reading.isUnreadable) ? worseExit(exit, EXIT.problems) : exit;
}

/** Sinks start slowly: they are loaded only where findings are sent. */
async function readTarget({ config, sink }: ReplayCommandOptions): Promise<SendTarget> {
  const { sendTarget } = await import("./replay-send.ts");
  return sendTarget(config, sink);
}

/** Whether something is asked for that rests on facts beside the findings. */
function asks({ html, stories, history, credential }: ReplayCommandOptions): boolean {
  return html !== undefined || stories || history !== undefined || credential !== undefined;
}

/** A replay as it was asked for. */
interface Reading {
  readonly options: ReplayCommandOptions;
  readonly set: DetectionSet;
  readonly selection: Selection;
  readonly target: SendTarget | undefined;
  readonly comparison: Omit<OtherReading, "redactor"> | undefined;
  readonly logs: readonly ReplayInput[];
  readonly progress: Progress;
  readonly redactor: Redactor;
  readonly thread: ReplayOptions["thread"];
  readonly gatherer: FactGatherer | undefined;
  readonly other: OtherFindings | undefined;
  /** One of the logs, or its end. */
  isUnreadable: boolean;
  /** It goes on where another one was stopped. */
  readonly isResumed: boolean;
}

/** Reads the logs. A signal stops it in order: temporary files are gone, and the state is saved. */
async function read(reading: Reading, problems: LineProblems, state: ReplayState | undefined): Promise<Replayed> {
  const { logs, set, selection, redactor, gatherer, other, progress } = reading;
  const stop = stopSignal();
  try {
    return await replayLogs({
      logs,
      selection: other === undefined ? selection : {},
      onUnreadable: (error) => {
        sayUnreadable(error);
        reading.isUnreadable = true;
      },
      onSort: () => {
        say(
          "auditsieve: the logs are not in order of time, or hold lines that are not spelled as an apiserver does (envelopes, spaces); reading them from where their times stand",
        );
        problems.beginAgain();
      },
      onSortAgain: () =>
        say("auditsieve: the logs are sorted again from their beginning; lines that were done are left out"),
      detections: isJudging(reading.options) ? set.detections : [],
      thread: reading.thread,
      redactor,
      visitors: [gatherer, other].filter((visitor) => visitor !== undefined),
      onLineAlarm: (alarm) => problems.addAlarm(alarm),
      signal: stop.signal,
      ...(state && { state }),
    });
  } catch (error) {
    progress.finish();
    if (stop.signal.aborted && error === stop.signal.reason) {
      throw new Failure(`Stopped by a signal after ${progress.done}`, {
        hint:
          state === undefined
            ? "With --state-folder a replay that was stopped can go on where it was"
            : "The same command goes on from there; remove the state folder to begin anew",
        exitCode: EXIT.failed,
      });
    }
    throw error;
  } finally {
    stop.release();
  }
}

/** Writes everything that was asked for. */
async function write(reading: Reading, replayed: Replayed, seal: Seal | undefined): Promise<ExitCode> {
  const { options, set, selection, target, comparison, logs, redactor, gatherer, other } = reading;
  const { html, output, stories, history, credential, failOn } = options;
  let exit: ExitCode = reading.isUnreadable ? EXIT.unusable : EXIT.fine;
  if (html !== undefined && gatherer !== undefined) {
    if (reading.isResumed) {
      say("auditsieve: the logs are read again, from their beginning, for the events that the report shows");
    }
    await writeReport(html, { ...replayed, facts: gatherer.facts(), redactor, logs });
  }
  reading.progress.finish();
  const compared = other && compare(other, replayed, comparison, selection);
  if (compared !== undefined) {
    await printComparison(compared, comparisonOutput(output));
  } else if (history !== undefined && gatherer !== undefined) {
    const question = { object: history, ...pickTimes(selection) };
    exit = worseExit(exit, await printHistory(question, { facts: gatherer.facts(), logs, redactor }, output));
  } else if (credential !== undefined && gatherer !== undefined) {
    const question = { credential, ...pickTimes(selection) };
    exit = worseExit(exit, await printCredential(question, { facts: gatherer.facts(), logs }, output));
  } else if (target !== undefined) {
    const { sendFindings } = await import("./replay-send.ts");
    exit = worseExit(exit, await sendFindings(target, replayed.findings));
  } else if (stories && gatherer !== undefined) {
    await printStories(replayed, { facts: gatherer.facts(), logs }, output);
  } else {
    const actors = gatherer === undefined ? [] : rankActors(gatherer.facts(), replayed.findings);
    const others = gatherer?.facts().sessions;
    const left = others === undefined || others.others === 0 ? undefined : othersText(others);
    await print(replayed, { actors, left }, output as Exclude<typeof output, "elasticsearch">);
    if (replayed.findings.size === 0 && replayed.summary.notSelected > 0) {
      sayLeftOut(reading, replayed.summary.notSelected);
    }
  }
  if (logs.some(({ isReplaced }) => isReplaced?.() === true)) {
    exit = worseExit(exit, EXIT.unusable);
  }
  await seal?.finish(sealedOptions(options, selection), set, replayed.summary, html === undefined ? [] : [html]);
  return isTooSevere(failOn, replayed, compared) ? worseExit(exit, EXIT.problems) : exit;
}

/** A table says itself how many were left out. */
function sayLeftOut({ options, selection, gatherer }: Reading, notSelected: number): void {
  if (options.output !== "table") {
    say(`auditsieve: No finding is chosen: the options left out all ${count(notSelected)}`);
  }
  if (gatherer !== undefined) {
    sayNothingChosen(selection, gatherer.facts());
  }
}

function pickTimes({ since, until }: Selection): Pick<Selection, "since" | "until"> {
  return { ...(since !== undefined && { since }), ...(until !== undefined && { until }) };
}

function isTooSevere(
  failOn: Severity | undefined,
  { summary }: Replayed,
  compared: ComparedFindings | undefined,
): boolean {
  return (
    failOn !== undefined &&
    (compared === undefined
      ? SEVERITIES.some((severity) => summary.bySeverity[severity] > 0 && !isSeverityBelow(severity, failOn))
      : isAnyAsSevere(compared, failOn))
  );
}

/** What the log is read with a second time; undefined if no comparison is asked for. */
async function readComparison(
  { compare, comparePolicy, exceptions, output }: ReplayCommandOptions,
  set: DetectionSet,
): Promise<Omit<OtherReading, "redactor"> | undefined> {
  if (compare === undefined && comparePolicy === undefined) {
    return undefined;
  }
  comparisonOutput(output);
  if (compare !== undefined) {
    return { detections: loadDetectionSet(compare, exceptions).detections };
  }
  const policy = await loadPolicyOption(comparePolicy);
  if (policy === undefined) {
    throw new Failure("Cannot use the policy", { hint: "Its problems are said above" });
  }
  return { detections: set.detections, policy };
}

/** The detections of --compare are the older ones; a policy is what comes after. */
function compare(
  other: OtherFindings,
  { findings, summary }: Replayed,
  reading: Omit<OtherReading, "redactor"> | undefined,
  selection: Selection,
): ComparedFindings {
  const undecided = Object.fromEntries(summary.couldNotDecide.map(({ id, requests }) => [id, requests]));
  return other.compareWith(findings, undecided, {
    isOlder: reading?.policy === undefined,
    isAsked: (finding) => isSelected(finding, selection),
  });
}

/** What a manifest holds besides the selection, in its order. */
const SEALED = [
  "history",
  "credential",
  "output",
  "zone",
  "failOn",
  "strict",
  "html",
  "stories",
  "detections",
  "exceptions",
  "compare",
  "comparePolicy",
] as const satisfies readonly (keyof ReplayCommandOptions)[];

/** Options as they decided; relative times as the moments that they were. */
function sealedOptions(options: ReplayCommandOptions, selection: Selection): JsonObject {
  const kept = SEALED.filter((name) => name !== "exceptions" || options.exceptions.length > 0);
  const given = { ...selection, ...Object.fromEntries(kept.map((name) => [name, options[name]])) };
  return JSON.parse(JSON.stringify(given)) as JsonObject;
}

/** Events stand in findings as they were written: nothing that acts on a terminal may. */
function* safeLines(lines: Iterable<string>): Generator<string, void> {
  for (const line of lines) {
    yield safeJson(line);
  }
}

async function print(
  { findings, summary }: Pick<Replayed, "findings" | "summary">,
  { actors, left }: { readonly actors: readonly RankedActor[]; readonly left: string | undefined },
  output: Exclude<ReplayCommandOptions["output"], "elasticsearch">,
): Promise<void> {
  if (output === "json") {
    const document = { summary, actors: actorsJson(actors), ...(left !== undefined && { left }) };
    await writeJsonDocument(document, "findings", findings);
  } else if (output !== "table") {
    await writeAllData(output === "ndjson" ? safeLines(findings.lines()) : timelineText(findings, output));
  } else {
    // Who stands out comes first, behind the few lines that say how much there is.
    let isFirst = true;
    for (const line of summaryText(summary)) {
      if (isFirst && line === "") {
        isFirst = false;
        await writeLine("");
        await writeLine(actorsTable(actors));
        if (left !== undefined) {
          await writeLine(left);
        }
      }
      await writeLine(line);
    }
    if (findings.size > 0) {
      await writeLine("");
      await writeLines(timelineLines(findings));
    }
    await writeLine("");
    for (const line of limitsText(summary)) {
      await writeLine(line);
    }
  }
}
