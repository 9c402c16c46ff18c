import type { EventLines } from "@auditsieve/audit";
import type { KafkaSourceConfig } from "../config/config-sources.ts";
import type { IngestConfig } from "../config/config.ts";
import { PartitionPosition } from "../sources/kafka-position.ts";
import type { KafkaRecord, KnownPartition } from "../kafka/kafka-client.ts";
import { recordLines } from "../sources/kafka-record.ts";
import { linesToSinks } from "./lines-to-sinks.ts";
import type { Keys } from "./lines-to-sinks.ts";
import type { LostLog } from "./lost-log.ts";
import type { SinkExpectation } from "./sink-expectation.ts";
import type { SinkMark } from "../config/sink-marks.ts";

/** What a topic could not show any more. */
export interface KafkaInputRead {
  readonly notChecked: readonly string[];
  readonly lost: readonly LostLog[];
}

/**
 * Reads the records of a topic again, from the one at which the group began to count on, and decides anew what each sink must have of
 * them. What the group has committed is acknowledged, as sinks had it before.
 */
export async function readKafkaInput(
  source: KafkaSourceConfig,
  config: IngestConfig,
  keys: Keys,
  gathered: readonly SinkExpectation[],
  marks: readonly SinkMark[],
): Promise<KafkaInputRead> {
  const { connection, topic, groupId } = source;
  const { kafkajsPartitions, readKafkajs } = await import("../kafka/kafkajs-read.ts");
  const { partitions, members } = await kafkajsPartitions(connection, topic, groupId);
  const reading = { connection, topic, groupPrefix: `${groupId}-reconcile-` };
  const begun = partitions.map((partition) => new PartitionAgain(topic, partition));
  const notChecked = begun.flatMap(({ isCut, name, base, from }) =>
    isCut
      ? [`Records ${base} to ${from - 1n} of ${name} (source "${source.name}") are gone: the topic does not keep them`]
      : [],
  );
  if (members > 1) {
    notChecked.push(
      `Source "${source.name}" is read by ${members} daemons: what another one has stored in a folder or put into dead letters of its own counts as missing here`,
    );
  }
  // Offsets count from where the group began: without its first records only from behind.
  const cut = begun.filter(({ isCut }) => isCut);
  marks.forEach((mark, i) => {
    const unread = mark.kind === "position" ? begun.filter(({ input }) => !mark.partitions.has(input)) : [];
    for (const { name } of unread) {
      notChecked.push(
        `Sink "${config.sinks[i]?.name}" was added later, and this daemon has not read ${name} since: nothing of what the group has read of it is asked of the sink`,
      );
    }
  });
  await readKafkajs(
    reading,
    cut.map(({ partition, from, acked }) => ({ partition, from, to: acked })),
    (partition, records) => cut.find((one) => one.partition === partition)?.measure(records),
  );
  const states = new Map(
    begun.map((one) => {
      const since = marks.map((mark) => sinceOf(mark, one));
      return [one.partition, new Lines(source.name, one, config, keys, gathered, since)] as const;
    }),
  );
  const unread = await readKafkajs(
    reading,
    begun.map(({ partition, from, end }) => ({ partition, from, to: end })),
    (partition, records) => states.get(partition)?.read(records),
  );
  states.forEach((state) => state.finish());
  notChecked.push(
    ...unread.map(
      ({ partition, from }) =>
        `Records from ${from} on of ${topic}/${partition} (source "${source.name}") could not be read: the broker has shown nothing of them for half a minute`,
    ),
  );
  const lost = begun.flatMap(({ isBehind, name, position, from }) =>
    isBehind
      ? [
          {
            source: source.name,
            file: name,
            files: 1,
            bytes: 0,
            last: "9999",
            message: `records ${position} to ${from - 1n} were removed by the topic's retention before they were read`,
          },
        ]
      : [],
  );
  return { notChecked, lost };
}

/** Bytes of a partition before which a sink gets nothing: of one that this daemon has not read since it was added, it got nothing. */
function sinceOf(mark: SinkMark, { input }: PartitionAgain): number {
  return mark.kind === "never" ? Infinity : mark.kind === "position" ? (mark.partitions.get(input) ?? Infinity) : 0;
}

