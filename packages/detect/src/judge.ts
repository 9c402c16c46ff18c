import type { AuditEvent } from "@auditsieve/audit";
import type { Detection } from "./detection.ts";
import type { DetectionEngine, Evaluated, Verdict } from "./detection-engine.ts";
import type { ClusterMemory } from "./memory/cluster-memory.ts";
import type { Asked } from "./wanted.ts";

/** How detections come out that an event hits, or about which it does not say enough. */
export type Verdicts = ReadonlyMap<Detection, "hit" | "unknown">;

export const NO_VERDICTS: Verdicts = new Map();

/** What is said of one event. */
export interface Judgement {
  readonly verdicts: Verdicts;
  /** Whether the memory learns from it. */
  readonly isFed: boolean;
}

/** The event that was judged last of those of which the same is asked. */
export interface Judged {
  readonly evaluated: Evaluated;
  readonly judgement: Judgement;
}

const NOTHING: Judgement = { verdicts: NO_VERDICTS, isFed: false };
const ONLY_FED: Judgement = { verdicts: NO_VERDICTS, isFed: true };

/** Evaluates the candidates of an event; where it comes out as the one before of which the same was asked, it is judged as that. */
export function judge(engine: DetectionEngine, event: AuditEvent, of: Asked, memory: ClusterMemory): Judgement {
  const { asked, left, judged } = of;
  const evaluated = engine.evaluateLike(event, asked, memory, left, judged?.evaluated);
  if (evaluated === judged?.evaluated) {
    return judged.judgement;
  }
  const judgement = judgementOf(engine, evaluated.verdicts);
  of.judged = { evaluated, judgement };
  return judgement;
}

function judgementOf({ feeders }: DetectionEngine, all: readonly Verdict[]): Judgement {
  let verdicts: Map<Detection, "hit" | "unknown"> | undefined;
  let isFed = false;
  for (const { detection, outcome } of all) {
    if (feeders.has(detection)) {
      isFed ||= outcome === "hit";
    } else {
      verdicts ??= new Map();
      verdicts.set(detection, outcome);
    }
  }
  return verdicts === undefined ? (isFed ? ONLY_FED : NOTHING) : { verdicts, isFed };
}
