import type { StateRecord, StateTopic } from "./kafka-client.ts";

/** A compacted topic in memory; every send and read asks first whether its caller still lives. */
export class FakeStateTopic {
  readonly #log: StateRecord[] = [];

  /** The topic as one caller sees it: `step` is waited for before each record, and throws when the caller is dead. */
  of(step: () => void | Promise<void>): StateTopic {
    return {
      open: () => Promise.resolve(),
      read: async (partitions, onRecord) => {
        await pause();
        await step();
        this.#log.filter(({ partition }) => partitions.includes(partition)).forEach((record) => onRecord(record));
      },
      send: async (records) => {
        for (const record of records) {
          await pause();
          await step();
          this.#log.push(record);
        }
        await pause();
        // The records are there, but the caller does not hear of it.
        await step();
      },
      close: () => Promise.resolve(),
    };
  }

  /** Of the records of one key only the last stays, where it stands. */
  compact(): void {
    const last = new Map(this.#log.map((record) => [`${record.partition} ${record.key}`, record]));
    const kept = this.#log.filter(
      (record) => last.get(`${record.partition} ${record.key}`) === record && record.value !== undefined,
    );
    this.#log.splice(0, Infinity, ...kept);
  }

  /** Keys that have a value. */
  keys(partition: number): readonly string[] {
    const values = new Map(
      this.#log.filter((record) => record.partition === partition).map(({ key, value }) => [key, value]),
    );
    return [...values].flatMap(([key, value]) => (value === undefined ? [] : [key]));
  }

  get records(): readonly StateRecord[] {
    return this.#log;
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
