import type { AuditEvent } from "@auditsieve/audit";
import type { LeftConditions } from "./body-verdicts.ts";
import type { Detection } from "./detection.ts";
import type { DetectionEngine } from "./detection-engine.ts";
import type { ClusterMemory } from "./memory/cluster-memory.ts";

/** How detections come out that an event hits, or about which it does not say enough. */
export type Verdicts = ReadonlyMap<Detection, "hit" | "unknown">;

export const NO_VERDICTS: Verdicts = new Map();

/** What is said of one event. */
export interface Judgement {
  readonly verdicts: Verdicts;
  /** Whether the memory learns from it. */
  readonly isFed: boolean;
}

const NOTHING: Judgement = { verdicts: NO_VERDICTS, isFed: false };
const ONLY_FED: Judgement = { verdicts: NO_VERDICTS, isFed: true };

/** Evaluates the candidates of an event; `left` is what its head leaves of their conditions. */
export function judge(
  engine: DetectionEngine,
  event: AuditEvent,
  candidates: readonly Detection[],
  memory: ClusterMemory,
  left: LeftConditions | undefined,
): Judgement {
  let verdicts: Map<Detection, "hit" | "unknown"> | undefined;
  let isFed = false;
  for (const { detection, outcome } of engine.evaluate(event, candidates, memory, left)) {
    if (engine.feeders.has(detection)) {
      isFed ||= outcome === "hit";
    } else {
      verdicts ??= new Map();
      verdicts.set(detection, outcome);
    }
  }
  return verdicts === undefined ? (isFed ? ONLY_FED : NOTHING) : { verdicts, isFed };
}
