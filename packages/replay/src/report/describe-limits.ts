import { safeText } from "@auditsieve/detect";
import type { ReplaySummary } from "../replay-summary.ts";
import type { Facts } from "../facts/gather-facts.ts";

const SHOWN = 8;

/** What there was no room for in a report. */
interface LeftOut {
  readonly events: number;
  readonly stories: number;
}

/** What the log cannot show, and what the report leaves out: it stands next to what they show. */
export function describeLimits(summary: ReplaySummary, facts: Facts, leftOut: LeftOut): readonly string[] {
  return [...limitsOfLog(summary), ...limitsOfReport(summary, facts, leftOut)];
}

function* limitsOfLog({
  log,
  logs,
  undecidable,
  salvaged,
  duplicates,
  couldNotDecide,
  suppressed,
}: ReplaySummary): Generator<string> {
  const poor = log.classes.filter(({ isWrite, byLevel }) => isWrite && (byLevel.Metadata ?? 0) > 0);
  if (poor.length > 0) {
    const named = poor
      .slice(0, SHOWN)
      .map(({ resource, byLevel }) => `${safeText(resource)} (${count(byLevel.Metadata ?? 0)})`);
    const more = poor.length > SHOWN ? ` and ${poor.length - SHOWN} more` : "";
    yield `Writes without bodies (level Metadata), so that what they wrote is not known: ${named.join(", ")}${more}.`;
  }
  if (log.truncated > 0) {
    yield `The apiserver cut the bodies off ${count(log.truncated)} events because of their size.`;
  }
  if (log.byStage.RequestReceived === 0 && log.events > 0) {
    yield "No event of the stage RequestReceived: requests that never got an answer are not in the log.";
  }
  for (const { from, to, seconds } of log.gaps.slice(0, SHOWN)) {
    yield `Nothing was written for ${seconds.toFixed(0)} s, from ${from} to ${to}.`;
  }
  for (const { lease, lastRenewed } of log.apiservers.filter(({ isSilentAtEnd }) => isSilentAtEnd)) {
    yield `Apiserver ${safeText(lease)} was last heard of at ${lastRenewed}: what it wrote later is not in these logs.`;
  }
  if (duplicates > 0) {
    yield `${count(duplicates)} lines stand in the logs more than once and count once.`;
  }
  if (undecidable > 0) {
    const but = salvaged === 0 ? "" : `, but for ${count(salvaged)} whole events in them`;
    yield `Lines that are no audit events, and in no finding${but}: ${count(undecidable)}.`;
  }
  for (const { name, problem } of logs) {
    if (problem !== undefined) {
      yield `Not read to its end: ${safeText(name, 400)} (${safeText(problem, 400)}).`;
    }
  }
  for (const { title, requests } of couldNotDecide) {
    yield `${safeText(title)}: the log says too little to decide about ${count(requests)} requests.`;
  }
  for (const { title, owner, findings } of suppressed) {
    const by = owner === null ? "" : `, of ${safeText(owner)}`;
    yield `Kept out by the exception "${safeText(title)}"${by}: ${count(findings)} findings.`;
  }
}

function* limitsOfReport({ notSelected }: ReplaySummary, facts: Facts, leftOut: LeftOut): Generator<string> {
  const { lineage, revisions, rights, sessions, longNames } = facts;
  if (notSelected > 0) {
    yield `${count(notSelected)} findings were left out by the options of the replay.`;
  }
  if (lineage.evicted + revisions.evicted > 0) {
    yield `${count(lineage.evicted + revisions.evicted)} objects were left out: the log has more than a report follows.`;
  }
  if (sessions.others > 0) {
    yield othersText(sessions);
  }
  if (sessions.folded > 0) {
    yield `${count(sessions.folded)} requests are counted without the name of their object: there are too many names.`;
  }
  if (rights.evicted > 0) {
    yield `${count(rights.evicted)} requests are in no list of rights: there are too many reasons for which requests were allowed.`;
  }
  if (longNames > 0) {
    yield `${count(longNames)} requests are about objects or paths whose names were cut, being longer than 512 letters.`;
  }
  if (leftOut.stories > 0) {
    yield `${count(leftOut.stories)} more stories, of identities that stand out less, are not told.`;
  }
  if (leftOut.events > 0) {
    yield `${count(leftOut.events)} raw events are not in this file, for its size: the log holds them.`;
  }
}

/** Says that some are counted together: who they were is in the log alone. */
export function othersText({ others }: Pick<Facts["sessions"], "others">): string {
  return `${count(others)} requests are counted together as (others): their identities, credentials, addresses and programs came when there was no room for more.`;
}

function count(value: number): string {
  return value.toLocaleString("en-US");
}
