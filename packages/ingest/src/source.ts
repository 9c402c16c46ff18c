import type { JsonValue } from "@auditsieve/audit";
import type { InputState } from "./state/detection-state.ts";

/**
 * A run of bytes out of one input, in order and without holes: `offset` is where `bytes[0]` stands in the
 * (decompressed) input.
 */
export interface SourceChunk {
  /** Which input of the source: a file keeps its name here even after it was rotated away. Never chosen by log content. */
  readonly input: string;
  /** Bytes before `bytes[0]` in that input. */
  readonly offset: number;
  /** Valid until the next chunk is asked for: who keeps bytes longer copies them. */
  readonly bytes: Buffer;
  /** No byte of this input will follow: an unterminated rest is a line of its own. */
  readonly isLast: boolean;
}

/** Where a source keeps, together with its position, what the detections of each of its inputs remember. */
export interface InputStates {
  /** What is remembered where reading of the input began, and behind which line; asked at its first line. */
  loaded(input: string): { readonly snapshot: JsonValue; readonly end: number } | undefined;
  /** Makes durable what was remembered at a place, before that is acknowledged. What is not of now any more is left out. */
  write(states: ReadonlyMap<string, InputState>): Promise<void>;
}

/** Delivers and acknowledges all that was read so far. Resolves when that is done, or at the end of the signal; never rejects. */
export type Settle = (limit: AbortSignal) => Promise<void>;

/**
 * Where audit log bytes come from.
 *
 * Contract: chunks of one input arrive in offset order; after a restart the first chunk starts at the last
 * acknowledged offset. `ack` says that every byte of `input` before `offset` is delivered, dropped by a rule,
 * dead-lettered or quarantined; acks come in the order of the chunks, so that one of an input also stands for all inputs
 * before it; when the promise resolves the checkpoint is durable.
 * The iteration ends when the input ends or `signal` aborts. `name` is stable: metrics and checkpoints use it.
 */
export interface Source {
  readonly name: string;
  /** Whether its position is not in the checkpoint: after a crash it may be behind what the checkpoint holds. */
  readonly isApart?: boolean;
  /** Set where its inputs are remembered apart: when an input ends, another reader of it goes on with what is open. */
  readonly states?: InputStates | undefined;
  /** Whether it has waited for more since it was opened: then all is read that was there at the start. Undefined where it does not know. */
  readonly hasCaughtUp?: boolean | undefined;
  /** Of a source that others send to: whether it can take what they send now. */
  readonly hasRoom?: boolean | undefined;
  /** What the rotation of its files does to those that are not read yet. */
  rotation?(): RotationStatus;
  /** How often it was asked for something, by what became of that: a bounded set, which metrics use as labels. */
  requests?(): Readonly<Record<string, number>>;
  /** `settle` is what it asks for before its inputs go to another reader, which would get again what is not acknowledged. */
  open(signal: AbortSignal, settle?: Settle): AsyncIterable<SourceChunk>;
  ack(input: string, offset: number): Promise<void>;
  close(): Promise<void>;
}

/** How a source stands to the rotation of its files. */
export interface RotationStatus {
  /** Seconds until the oldest rotated file that is not read to its end will be deleted; undefined where none is, or nothing is known of it. */
  readonly deadlineSeconds: number | undefined;
  /** Rotated files that are not read to their end. */
  readonly unreadFiles: number;
  /** Bytes of files that were gone before they were read, over all runs and as far as known. */
  readonly lostBytes: number;
  readonly lostFiles: number;
}

/** Something an operator must hear of; the pipeline goes on. `kind` is a metric label, `message` holds no log content. */
export interface SourceAlarm {
  readonly kind:
    | "truncated"
    | "gap"
    | "outrun"
    | "damaged-archive"
    | "unreadable"
    | "spool-full"
    | "refused"
    | "state-refused";
  readonly message: string;
  /** Set where the same was told a moment ago: it is counted only. */
  readonly isQuiet?: true;
}
