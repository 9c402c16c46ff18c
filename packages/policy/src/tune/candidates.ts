import { attributesOfScan, readEventLines } from "@auditsieve/audit";
import type { EventLines, EventScan, RequestAttributes } from "@auditsieve/audit";
import { DecisionMemo, KEY_FIELDS } from "../stream-policy/decision-memo.ts";
import { evaluate } from "../evaluate.ts";
import type { Policy } from "../policy.ts";
import { predictedBytes, predictEvent } from "../simulate/predict-event.ts";
import type { EventPrediction } from "../simulate/predict-event.ts";
import type { Volume } from "../simulate/volume.ts";
import { loopIdentity } from "./control-loops.ts";
import type { LoopIdentity } from "./control-loops.ts";
import { noiseKindOf } from "./noise-kinds.ts";
import type { NoiseKind } from "./noise-kinds.ts";

/** What a control loop does again and again: one identity, one verb, one resource or path, one rule that writes it now. */
export interface Candidate {
  readonly identity: LoopIdentity;
  readonly verb: string;
  /** Such a request. */
  readonly request: RequestAttributes;
  /** Undefined: no kind of talk that control loops are known for. */
  readonly kind: NoiseKind | undefined;
  /** Rule of the base policy that decides. */
  readonly rule: number;
  /** What the base policy writes of it. */
  readonly volume: Volume;
  /** Events of it that were refused (401, 403) or impersonated somebody: not what a control loop does. */
  readonly odd: number;
}

/** What a log holds, as the base policy would write it. */
export interface CandidateCounts {
  readonly candidates: readonly Candidate[];
  readonly lines: number;
  readonly undecidable: number;
  /** All that the base policy writes of the log. */
  readonly base: Volume;
}

interface Tally {
  readonly candidate: Omit<Candidate, "volume" | "odd">;
  events: number;
  bytes: number;
  odd: number;
}

interface Known {
  readonly prediction: EventPrediction;
  readonly tally: Tally | undefined;
}

/** Identities are few, but a log may hold any number of paths. */
const MAX_TALLIES = 20_000;

/**
 * Counts what known control loops do in a log and what a base policy writes of it. Streams; memory is bounded whatever the log holds.
 */
export class CandidateCounter {
  readonly #base: Policy;
  readonly #named: ReadonlySet<string>;
  readonly #memo = new DecisionMemo<Known>(KEY_FIELDS);
  readonly #tallies = new Map<string, Tally>();
  readonly #log: EventLines;
  #lines = 0;
  #undecidable = 0;
  #events = 0;
  #bytes = 0;

  constructor(base: Policy, named: Iterable<string>) {
    this.#base = base;
    this.#named = new Set(named);
    const undecidable = (): void => {
      this.#lines++;
      this.#undecidable++;
    };
    this.#log = readEventLines({
      event: ({ terminated }) => this.#event(this.#log.scan, terminated),
      undecidable,
      oversize: undecidable,
    });
  }

  write(chunk: Buffer): void {
    this.#log.write(chunk);
  }

  /** The log has ended; the next {@link write} begins another one. */
  end(): void {
    this.#log.end();
    this.#log.reset();
  }

  /** The candidates, most bytes first. */
  result(): CandidateCounts {
    return {
      candidates: [...this.#tallies.values()]
        .map(({ candidate, events, bytes, odd }) => ({ ...candidate, volume: { events, bytes }, odd }))
        .sort((a, b) => b.volume.bytes - a.volume.bytes),
      lines: this.#lines,
      undecidable: this.#undecidable,
      base: { events: this.#events, bytes: this.#bytes },
    };
  }

  #event(scan: EventScan, terminated: boolean): void {
    this.#lines++;
    const { prediction, tally } = this.#known(scan);
    if (tally !== undefined && (scan.code === 401 || scan.code === 403 || scan.has("impersonatedUser"))) {
      tally.odd++;
    }
    if (prediction.level === undefined) {
      return;
    }
    const written = predictedBytes(scan, prediction) + (terminated ? 1 : 0);
    this.#events++;
    this.#bytes += written;
    if (tally !== undefined) {
      tally.events++;
      tally.bytes += written;
    }
  }

  #known(scan: EventScan): Known {
    const remembered = this.#memo.get(scan);
    if (remembered !== undefined) {
      return remembered;
    }
    const request = attributesOfScan(scan);
    const decision = evaluate(this.#base, request);
    const known = { prediction: predictEvent(scan, decision, request), tally: this.#tallyOf(request, decision.rule) };
    this.#memo.set(known);
    return known;
  }

  #tallyOf(request: RequestAttributes, rule: number | null): Tally | undefined {
    const identity = loopIdentity(request.user, this.#named);
    if (identity === undefined || rule === null || this.#base.rules[rule]?.level === "None") {
      return undefined;
    }
    const { verb, apiGroup, resource, subresource, isResourceRequest, path } = request;
    const what = isResourceRequest ? `${apiGroup} ${resource}/${subresource}` : path.slice(0, MAX_PATH);
    const key = `${identity.name}\n${verb}\n${what}\n${rule}`;
    const tally = this.#tallies.get(key);
    if (tally !== undefined || this.#tallies.size >= MAX_TALLIES) {
      return tally;
    }
    const made = {
      candidate: { identity, verb, request, kind: noiseKindOf(request, identity), rule },
      events: 0,
      bytes: 0,
      odd: 0,
    };
    this.#tallies.set(key, made);
    return made;
  }
}

const MAX_PATH = 200;
