import type { Finding, QuietAnswer } from "@auditsieve/detect";
import { encodeInputState, encodeMark, encodeState } from "../state/detection-state.ts";
import type { Mark, RememberedState } from "../state/detection-state.ts";
import type { PackedText } from "../state/state-packing.ts";
import type { EvidenceEvent } from "../lines/evidence-event.ts";
import { LineDetections } from "./line-detections.ts";
import type { AskedLine, KnownLine, LineDetectionsOptions } from "./line-detections.ts";
import type { InputStates } from "../source.ts";

export interface InputDetectionsOptions extends Omit<LineDetectionsOptions, "snapshot" | "documents" | "beside"> {
  /** What was remembered where reading begins. */
  readonly remembered?: RememberedState | undefined;
  /** Whether lines come again that `remembered` counts already. */
  readonly skipsRemembered: boolean;
  /** Where inputs are remembered apart. */
  readonly states?: InputStates | undefined;
}

/** Counts of what was found, as a pipeline tells them. */
export interface DetectionCounts {
  readonly findings: number;
  readonly undecided: Readonly<Record<string, number>>;
  readonly suppressed: Readonly<Record<string, number>>;
  /** What was forgotten since the start to stay within bounds, by what it is. */
  readonly forgotten: Readonly<Record<string, number>>;
}

/** The detections of one input, or of all. */
interface Scope {
  readonly detections: LineDetections;
  /** Time of its newest event. */
  newest: string | undefined;
  /** Lines of it up to here are in what was remembered at the beginning. */
  readonly rememberedEnd: number;
  kept?: { readonly changes: number; readonly packed: Buffer | "" };
}

const NO_FINDINGS: readonly Finding[] = [];
/** Where there are no detections. */
export const NOTHING_COUNTED: DetectionCounts = { findings: 0, undecided: {}, suppressed: {}, forgotten: {} };
/** By which the clock of an input is behind that of the source: what it says may still be on its way. */
const STRAGGLING_MS = 60_000;

/**
 * The detections beside the lines of a source: one memory for all its inputs; or, where the source keeps what each input remembers,
 * one for each, so that an input can be gone on with elsewhere. Those share only what they know of pods, grants and credentials.
 */
export class InputDetections {
  readonly #options: Omit<InputDetectionsOptions, "remembered">;
  /** How far each input had been read where what was remembered begins. */
  readonly #rememberedEnds: Readonly<Record<string, number>>;
  /** Of all inputs; where inputs are remembered apart, what they share and what a new one begins with. */
  readonly #whole: Scope;
  readonly #scopes = new Map<string, Scope>();
  /** Of inputs that have ended. */
  #ended: DetectionCounts = NOTHING_COUNTED;
  #input = "";
  #scope: Scope;
  #rememberedEnd = 0;
  #endedChanges = 0;
  #remembers: { readonly changes: number } = { changes: -1 };
  #shared: { readonly of: unknown; readonly state: PackedText | "" } | undefined;

  constructor({ remembered, ...options }: InputDetectionsOptions) {
    this.#options = options;
    const { detections: snapshot, documents, read = {} } = remembered ?? {};
    this.#rememberedEnds = read;
    const detections = new LineDetections({ ...options, snapshot, documents });
    this.#whole = { detections, newest: undefined, rememberedEnd: 0 };
    this.#scope = this.#whole;
  }

  /** The lines that follow are of `input`. */
  begin(input: string): void {
    const { states, skipsRemembered } = this.#options;
    this.#input = input;
    if (states === undefined) {
      this.#rememberedEnd = skipsRemembered ? (this.#rememberedEnds[input] ?? 0) : 0;
      return;
    }
    const scope = this.#scopes.get(input) ?? this.#open(states, input);
    this.#scopes.set(input, scope);
    this.#scope = scope;
    this.#rememberedEnd = scope.rememberedEnd;
  }

  /** The input in hand has ended. */
  finish(): void {
    const scope = this.#scopes.get(this.#input);
    if (scope !== undefined) {
      this.#ended = sum([this.#ended, countsOf(scope)]);
      this.#endedChanges += scope.detections.changes + 1;
      this.#scopes.delete(this.#input);
      this.#scope = this.#whole;
    }
  }

  /** Whether the line that ends at `end` of the input in hand is in what an earlier run remembered. */
  isRemembered(end: number): boolean {
    return end <= this.#rememberedEnd;
  }

  /** Asks about a line that ends at `end` of the input in hand; nothing where it is remembered already. */
  detect(line: AskedLine, end: number, known?: KnownLine): readonly Finding[] {
    const { detections } = this.#scope;
    if (this.isRemembered(end)) {
      detections.leave();
      return NO_FINDINGS;
    }
    return detections.detect(line, known);
  }

  /** The line that was asked about last, where a later finding may rest on it. */
  get held(): EvidenceEvent | undefined {
    return this.#scope.detections.held;
  }

