import { setTimeout as delay } from "node:timers/promises";
import { EnvelopeReader } from "@auditsieve/audit";
import type { IngestError } from "../errors.ts";
import type { Source, SourceAlarm, SourceChunk } from "../source.ts";
import { backOff, DEFAULT_BACKOFF } from "../sinks/backoff.ts";
import type { Backoff } from "../sinks/backoff.ts";
import { AckOrder } from "./ack-order.ts";
import type { AssignedPartition, KafkaBatch, KafkaCommit, KafkaConsumer } from "./kafka-client.ts";
import { encodeNote, PartitionPosition } from "./kafka-position.ts";

export interface KafkaSourceOptions {
  readonly name: string;
  readonly topic: string;
  /** A new member of the consumer group. */
  readonly createConsumer: () => Promise<KafkaConsumer>;
  readonly onAlarm?: (alarm: SourceAlarm) => void;
  /** Makes durable what belongs to a position, before that is committed. */
  readonly save?: () => Promise<void>;
  /** Between tries to commit what no acknowledgement follows. */
  readonly backoff?: Backoff;
}

/** A group that cannot be reached does not hold the end back for longer. */
const LAST_COMMIT_MS = 5000;
const NEWLINE = 10;
const LINE_END = Buffer.from("\n");
const PLAIN_BEGINNINGS = ['{"kind":"Event"', '{"level":"'].map((text) => Buffer.from(text));

/**
 * Reads audit events as a member of a consumer group: a record is an event, several lines, or a document in any known envelope.
 * Each partition is an input of its own; its offsets count the bytes of its lines since the group first read it, and go
 * along with the committed offset as its note, so that the next owner of the partition goes on counting. An offset is
 * committed only after every sink has all records before it.
 *
 * @example
 * const source = createKafkaSource({ name: "kafka", topic: "audit", createConsumer });
 */
export function createKafkaSource(options: KafkaSourceOptions): Source {
  return new KafkaSource(options);
}

interface Waiting {
  readonly chunk: SourceChunk;
  readonly taken: () => void;
}

class KafkaSource implements Source {
  readonly name: string;
  readonly isApart = true;
  readonly #options: KafkaSourceOptions;
  readonly #order = new AckOrder();
  /** Partitions of now, by number. */
  #partitions = new Map<number, PartitionPosition>();
  /** Partitions by the name of their input; of an earlier assignment too, as long as the name was not given again. */
  readonly #inputs = new Map<string, PartitionPosition>();
  readonly #waiting: Waiting[] = [];
  #consumer: KafkaConsumer | undefined;
  #failure: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;
  #isStopped = false;
  readonly #closing = new AbortController();
  #committing: Promise<void> = Promise.resolve();
  #isCatchingUp = false;

  constructor(options: KafkaSourceOptions) {
    this.name = options.name;
    this.#options = options;
  }

