import { setTimeout as delay } from "node:timers/promises";
import { IngestError, reasonOf } from "../errors.ts";
import type { InputState } from "../state/detection-state.ts";
import type { InputStates, Settle, Source, SourceAlarm, SourceChunk } from "../source.ts";
import { backOff, DEFAULT_BACKOFF } from "../backoff.ts";
import type { Backoff } from "../backoff.ts";
import { AckOrder } from "./ack-order.ts";
import type { AssignedPartition, KafkaBatch, KafkaCommit, KafkaConsumer, StateTopic } from "../kafka/kafka-client.ts";
import { encodeNote, PartitionPosition } from "./kafka-position.ts";
import { recordLines } from "./kafka-record.ts";
import { PartitionStates } from "./partition-states.ts";
import type { LoadedState } from "./partition-states.ts";
import type { StateSeal } from "./state-seal.ts";

export interface KafkaSourceOptions {
  readonly name: string;
  readonly topic: string;
  /** A new member of the consumer group. */
  readonly createConsumer: () => Promise<KafkaConsumer>;
  readonly onAlarm?: (alarm: SourceAlarm) => void;
  /** Makes durable what belongs to a position, before that is committed. */
  readonly save?: () => Promise<void>;
  /** Told of each partition that this member is given, with the bytes at which it goes on. */
  readonly onBegun?: (input: string, bytes: number) => void;
  /** Between tries to commit what no acknowledgement follows, and to read what is kept of partitions. */
  readonly backoff?: Backoff;
  /** Where the next owner of a partition finds what the detections remember of it. Without, nothing moves with a partition. */
  readonly stateTopic?: { readonly topic: StateTopic; readonly seal: StateSeal; readonly prefix: string };
}

/** A group that cannot be reached does not hold the end back for longer. */
const LAST_COMMIT_MS = 5000;
/** Without what is remembered of its partitions a member reads nothing. */
const STATE_TRIES = 20;
const NOTHING = Buffer.alloc(0);

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
  /** What is remembered where its input begins. */
  readonly state?: LoadedState | undefined;
}

