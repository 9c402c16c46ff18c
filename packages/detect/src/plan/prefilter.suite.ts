import { LEVELS, STAGES } from "@auditsieve/audit";
import type { AuditEvent } from "@auditsieve/audit";
import { evaluate } from "../condition/evaluate.ts";
import type { Detection } from "../definition/detection.ts";
import type { DetectionEngine } from "../detection-engine.ts";
import { eventReader } from "./field-readers.ts";
import type { HeadView } from "../reading/head-view.ts";
import { projectEvent } from "../project-event.suite.ts";
import { shippedDetections } from "../shipped-detections.suite.ts";

/** What each detection says of the event, asked of its whole condition. */
export function withoutPrefilter(detections: readonly Detection[], one: AuditEvent): string[] {
  const reader = eventReader(one);
  return detections.flatMap(({ id, condition: wanted }) => {
    const truth = evaluate(wanted, reader);
    return truth === false || (truth === undefined && one.stage === "RequestReceived")
      ? []
      : [`${id} ${truth === true ? "hit" : "unknown"}`];
  });
}

/** What the engine says of it, which asks the head first: `head` where it is given. */
export function withPrefilter(engine: DetectionEngine, one: AuditEvent, head?: HeadView): string[] {
  const candidates = head && engine.candidates(head);
  return engine
    .evaluate(one, candidates, undefined, head && engine.left(head))
    .flatMap(({ detection, outcome }) => (engine.feeders.has(detection) ? [] : [`${detection.id} ${outcome}`]));
}

/** Each different event of the shipped cases at those of its levels and stages that `choose` names, of so many `ways`. */
export function projectedCases(choose: (index: number, ways: number) => readonly number[]): Iterable<AuditEvent> {
  const levels = LEVELS.filter((level) => level !== "None");
  const ways = levels.flatMap((level) => STAGES.map((stage) => [level, stage] as const));
  const projected = new Map<string, AuditEvent>();
  const events = shippedDetections.flatMap(({ cases }) => cases.flatMap((one) => one.events));
  for (const [index, one] of events.entries()) {
    for (const way of choose(index, ways.length)) {
      const chosen = ways[way];
      if (!chosen) throw new RangeError(`There is no way ${way} of ${ways.length}`);
      // The events of one correlation's case differ in what tells requests apart, which no condition reads.
      const less = { ...projectEvent(one, ...chosen), auditID: "a" };
      delete (less as { requestReceivedTimestamp?: string }).requestReceivedTimestamp;
      delete (less as { stageTimestamp?: string }).stageTimestamp;
      projected.set(JSON.stringify(less), less);
    }
  }
  return projected.values();
}