/** A partition that is read again. */
class PartitionAgain {
  readonly partition: number;
  /** As in dead letters and receipts. */
  readonly input: string;
  readonly name: string;
  readonly base: bigint;
  /** First record that is there of those that were counted. */
  readonly from: bigint;
  /** Records below it are acknowledged. */
  readonly acked: bigint;
  readonly end: bigint;
  /** What the group had committed. */
  readonly position: bigint;
  readonly isBehind: boolean;
  /** Whether records are gone that were counted. */
  readonly isCut: boolean;
  readonly #ackedBytes: number;
  #measured = 0;

  constructor(topic: string, known: KnownPartition) {
    const position = new PartitionPosition(topic, known);
    this.partition = known.partition;
    this.input = position.input;
    this.name = `${topic}/${known.partition}`;
    this.base = position.base;
    this.from = known.earliest > position.base ? known.earliest : position.base;
    this.position = known.committed?.offset ?? known.earliest;
    this.acked = this.position > this.from ? this.position : this.from;
    this.end = known.end;
    this.isBehind = position.isBehind;
    this.isCut = known.earliest > position.base;
    this.#ackedBytes = position.bytes;
  }

  /** Counts the bytes of records that are there and acknowledged. */
  measure(records: readonly KafkaRecord[]): void {
    this.#measured += records.reduce((sum, { value }) => sum + bytesOf(value).length, 0);
  }

  /** Offset of the first record that is there. */
  get start(): number {
    return this.isCut ? Math.max(0, this.#ackedBytes - this.#measured) : 0;
  }
}

function bytesOf(value: Buffer | undefined): Buffer {
  return value === undefined ? Buffer.alloc(0) : Buffer.concat(recordLines(value, () => undefined));
}

/** The lines of one partition on their way to what sinks must have. */
class Lines {
  readonly #source: string;
  readonly #of: PartitionAgain;
  readonly #config: IngestConfig;
  readonly #keys: Keys;
  readonly #gathered: readonly SinkExpectation[];
  readonly #since: readonly number[];
  #bytes: number;
  #isPending = false;
  #handler: ReturnType<typeof linesToSinks>;
  #log: EventLines;

  constructor(
    source: string,
    of: PartitionAgain,
    config: IngestConfig,
    keys: Keys,
    gathered: readonly SinkExpectation[],
    since: readonly number[],
  ) {
    this.#since = since;
    this.#source = source;
    this.#of = of;
    this.#config = config;
    this.#keys = keys;
    this.#gathered = gathered;
    this.#bytes = of.start;
    [this.#handler, this.#log] = this.#begin();
  }

  read(records: readonly KafkaRecord[]): void {
    for (const { offset, value } of records) {
      if (!this.#isPending && offset >= this.#of.acked) {
        // What is acknowledged must not share a receipt with what is not.
        this.finish();
        this.#isPending = true;
        [this.#handler, this.#log] = this.#begin();
      }
      this.#place();
      const bytes = bytesOf(value);
      this.#log.write(bytes);
      this.#bytes += bytes.length;
    }
  }

  finish(): void {
    this.#place();
    this.#handler.finish();
    this.#gathered.forEach((sink) => sink.count(this.#handler.counts().lines));
  }

  #begin(): [ReturnType<typeof linesToSinks>, EventLines] {
    const handler = linesToSinks(this.#source, this.#config, this.#keys, this.#gathered, (_input, offset) =>
      Math.min(Infinity, ...this.#since.filter((cut) => cut > offset)),
    );
    handler.begin(this.#of.input, this.#bytes);
    return [handler, handler.read(this.#of.input, this.#bytes)];
  }

  #place(): void {
    const { input } = this.#of;
    const ackedTo = this.#isPending ? 0 : Infinity;
    this.#gathered.forEach((sink, i) => {
      const since = this.#since[i] ?? 0;
      // What is pending is not there yet for a sink that the daemon has not run with.
      sink.input({ file: input, input, ackedTo, since: since === Infinity && this.#isPending ? 0 : since });
    });
  }
}
