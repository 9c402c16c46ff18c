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
  open(signal: AbortSignal): AsyncIterable<SourceChunk>;
  ack(input: string, offset: number): Promise<void>;
  close(): Promise<void>;
}

/** Something an operator must hear of; the pipeline goes on. `kind` is a metric label, `message` holds no log content. */
export interface SourceAlarm {
  readonly kind: "truncated" | "gap" | "damaged-archive" | "unreadable" | "spool-full" | "refused";
  readonly message: string;
}
