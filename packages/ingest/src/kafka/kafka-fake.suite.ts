import type {
  AssignedPartition,
  KafkaCommit,
  KafkaConsumer,
  KafkaHandlers,
  KafkaMessage,
  KafkaProducer,
  SendResult,
} from "./kafka-client.ts";

interface Committed {
  readonly offset: bigint;
  readonly note: string;
}

/** A topic and one consumer group of it, in memory: partitions, commits, rebalances, as the interface promises them. */
export class FakeKafka {
  readonly partitions: { values: (Buffer | undefined)[]; earliest: number }[];
  readonly committed = new Map<number, Committed>();
  readonly sent: KafkaMessage[] = [];
  /** Messages together over this size are refused. */
  maxSendBytes = Infinity;
  failsToSend = 0;
  /** Commits are refused, as by a broker that is away. */
  isAway = false;
  /** How often a commit has set a partition back. */
  stepsBack = 0;
  #members: FakeConsumer[] = [];

  constructor(partitions = 1) {
    this.partitions = Array.from({ length: partitions }, () => ({ values: [], earliest: 0 }));
  }

  add(partition: number, ...values: readonly (string | Buffer | undefined)[]): void {
    this.partitions[partition]?.values.push(
      ...values.map((value) => (typeof value === "string" ? Buffer.from(value) : value)),
    );
    this.#members.forEach((member) => member.wake());
  }

  consumer(batchSize = 40): KafkaConsumer {
    return new FakeConsumer(this, batchSize);
  }

  producer(): KafkaProducer {
    return {
      send: async (messages): Promise<SendResult> => {
        await new Promise((resolve) => setImmediate(resolve));
        if (this.failsToSend > 0) {
          this.failsToSend--;
          throw new Error("broker is away");
        }
        if (messages.reduce((sum, { value }) => sum + value.length, 0) > this.maxSendBytes) {
          return "too-large";
        }
        this.sent.push(...messages.map((message) => ({ ...message, value: Buffer.from(message.value) })));
        return "stored";
      },
      close: () => Promise.resolve(),
    };
  }

  join(member: FakeConsumer): void {
    this.#members.push(member);
    this.balance();
  }

  leave(member: FakeConsumer): void {
    this.#members = this.#members.filter((one) => one !== member);
    this.balance();
  }

  /** The group gives a member up that has not been heard of; the member does not know. */
  evict(consumer: KafkaConsumer): void {
    this.#members = this.#members.filter((one) => one !== consumer);
    this.balance();
  }

  /** The member has learned that it was given up, and joins again. */
  rejoin(consumer: KafkaConsumer): void {
    if (consumer instanceof FakeConsumer && consumer.isReading && !this.#members.includes(consumer)) {
      this.join(consumer);
    }
  }

  has(consumer: KafkaConsumer): boolean {
    return this.#members.some((one) => one === consumer);
  }

  /** Gives the partitions out anew, in turn. */
  balance(): void {
    this.#members.forEach((member, i) => {
      const own = this.partitions.flatMap((_, partition) =>
        partition % this.#members.length === i ? [partition] : [],
      );
      member.assign(
        own.map((partition) => ({
          partition,
          committed: this.committed.get(partition),
          earliest: BigInt(this.partitions[partition]?.earliest ?? 0),
        })),
      );
    });
  }
}

class FakeConsumer implements KafkaConsumer {
  readonly #kafka: FakeKafka;
  readonly #batchSize: number;
  #handlers: KafkaHandlers | undefined;
  #generation = 0;
  #next = new Map<number, number>();
  #isPaused = false;
  #wake: (() => void) | undefined;
  #ready: Promise<void> = Promise.resolve();

  constructor(kafka: FakeKafka, batchSize: number) {
    this.#kafka = kafka;
    this.#batchSize = batchSize;
  }

  start(handlers: KafkaHandlers): Promise<void> {
    this.#handlers = handlers;
    this.#kafka.join(this);
    void this.#run(handlers);
    return Promise.resolve();
  }

  assign(partitions: readonly AssignedPartition[]): void {
    this.#generation++;
    this.#next = new Map(
      partitions.map(({ partition, committed, earliest }) => [
        partition,
        Number(committed === undefined || committed.offset < earliest ? earliest : committed.offset),
      ]),
    );
    const handlers = this.#handlers;
    this.#ready = Promise.resolve(handlers?.assigned(partitions));
    this.#ready.catch((error: unknown) => handlers?.failed(error));
    this.wake();
  }

  /** Whether it has joined once, and has not stopped. */
  get isReading(): boolean {
    return this.#handlers !== undefined && !this.#isPaused;
  }

  wake(): void {
    this.#wake?.();
  }

  pause(): void {
    this.#isPaused = true;
    this.wake();
  }

  async commit(due: () => readonly KafkaCommit[]): Promise<void> {
    for (let known: Promise<void> | undefined; known !== this.#ready;) {
      known = this.#ready;
      await known.catch(() => undefined);
    }
    const generation = this.#generation;
    const commits = due();
    await new Promise((resolve) => setImmediate(resolve));
    if (this.#kafka.isAway || generation !== this.#generation || !this.#kafka.has(this)) {
      throw new Error(this.#kafka.isAway ? "the broker is away" : "the group is balanced anew");
    }
    for (const { partition, offset, note } of commits) {
      if (!this.#next.has(partition)) {
        throw new Error(`partition ${partition} belongs to another member`);
      }
      this.#kafka.stepsBack += offset < (this.#kafka.committed.get(partition)?.offset ?? 0n) ? 1 : 0;
      this.#kafka.committed.set(partition, { offset, note });
    }
  }

  close(): Promise<void> {
    this.#isPaused = true;
    this.#kafka.leave(this);
    this.wake();
    return Promise.resolve();
  }

  async #run(handlers: KafkaHandlers): Promise<void> {
    while (!this.#isPaused) {
      const known = this.#ready;
      await known.catch(() => undefined);
      // Not in a function of its own: until that has returned there may be another assignment, of which nothing is known yet.
      if (known !== this.#ready) {
        continue;
      }
      const generation = this.#generation;
      const due = [...this.#next].find(
        ([partition, next]) => next < (this.#kafka.partitions[partition]?.values.length ?? 0),
      );
      if (due === undefined) {
        await new Promise<void>((resolve) => (this.#wake = resolve));
        continue;
      }
      const [partition, next] = due;
      const values = this.#kafka.partitions[partition]?.values.slice(next, next + this.#batchSize) ?? [];
      const taken = handlers.batch({
        partition,
        records: values.map((value, i) => ({ offset: BigInt(next + i), value })),
      });
      // A rebalance gives a batch up that is not taken yet.
      const isBalanced = new Promise<void>(
        (resolve) => (this.#wake = () => generation !== this.#generation && resolve()),
      );
      await Promise.race([taken, isBalanced]);
      if (generation === this.#generation) {
        this.#next.set(partition, next + values.length);
      }
    }
  }
}
