import type { CorrelationHit, Evidence, Group } from "../correlation-hit.ts";
import type { WindowResult } from "./correlation-window.ts";
import { namedIn, withEvents } from "../finding.ts";
import type { Finding } from "../finding.ts";
import { isMeasured } from "../definition/correlation.ts";
import type { Correlation } from "../definition/correlation.ts";
import type { LinkedCorrelation } from "../definition/link-correlations.ts";
import { safeText } from "../safe-text.ts";
import type { EventFacts } from "../summary.ts";

/** Writes the finding of a correlation; it carries at most `maxEvents` of the events that it rests on. */
export function writeCorrelationFinding(
  linked: LinkedCorrelation,
  group: Group,
  { hits, value }: WindowResult,
  id: string,
  maxEvents: number,
): Finding {
  const { detection, correlation } = linked;
  const shown = evidenceOf(linked, hits, maxEvents).flatMap(({ show }) => show() ?? []);
  const parts = shown.map(({ facts }) => facts);
  const [first] = parts;
  const common = <K extends keyof EventFacts>(key: K): Partial<Pick<EventFacts, K>> =>
    first?.[key] !== undefined && parts.every((part) => part[key] === first[key])
      ? ({ [key]: first[key] } as Partial<Pick<EventFacts, K>>)
      : {};
  const groups = Object.fromEntries(correlation.groupBy.map(({ name }, index) => [name, group.values[index] ?? ""]));
  const of = Object.entries(groups).map(([name, text]) => `${name} ${text}`);
  const span = spanText(correlation.timespanMs / 1000);
  const summary = `${detection.title}: ${measuredText(correlation, value)}${hits.length} within ${span}${of.length > 0 ? ` for ${of.join(", ")}` : ""}`;
  const head = {
    id,
    detection: namedIn(detection),
    time: first?.time ?? "",
    ...common("actor"),
    ...common("impersonated"),
    summary: safeText(summary, 400),
    outcome: common("outcome").outcome ?? "unknown",
    ...common("code"),
    ...common("namespace"),
    ...common("object"),
    correlation: { type: correlation.type, group: groups, count: hits.length, value },
    auditIDs: [...new Set(shown.map(({ auditID }) => auditID))],
  };
  return withEvents(head, shown);
}

/** At most `max` events of the hits: one of every detection, then the first and the last ones, in their order. */
export function evidenceOf(
  { detections }: LinkedCorrelation,
  hits: readonly CorrelationHit[],
  max: number,
): readonly Evidence[] {
  const all = hits.flatMap((hit) => hit.evidence.map((one) => ({ one, detection: hit.detection })));
  const wanted = new Set(
    detections.map((detection) => all.findIndex((item) => item.detection === detection)).filter((at) => at >= 0),
  );
  for (let n = 0; n < all.length && wanted.size < max; n++) {
    wanted.add(n % 2 === 0 ? n / 2 : all.length - (n + 1) / 2);
  }
  const byRequest = new Map(
    [...wanted]
      .slice(0, max)
      .sort((a, b) => a - b)
      .flatMap((at) => all[at] ?? [])
      .map(({ one }) => [one.request, one] as const),
  );
  return [...byRequest.values()];
}

/** What was measured or counted, where a number of hits does not say it. Before the group: what stands behind that may be cut. */
function measuredText({ type, fields, percentile }: Correlation, value: number): string {
  const names = fields.map(({ name }) => safeText(name, 80)).join(", ");
  if (type === "value_count") {
    return `${value} ${value === 1 ? "value" : "values"} of ${names} in `;
  }
  if (!isMeasured(type)) {
    return "";
  }
  const what = type === "value_sum" ? "sum" : type === "value_avg" ? "average" : `percentile ${percentile}`;
  return `${what} of ${names} ${roundedText(value)} in `;
}

/** 604, 302.33, 0.0123: whole numbers as they are. */
function roundedText(value: number): string {
  return String(
    Number.isInteger(value) ? value : Number(Math.abs(value) < 1 ? value.toPrecision(3) : value.toFixed(2)),
  );
}

const UNITS = [
  [86_400, "d"],
  [3_600, "h"],
  [60, "min"],
] as const;

/** 90 s, 5 min, 1 d: in the largest unit that it is a whole number of. */
function spanText(seconds: number): string {
  const [size, unit] = UNITS.find(([each]) => seconds >= each && seconds % each === 0) ?? [1, "s"];
  return `${seconds / size} ${unit}`;
}
