import type { Finding } from "@auditsieve/detect";
import { boundedText } from "../bounded-text.ts";

/** Findings, counted as they come in. */
export interface FindingCounts {
  readonly bySeverity: ReadonlyMap<string, number>;
  readonly byDetection: ReadonlyMap<string, number>;
  readonly byTechnique: ReadonlyMap<string, number>;
  readonly byActor: ReadonlyMap<string, number>;
  /** What findings say of their detections, by id: all of one say the same. */
  readonly detections: ReadonlyMap<string, Finding["detection"]>;
}

/** Actors are an attacker's to choose. */
const MOST_ACTORS = 100_000;

/** Counts findings by what a summary says of them: they need not be read again for it. */
export class FindingCounter implements FindingCounts {
  readonly bySeverity: Map<string, number>;
  readonly byDetection: Map<string, number>;
  readonly byTechnique: Map<string, number>;
  readonly byActor: Map<string, number>;
  readonly detections: Map<string, Finding["detection"]>;

  /** Goes on from `counts`, which stay as they are. */
  constructor(counts?: FindingCounts) {
    this.bySeverity = new Map(counts?.bySeverity);
    this.byDetection = new Map(counts?.byDetection);
    this.byTechnique = new Map(counts?.byTechnique);
    this.byActor = new Map(counts?.byActor);
    this.detections = new Map(counts?.detections);
  }

  add({ detection, actor = "(not authenticated)" }: Finding): void {
    const { byActor } = this;
    const name = boundedText(actor);
    count(this.bySeverity, detection.level);
    if (count(this.byDetection, detection.id) === 1) {
      this.detections.set(detection.id, detection);
    }
    detection.techniques.forEach((technique) => count(this.byTechnique, technique));
    count(byActor, byActor.has(name) || byActor.size < MOST_ACTORS ? name : "(others)");
  }

  /** As data that `v8.serialize` takes. */
  snapshot(): FindingCounts {
    const { bySeverity, byDetection, byTechnique, byActor, detections } = this;
    return { bySeverity, byDetection, byTechnique, byActor, detections };
  }
}

function count(counts: Map<string, number>, value: string): number {
  const next = (counts.get(value) ?? 0) + 1;
  counts.set(value, next);
  return next;
}