  async *open(signal: AbortSignal): AsyncGenerator<SourceChunk, void> {
    if (signal.aborted) {
      return;
    }
    const wake = (): void => this.#wake?.();
    signal.addEventListener("abort", wake);
    const consumer = await this.#options.createConsumer();
    this.#consumer = consumer;
    try {
      await consumer.start({
        assigned: (partitions) => this.#assigned(partitions),
        batch: (batch) => this.#batch(batch),
        failed: (error) => {
          this.#failure = { error };
          wake();
        },
      });
      while (!signal.aborted) {
        const waiting = this.#waiting.shift();
        if (waiting !== undefined) {
          yield waiting.chunk;
          waiting.taken();
        } else if (this.#failure !== undefined) {
          throw this.#failure.error;
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
    } finally {
      signal.removeEventListener("abort", wake);
      // It stays in the group until it is closed: what is under way is still to be committed.
      this.#isStopped = true;
      consumer.pause();
      this.#waiting.splice(0).forEach(({ taken }) => taken());
    }
  }

  async ack(input: string, offset: number): Promise<void> {
    await this.#options.save?.();
    for (const [one, end] of this.#order.take(input, offset)) {
      this.#inputs.get(one)?.acknowledge(end);
    }
    try {
      await this.#commit();
    } catch (error) {
      void this.#catchUp();
      throw error;
    }
  }

  async close(): Promise<void> {
    if (this.#hasDue()) {
      const late = new AbortController();
      await Promise.race([
        this.#commit().catch(() => undefined),
        delay(LAST_COMMIT_MS, undefined, { signal: late.signal }).catch(() => undefined),
      ]);
      late.abort();
    }
    this.#closing.abort();
    await this.#consumer?.close();
    this.#consumer = undefined;
  }

  /** One at a time. Of a partition that another member has now, nothing is committed: it reads these lines again. */
  #commit(): Promise<void> {
    const commit = this.#committing.catch(() => undefined).then(() => this.#commitDue());
    this.#committing = commit;
    return commit;
  }

  async #commitDue(): Promise<void> {
    if (!this.#hasDue()) {
      return;
    }
    let partitions = this.#partitions;
    let asked: readonly { readonly position: PartitionPosition; readonly next: bigint }[] = [];
    await this.#consumer?.commit((): readonly KafkaCommit[] => {
      partitions = this.#partitions;
      const due = [...partitions.values()].flatMap((position) => {
        const read = position.due();
        return read === undefined ? [] : [{ position, ...read }];
      });
      asked = due;
      return due.map(({ position: { partition, base }, next, bytes }) => ({
        partition,
        offset: next,
        note: encodeNote(base, bytes),
      }));
    });
    // A newer assignment has told what the group holds.
    if (partitions === this.#partitions) {
      asked.forEach(({ position, next }) => position.committed(next));
    }
  }

  #hasDue(): boolean {
    return [...this.#partitions.values()].some((position) => position.due() !== undefined);
  }

  /** Commits what is due although no acknowledgement may follow, however many tries that takes. */
  async #catchUp(): Promise<void> {
    if (this.#isCatchingUp) {
      return;
    }
    this.#isCatchingUp = true;
    const { signal } = this.#closing;
    for (let tries = 0; this.#hasDue() && !signal.aborted; tries++) {
      await this.#commit().catch(() =>
        backOff(this.#options.backoff ?? DEFAULT_BACKOFF, tries, signal).catch(() => undefined),
      );
    }
    this.#isCatchingUp = false;
  }

  #assigned(partitions: readonly AssignedPartition[]): void {
    this.#partitions = new Map();
    for (const assigned of partitions) {
      const begun = new PartitionPosition(this.#options.topic, assigned);
      const known = this.#inputs.get(begun.input);
      // What this member has read is under way here: it goes on behind that, though records come again from what is committed.
      const position = known !== undefined && known.next >= begun.next ? known : begun;
      if (known !== undefined && position !== known) {
        // Another member has read on from there meanwhile.
        this.#push({ input: known.input, offset: known.bytes, bytes: Buffer.alloc(0), isLast: true }, () => undefined);
      }
      position.committed(begun.next);
      this.#partitions.set(assigned.partition, position);
      this.#inputs.set(position.input, position);
      if (begun.isBehind) {
        this.#options.onAlarm?.({
          kind: "gap",
          message: `Records ${assigned.committed?.offset} to ${assigned.earliest - 1n} of ${this.#options.topic}/${assigned.partition} are gone before they were read: the topic keeps too little (retention.ms, retention.bytes)`,
        });
      }
    }
    // What was acknowledged while another member had the partition, or could not be committed.
    void this.#catchUp();
  }

  async #batch({ partition, records }: KafkaBatch): Promise<void> {
    const position = this.#partitions.get(partition);
    const fresh = records.filter(({ offset }) => position?.hasRead(offset) === false);
    if (position === undefined || this.#isStopped || fresh.length === 0) {
      return;
    }
    const offset = position.bytes;
    const parts: Buffer[] = [];
    for (const { offset: at, value } of fresh) {
      const lines = value === undefined ? [] : linesOf(value, (error) => this.#unclear(partition, at, error));
      parts.push(...lines);
      position.add(
        at,
        lines.reduce((sum, { length }) => sum + length, 0),
      );
    }
    const bytes = Buffer.concat(parts);
    this.#order.add(position.input, position.bytes);
    await new Promise<void>((resolve) => this.#push({ input: position.input, offset, bytes, isLast: false }, resolve));
  }

  #push(chunk: SourceChunk, taken: () => void): void {
    this.#waiting.push({ chunk, taken });
    this.#wake?.();
  }

  #unclear(partition: number, offset: bigint, message: string): void {
    this.#options.onAlarm?.({
      kind: "unreadable",
      message: `Record ${offset} of ${this.#options.topic}/${partition} is no whole document: ${message}`,
    });
  }
}

/** The canonical lines of a record, each with its newline. */
function linesOf(value: Buffer, onProblem: (message: IngestError["message"]) => void): readonly Buffer[] {
  if (value.length === 0) {
    return [];
  }
  if (PLAIN_BEGINNINGS.some((beginning) => value.subarray(0, beginning.length).equals(beginning))) {
    return value.at(-1) === NEWLINE ? [value] : [value, LINE_END];
  }
  const reader = new EnvelopeReader();
  const written = Buffer.from(reader.write(value));
  const lines = Buffer.concat([written, reader.end()]);
  if (reader.problem !== undefined) {
    onProblem(reader.problem.message);
  }
  return lines.length === 0 || lines.at(-1) === NEWLINE ? [lines] : [lines, LINE_END];
}