class KafkaSource implements Source {
  readonly name: string;
  readonly isApart = true;
  readonly states: InputStates | undefined;
  readonly #kept: PartitionStates | undefined;
  /** What is remembered where the chunk in hand begins its input. */
  readonly #loaded = new Map<string, LoadedState>();
  /** One rebalance after the other. */
  #assigning: Promise<void> = Promise.resolve();
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
    const { stateTopic, topic, onAlarm } = options;
    this.#kept =
      stateTopic &&
      new PartitionStates({
        ...stateTopic,
        onRefused: (partition, reason) => {
          const message = `What the detections remembered of ${topic}/${partition} is not taken over, and they begin anew: ${reason}`;
          onAlarm?.({ kind: "state-refused", message });
        },
      });
    this.states = this.#kept && {
      loaded: (input) => {
        const loaded = this.#loaded.get(input);
        this.#loaded.delete(input);
        return loaded;
      },
      write: (states) => this.#writeStates(states),
    };
  }

  async *open(signal: AbortSignal, settle?: Settle): AsyncGenerator<SourceChunk, void> {
    if (signal.aborted) {
      return;
    }
    const wake = (): void => this.#wake?.();
    signal.addEventListener("abort", wake);
    await this.#options.stateTopic?.topic.open();
    const consumer = await this.#options.createConsumer();
    this.#consumer = consumer;
    try {
      await consumer.start({
        assigned: (partitions) => this.#assigned(partitions),
        batch: (batch) => this.#batch(batch),
        handOver: async (limit) => settle?.(limit),
        failed: (error) => {
          this.#failure = { error };
          wake();
        },
      });
      while (!signal.aborted) {
        const waiting = this.#waiting.shift();
        if (waiting !== undefined) {
          if (waiting.state !== undefined) {
            this.#loaded.set(waiting.chunk.input, waiting.state);
          }
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
    await this.#options.stateTopic?.topic.close();
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
      for (const { position, next } of asked) {
        position.committed(next);
        this.#kept?.committed(position.partition);
      }
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

  /** Nothing but this changes what is remembered of partitions; it ends before a batch of them comes. */
  #assigned(partitions: readonly AssignedPartition[]): void | Promise<void> {
    const kept = this.#kept;
    if (kept === undefined) {
      this.#assign(partitions);
      return undefined;
    }
    this.#assigning = this.#assigning.catch(() => undefined).then(() => this.#takeOver(partitions, kept));
    return this.#assigning;
  }

  /** Reads what is kept of the partitions that are new here; those that another member has now are let go of. */
  async #takeOver(partitions: readonly AssignedPartition[], kept: PartitionStates): Promise<void> {
    const { topic, backoff = DEFAULT_BACKOFF } = this.#options;
    const before = this.#partitions;
    const taken = partitions.map((assigned) => {
      const { partition, input, base, next } = new PartitionPosition(topic, assigned);
      const known = before.get(partition);
      const isKept = known?.input === input && known.next >= next;
      return { partition, input, base, committed: assigned.committed?.offset, isKept };
    });
    const isKept = new Set(taken.flatMap((one) => (one.isKept ? [one.partition] : [])));
    const { signal } = this.#closing;
    let loaded: ReadonlyMap<number, LoadedState> = new Map();
    for (let tries = 1; !signal.aborted; tries++) {
      try {
        loaded = await kept.take(taken);
        break;
      } catch (error) {
        if (tries === STATE_TRIES) {
          throw error;
        }
        if (tries === 1) {
          const hint = error instanceof IngestError ? ` (${error.hint})` : "";
          this.#options.onAlarm?.({ kind: "unreadable", message: `${reasonOf(error)}${hint}; trying again` });
        }
        await backOff(backoff, tries, signal).catch(() => undefined);
      }
    }
    for (const position of before.values()) {
      if (!isKept.has(position.partition)) {
        this.#finish(position);
        this.#inputs.delete(position.input);
      }
      if (!taken.some(({ partition }) => partition === position.partition)) {
        kept.lose(position.partition);
      }
    }
    this.#assign(partitions);
    for (const [partition, position] of this.#partitions) {
      if (!isKept.has(partition)) {
        const state = loaded.get(partition);
        position.keep(state?.end ?? position.bytes);
        // What waits for time to pass comes out although no line follows.
        const { input, bytes: offset } = position;
        this.#waiting.push({ chunk: { input, offset, bytes: NOTHING, isLast: false }, taken: () => undefined, state });
        this.#wake?.();
      }
    }
  }

  async #writeStates(states: ReadonlyMap<string, InputState>): Promise<void> {
    const due = [...states].flatMap(([input, { packed, end }]) => {
      const position = this.#inputs.get(input);
      const next = position?.offsetAt(end);
      return position === undefined || next === undefined || this.#partitions.get(position.partition) !== position
        ? []
        : [{ position, partition: position.partition, base: position.base, next, end, packed }];
    });
    const written = new Set(await this.#kept?.write(due));
    for (const { position, partition, end } of due) {
      if (written.has(partition)) {
        position.keep(end);
      }
    }
  }

  /** No byte of its input follows here. */
  #finish({ input, bytes }: PartitionPosition): void {
    this.#push({ input, offset: bytes, bytes: NOTHING, isLast: true }, () => undefined);
  }

  #assign(partitions: readonly AssignedPartition[]): void {
    this.#partitions = new Map();
    for (const assigned of partitions) {
      const begun = new PartitionPosition(this.#options.topic, assigned);
      this.#options.onBegun?.(begun.input, begun.bytes);
      const known = this.#inputs.get(begun.input);
      // What this member has read is under way here: it goes on behind that, though records come again from what is committed.
      const position = known !== undefined && known.next >= begun.next ? known : begun;
      if (known !== undefined && position !== known) {
        // Another member has read on from there meanwhile.
        this.#finish(known);
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
      const lines = value === undefined ? [] : recordLines(value, (error) => this.#unclear(partition, at, error));
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