  /** As {@link LineDetections.answer}, for the lines of all inputs: undefined where inputs are remembered apart. */
  answer(line: AskedLine): QuietAnswer | "none" | undefined {
    return this.#options.states === undefined ? this.#whole.detections.answer(line) : undefined;
  }

  /** Grows whenever such an answer has ended. */
  get epoch(): number {
    return this.#whole.detections.epoch;
  }

  /** Time of the last event of the input in hand. */
  note(newest: string): void {
    this.#scope.newest = newest;
  }

  /**
   * Tells the time although no line says it: by the source's newest event, or by the clock where `isLive`. An input's own time
   * may be far behind that while it is caught up with.
   */
  advance(timestamp: string, isLive: boolean): readonly Finding[] {
    if (this.#options.states === undefined) {
      return this.#whole.detections.advance(timestamp);
    }
    const passed = new Date(Date.parse(timestamp) - STRAGGLING_MS).toISOString();
    return [...this.#scopes.values()].flatMap(({ detections, newest }) => {
      const now = isLive && (newest === undefined || passed > newest) ? passed : newest;
      return now === undefined ? [] : detections.advance(now);
    });
  }

  /** No line follows: what waits comes out. */
  flush(): readonly Finding[] {
    return this.#all().flatMap(({ detections }) => detections.flush());
  }

  counts(): DetectionCounts {
    return this.#options.states === undefined
      ? countsOf(this.#whole)
      : sum([this.#ended, countsOf(this.#whole), ...this.#all().map(countsOf)]);
  }

  /** Stands for all that is remembered; the same value as before when nothing has changed. */
  get remembers(): unknown {
    const changes = this.#all().reduce((total, { detections }) => total + detections.changes, this.#endedChanges);
    this.#remembers = this.#remembers.changes === changes ? this.#remembers : { changes };
    return this.#remembers;
  }

  /** What is remembered, to be kept; `read` says how far each input was. Undefined when it is too large. */
  encode(read: Readonly<Record<string, number>>): Mark | undefined {
    const { detections } = this.#whole;
    if (this.#options.states === undefined) {
      const documents = new Map<string, string>();
      return encodeMark({ detections: detections.snapshot(documents), read, documents });
    }
    const inputs = [...this.#scopes].map(([input, scope]) => {
      const { changes } = scope.detections;
      const packed =
        scope.kept?.changes === changes
          ? scope.kept.packed
          : this.#kept(encodeInputState(scope.detections.snapshot()), scope.kept?.packed);
      scope.kept = { changes, packed };
      return [input, { packed, end: read[input] ?? 0 }] as const;
    });
    const { remembers } = this;
    const known = this.#shared;
    const state =
      known !== undefined && known.of === remembers
        ? known.state
        : this.#kept(encodeState({ detections: detections.learnedParts(), read: {} }), known?.state);
    this.#shared = { of: remembers, state };
    return { shared: state, inputs: new Map(inputs) };
  }

  /** "" where it is too large; told once. */
  #kept<T>(encoded: T | undefined, before: T | "" | undefined): T | "" {
    if (encoded === undefined && before !== "") {
      this.#options.onRefused?.("it is too large now");
    }
    return encoded ?? "";
  }

  #all(): readonly Scope[] {
    return this.#options.states === undefined ? [this.#whole] : [...this.#scopes.values()];
  }

  #open(states: InputStates, input: string): Scope {
    const loaded = states.loaded(input);
    const beside = this.#whole.detections;
    const snapshot = loaded === undefined ? beside.learned() : loaded.snapshot;
    const detections = new LineDetections({ ...this.#options, snapshot, beside });
    return { detections, newest: undefined, rememberedEnd: loaded?.end ?? 0 };
  }
}

function countsOf({ detections }: Scope): DetectionCounts {
  const { findings, undecided, suppressed, evicted, late, correlationEvicted, memoryEvicted } = detections.counts();
  const forgotten = { requests: evicted, late, "correlation-hits": correlationEvicted, memory: memoryEvicted };
  return { findings, undecided, suppressed, forgotten };
}

function sum(all: readonly DetectionCounts[]): DetectionCounts {
  return {
    findings: all.reduce((total, { findings }) => total + findings, 0),
    undecided: added(all.map(({ undecided }) => undecided)),
    suppressed: added(all.map(({ suppressed }) => suppressed)),
    forgotten: added(all.map(({ forgotten }) => forgotten)),
  };
}

function added(all: readonly Readonly<Record<string, number>>[]): Readonly<Record<string, number>> {
  const totals = new Map<string, number>();
  for (const [id, count] of all.flatMap((counts) => Object.entries(counts))) {
    totals.set(id, (totals.get(id) ?? 0) + count);
  }
  return Object.fromEntries(totals);
}
