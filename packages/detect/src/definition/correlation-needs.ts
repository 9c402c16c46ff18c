import type { Need } from "@auditsieve/audit";
import { pathsOf } from "./correlation.ts";
import { deriveNeeds } from "./derive-needs.ts";
import type { Detection } from "./detection.ts";
import { namedFields } from "./first-seen-condition.ts";
import type { LinkedCorrelation } from "./link-correlations.ts";

/** What every event has of these is written at every level and stage: who asks for it needs nothing more of the log. */
const NEEDS_MORE = /^(?:requestObject|responseObject|responseStatus)(?:\.|$)/;

/** Of each correlation what the log must hold for it: what the detections need that it rests on, and what is read of their events. */
export function correlationNeeds(correlations: readonly LinkedCorrelation[]): ReadonlyMap<Detection, readonly Need[]> {
  const readBy = new Map<Detection, ReadonlyMap<Detection, readonly string[]>>();
  const needs = new Map<Detection, readonly Need[]>();
  for (const { detection, correlation, detections } of correlations) {
    const read = new Map<Detection, readonly string[]>();
    for (const one of detections) {
      const own = [...correlation.groupBy, ...correlation.fields]
        .flatMap((field) => pathsOf(field, one).map(({ text }) => text))
        .filter((text) => NEEDS_MORE.test(text));
      for (const [leaf, inner] of readBy.get(one) ?? new Map<Detection, readonly string[]>([[one, []]])) {
        read.set(leaf, [...new Set([...(read.get(leaf) ?? []), ...inner, ...own])]);
      }
    }
    readBy.set(detection, read);
    needs.set(
      detection,
      [...read].flatMap(([leaf, fields]) =>
        fields.length === 0 ? leaf.needs : deriveNeeds(leaf.condition, [...namedFields(leaf.firstSeen), ...fields]),
      ),
    );
  }
  return needs;
}
