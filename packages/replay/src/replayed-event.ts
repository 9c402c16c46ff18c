import type { AuditEvent, EventScan, Redactor } from "@auditsieve/audit";
import { ShownEvent } from "@auditsieve/detect";
import type { Finding } from "@auditsieve/detect";
import type { HeadEntry, HeadMemo } from "@auditsieve/ingest/findings";

/** One event on its way through a replay. Valid during the call that hands it over: `scan` and `bytes` are used again. */
export interface ReplayedEvent {
  /** The fields of the event, found but not parsed: ask it before asking for more. */
  readonly scan: EventScan;
  /**
   * The same for all events whose heads are alike byte by byte but for the URI and the object's name; undefined where the head is too
   * long to be remembered. What is kept in it ({@link HEAD_PLACE}) spares reading the head again, and may be gone at any time.
   */
  readonly head: HeadEntry | undefined;
  /** Name of the log that the line stands in. */
  readonly log: string;
  /** Bytes before the line in that (decompressed) log; of one out of an envelope, before its record. */
  readonly offset: number;
  /** It stands whole in a line that is none. */
  readonly isSalvaged: boolean;
  /** The event as the log has it, secrets and all: for deciding, never for showing. Parsed once, when first asked for. */
  original(): AuditEvent;
  /** The event as it may be shown, secrets replaced. Made once, when first asked for. */
  redacted(): AuditEvent;
  /** The same as the bytes of its line; every byte that is no secret is as it was. Outlives the call. */
  redactedLine(): Buffer;
  /** The bytes of the line as the log has it, secrets and all. Outlives the call. */
  line(): Buffer;
  /** The redacted event for findings. */
  shown(): ShownEvent;
  /** Gives that also after the call, without doing the work before it is asked for. */
  keep(): () => ShownEvent;
}

/** Places in {@link HeadEntry.kept}. */
export const HEAD_PLACE = { coverage: 0, facts: 1, quiet: 2 } as const;

/**
 * Looks on while logs are replayed.
 *
 * Contract: events come in the order of their stageTimestamp over all logs, each once though it stands in several logs
 * byte for byte. A finding comes after the event that completed it; findings are not in order of time. When a log turns out to be
 * less in order than an apiserver writes, the replay begins anew with the logs sorted: `begin` is called again, and what was seen
 * before it must be forgotten.
 */
export interface ReplayVisitor {
  /** Before the first event. */
  begin?(): void;
  event?(event: ReplayedEvent): void;
  finding?(finding: Finding): void;
  /** All that was seen so far, as data that `v8.serialize` takes. A replay that can be gone on with needs it of every visitor. */
  snapshot?(): unknown;
  /** After `begin`: goes on from a snapshot. */
  restore?(snapshot: unknown): void;
  /** Behind the last event; findings that waited for a later event come after it. */
  end?(): void;
}

/** The line that `scan` holds, as visitors get it; one instance is used for every line. */
export class EventInHand implements ReplayedEvent {
  readonly scan: EventScan;
  readonly #redactor: Redactor;
  readonly #memo: HeadMemo | undefined;
  log = "";
  offset = 0;
  isSalvaged = false;
  #line: Buffer | undefined;
  #original: AuditEvent | undefined;
  #redacted: AuditEvent | undefined;
  #redactedLine: Buffer | undefined;

  /** Without a memo no head is remembered. */
  constructor(scan: EventScan, redactor: Redactor, memo?: HeadMemo) {
    this.scan = scan;
    this.#redactor = redactor;
    this.#memo = memo;
  }

  get head(): HeadEntry | undefined {
    return this.#memo?.unnamed;
  }

  /** `scan` has gone on to a line that stands there. */
  next(log: string, offset: number, isSalvaged = false): void {
    this.log = log;
    this.offset = offset;
    this.isSalvaged = isSalvaged;
    this.#line = undefined;
    this.#original = undefined;
    this.#redacted = undefined;
    this.#redactedLine = undefined;
  }

  line(): Buffer {
    return (this.#line ??= Buffer.from(this.scan.bytes.subarray(this.scan.start, this.scan.end)));
  }

  redactedLine(): Buffer {
    return (this.#redactedLine ??= this.#redactor.redactScanned(this.scan, this.line()));
  }

  shown(): ShownEvent {
    return ShownEvent.of(this.redacted(), this.redactedLine().toString("utf8"));
  }

  keep(): () => ShownEvent {
    const redactor = this.#redactor;
    // What was parsed is not held: it is several times as large as the line, and what is kept waits for long. Nor is a piece of the memory
    // that short buffers share, which would be held as a whole.
    const line = this.line().toString("latin1");
    return () => {
      const redacted = redactor.redactLine(Buffer.from(line, "latin1"));
      return ShownEvent.of(parse(redacted), redacted.toString("utf8"));
    };
  }

  original(): AuditEvent {
    return (this.#original ??= parse(this.line()));
  }

  redacted(): AuditEvent {
    if (this.#redacted === undefined) {
      const redacted = this.redactedLine();
      this.#redacted = redacted === this.#line ? this.original() : parse(redacted);
    }
    return this.#redacted;
  }
}

function parse(line: Buffer): AuditEvent {
  return JSON.parse(line.toString("utf8")) as AuditEvent;
}
