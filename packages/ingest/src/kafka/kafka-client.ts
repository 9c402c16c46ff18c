/**
 * All that the Kafka source and sink ask of a client library; `kafkajs-client.ts` is the only file that knows one.
 */

/** How brokers are reached; the same for source and sink. */
export interface KafkaConnection {
  readonly brokers: readonly string[];
  readonly clientId: string;
  /** TLS, with what to trust and what to show; `{}` trusts what the system trusts. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  readonly sasl?: {
    readonly mechanism: "plain" | "scram-sha-256" | "scram-sha-512";
    readonly username: string;
    readonly password: string;
  };
}

export interface KafkaRecord {
  readonly offset: bigint;
  /** Undefined for a tombstone. */
  readonly value: Buffer | undefined;
}

/** Records of one partition, in order; offsets may have holes. */
export interface KafkaBatch {
  readonly partition: number;
  readonly records: readonly KafkaRecord[];
}

/** A partition that this member of the group reads now. */
export interface AssignedPartition {
  readonly partition: number;
  /** What the group has committed: the next offset to read, and the note that stood with it. */
  readonly committed: { readonly offset: bigint; readonly note: string } | undefined;
  /** The first offset that the broker still has. */
  readonly earliest: bigint;
}

export interface KafkaHandlers {
  /**
   * After every rebalance: all partitions that this member has now. They begin at what is committed; no batch of them comes
   * before the promise resolves.
   */
  assigned(partitions: readonly AssignedPartition[]): void | Promise<void>;
  /** Resolves when the next batch may come; batches come one at a time. */
  batch(batch: KafkaBatch): Promise<void>;
  /** The group is about to be balanced anew: until the promise resolves, or too much time has passed, it can still be committed. */
  handOver(limit: AbortSignal): Promise<void>;
  /** The consumer cannot go on. */
  failed(error: unknown): void;
}

export interface KafkaCommit {
  readonly partition: number;
  /** The next offset to read. */
  readonly offset: bigint;
  readonly note: string;
}

/** A member of a consumer group on one topic. */
export interface KafkaConsumer {
  start(handlers: KafkaHandlers): Promise<void>;
  /** Takes no more batches and stays in the group, so that what is under way can still be committed. */
  pause(): void;
  /**
   * `due` is asked once a commit can be made: of the partitions that were `assigned` last. Resolves when the group holds it;
   * rejects when it does not, or may not, as in a rebalance. Nothing is tried twice.
   */
  commit(due: () => readonly KafkaCommit[]): Promise<void>;
  /** Leaves the group. */
  close(): Promise<void>;
}

/** A part of a partition: the records from `from` on and below `to`. */
export interface KafkaRange {
  readonly partition: number;
  readonly from: bigint;
  readonly to: bigint;
}

/** A record with its headers. */
export interface KafkaRecordWithHeaders extends KafkaRecord {
  readonly headers: Readonly<Record<string, string>>;
}

/** What a partition has now, and what a group has committed of it. */
export interface KnownPartition extends AssignedPartition {
  /** Behind the last record. */
  readonly end: bigint;
}

export interface StateRecord {
  readonly partition: number;
  readonly key: string;
  /** Undefined for a tombstone. */
  readonly value: Buffer | undefined;
}

/** A compacted topic: of the records of one key the last one stays. Its partition n belongs to partition n of another topic. */
export interface StateTopic {
  /** Connects; makes the topic where there is none. Rejects where it cannot be used. */
  open(): Promise<void>;
  /** Gives every record that these partitions had at the time of the call; those of one partition in their order. */
  read(partitions: readonly number[], onRecord: (record: StateRecord) => void): Promise<void>;
  /** Resolves when all in-sync replicas have all of them. Those of one partition stay in order, and may be there in part on a rejection. */
  send(records: readonly StateRecord[]): Promise<void>;
  close(): Promise<void>;
}

export type KafkaCompression = "none" | "gzip" | "snappy" | "lz4" | "zstd";

export interface KafkaMessage {
  readonly key: Buffer | undefined;
  readonly value: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

/** What became of messages that were sent together. */
export type SendResult = "stored" | "too-large";

export interface KafkaProducer {
  /** Resolves when all in-sync replicas have all messages, or when the broker says that they are too large; else rejects. */
  send(messages: readonly KafkaMessage[]): Promise<SendResult>;
  close(): Promise<void>;
}
