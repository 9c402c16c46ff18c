import {
  attributesOfScan,
  beginsDocument,
  EventScan,
  LineFramer,
  LongDocument,
  unwrapDocument,
  unwrapLine,
} from "@auditsieve/audit";
import type { RequestAttributes, UnwrappedLine } from "@auditsieve/audit";
import { DecisionMemo, KEY_FIELDS } from "../decision-memo.ts";
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
  readonly #scan = new EventScan();
  readonly #memo = new DecisionMemo<Known>(KEY_FIELDS);
  readonly #tallies = new Map<string, Tally>();
  readonly #framer: LineFramer;
  #lines = 0;
  #undecidable = 0;
  #events = 0;
  #bytes = 0;

  constructor(base: Policy, named: Iterable<string>) {
    this.#base = base;
    this.#named = new Set(named);
    this.#framer = new LineFramer({
      line: (bytes, start, end, _offset, terminated, mayBegin) => this.#line(bytes, start, end, terminated, mayBegin),
      document: (bytes, start, end) => this.#unwrapped(unwrapDocument(bytes, start, end)),
      longDocument: (offset) =>
        new LongDocument(offset, {
          line: (bytes, start, end) => void this.#line(bytes, start, end, true, false),
          oversize: () => this.#oversize(),
          end: () => undefined,
        }),
      oversize: () => this.#oversize(),
    });
  }

  write(chunk: Buffer): void {
    this.#framer.write(chunk);
  }

  /** The log has ended; the next {@link write} begins another one. */
  end(): void {
    this.#framer.end();
    this.#framer.reset(0);
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

  #line(bytes: Buffer, start: number, end: number, terminated: boolean, mayBegin: boolean): boolean {
    const isEvent = this.#scan.scan(bytes, start, end);
    if (!isEvent && mayBegin && beginsDocument(this.#scan)) {
      return true;
    }
    if (isEvent || !this.#unwrapped(unwrapLine(this.#scan))) {
      this.#take(isEvent, terminated);
    }
    return false;
  }

  #oversize(): void {
    this.#lines++;
    this.#undecidable++;
  }

  #unwrapped(lines: readonly UnwrappedLine[] | undefined): boolean {
    for (const line of lines ?? []) {
      this.#take(this.#scan.scan(line.bytes, line.start, line.end), true);
    }
    return lines !== undefined;
  }

  /** Takes the line that the scan holds. */
  #take(isEvent: boolean, terminated: boolean): void {
    const scan = this.#scan;
    this.#lines++;
    if (!isEvent) {
      this.#undecidable++;
      return;
    }
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
