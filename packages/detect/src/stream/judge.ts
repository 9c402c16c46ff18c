import type { AuditEvent } from "@auditsieve/audit";
import type { LeftConditions } from "../plan/body-verdicts.ts";
import type { Detection } from "../definition/detection.ts";
import type { DetectionEngine, Evaluated, Verdict } from "../detection-engine.ts";
import type { ClusterMemory } from "../memory/cluster-memory.ts";
import type { OpenRequest, Standing } from "./open-request.ts";

/** How detections come out that an event hits, or about which it does not say enough. */
export type Verdicts = readonly Verdict[];

export const NO_VERDICTS: Verdicts = [];

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

/** What is asked of events with alike heads. */
export interface Asked {
  /** The candidates, at least one. */
  readonly asked: readonly Detection[];
  /** What such heads leave of their conditions. */
  readonly left: LeftConditions | undefined;
  /** Of whoever judges them. */
  judged: Judged | undefined;
  /** Whether the condition of one asks the memory; found when it is first asked. */
  readsMemory?: boolean;
  /** How detections stand with requests for which all of it is settled: the one that was met last. */
  settledIn?: ReadonlyMap<Detection, Standing>;
}

export const NOTHING: Judgement = { verdicts: NO_VERDICTS, isFed: false };
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

/** Whether all that is asked is settled for the request already and leaves no trace in the memory, so that nothing comes of asking it. */
export function isSettledFor(request: OpenRequest | undefined, of: Asked, engine: DetectionEngine): boolean {
  if (request === undefined || !request.isShared) {
    return false;
  }
  const { standings } = request;
  if (of.settledIn === standings) {
    return true;
  }
  of.readsMemory ??= readMemory(of.asked, engine);
  if (of.readsMemory) {
    return false;
  }
  // Nothing is made for an event of which nothing comes.
  for (let i = 0; i < of.asked.length; i++) {
    if (!standings.has(of.asked[i] as Detection)) {
      return false;
    }
  }
  of.settledIn = standings;
  return true;
}

function readMemory(asked: readonly Detection[], engine: DetectionEngine): boolean {
  return asked.some((one) => engine.readsMemory(one));
}

function judgementOf({ feeders }: DetectionEngine, all: readonly Verdict[]): Judgement {
  const isFeeder = ({ detection }: Verdict): boolean => feeders.has(detection);
  if (!all.some(isFeeder)) {
    return all.length === 0 ? NOTHING : { verdicts: all, isFed: false };
  }
  const verdicts = all.filter((one) => !isFeeder(one));
  const isFed = all.some((one) => isFeeder(one) && one.outcome === "hit");
  return verdicts.length === 0 && isFed ? ONLY_FED : { verdicts, isFed };
}
