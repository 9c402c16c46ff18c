import { randomUUID } from "node:crypto";
import type { JsonValue } from "@auditsieve/audit";
import type { StateRecord, StateTopic } from "../kafka/kafka-client.ts";
import { chunkKey, headKey, readBody, readHead, writeBody, writeHead } from "./kept-state.ts";
import type { Head, KeptState } from "./kept-state.ts";
import type { StateSeal } from "./state-seal.ts";

/** A partition that this member begins to read, or goes on with. */
export interface TakenPartition {
  readonly partition: number;
  readonly base: bigint;
  /** Next offset to read, as the group holds it; undefined where it has committed nothing. */
  readonly committed: bigint | undefined;
  /** Whether this member had it before, and nobody has read on: then what it remembers itself goes on. */
  readonly isKept: boolean;
}

/** What was remembered of a partition by whoever had it before. */
export interface LoadedState {
  readonly snapshot: JsonValue;
  readonly end: number;
}

export interface PartitionStatesOptions {
  readonly topic: StateTopic;
  readonly seal: StateSeal;
  /** Stands before every key: several groups may use one topic. */
  readonly prefix: string;
  /** Told why what is kept of a partition cannot be used. */
  readonly onRefused: (partition: number, reason: string) => void;
  /** Most that is held of one partition while it is read. Default 512 MiB. */
  readonly maxBytes?: number;
}

/** One assignment of one partition: it writes under keys that nobody else ever writes. */
interface Tenure {
  readonly writer: string;
  /** Below this end nothing is written: more is kept already. */
  readonly floor: number;
  /** Keys of earlier tenures. */
  readonly obsolete: () => readonly string[];
  /** By slot, the chunks that stand there. */
  readonly chunks: [number, number];
  slot: number;
  /** What was written as chunks last; whether its head is there may not be known. */
  body: { readonly packed: KeptState["packed"]; readonly body: Head["body"] } | undefined;
  last: KeptState | undefined;
  /** An offset behind its own state is committed: no earlier tenure will be asked for any more. */
  isCommitted: boolean;
  isClean: boolean;
}

/** Records of one partition, by key. */
type Records = ReadonlyMap<string, Buffer>;

const MAX_BYTES = 512 * 1024 * 1024;
/** Stands for what is too much: it opens as nothing. */
const TOO_MUCH = Buffer.alloc(0);

/**
 * What the detections remember of each partition, in a compacted topic that the next owner of the partition reads.
 *
 * A state says how far it has read, and what it holds follows from the records before that alone: so of several, the one that has
 * read furthest is the newest, whoever wrote it, and a member that does not know yet that it has lost the partition can do
 * no harm. It is written before the offset is committed; a commit is never further than what is kept here. Every tenure of a
 * partition writes under keys of its own, chunks in two places by turns, then the head that names one of them; what earlier
 * tenures have left is removed once an offset behind the own state is committed.
 *
 * @example
 * const states = new PartitionStates({ topic, seal, prefix: "group/audit", onRefused });
 * const loaded = await states.take([{ partition: 0, base: 0n, committed: 40n, isKept: false }]);
 * await states.write([{ partition: 0, base: 0n, next: 55n, end: 9000, packed }]);
 */
export class PartitionStates {
  readonly #options: PartitionStatesOptions;
  readonly #tenures = new Map<number, Tenure>();

  constructor(options: PartitionStatesOptions) {
    this.#options = options;
  }

  /** Begins a tenure of each partition and gives what is kept of those that are not only kept on. */
  async take(partitions: readonly TakenPartition[]): Promise<ReadonlyMap<number, LoadedState>> {
    const found = await this.#read(partitions.filter(({ isKept }) => !isKept).map(({ partition }) => partition));
    const loaded = new Map<number, LoadedState>();
    for (const taken of partitions) {
      const { partition, isKept } = taken;
      const before = this.#tenures.get(partition);
      const records = found.get(partition) ?? new Map<string, Buffer>();
      const state = isKept ? undefined : await this.#newest(taken, records);
      if (state !== undefined) {
        loaded.set(partition, state);
      }
      const left = [...records.keys(), ...(before === undefined || before.isClean ? [] : before.obsolete())];
      this.#tenures.set(partition, {
        writer: `${this.#prefix(partition)}${randomUUID()}`,
        floor: state?.end ?? (isKept ? (before?.floor ?? 0) : 0),
        // What is under way of it may still be written.
        obsolete: () => [...new Set([...left, ...(before === undefined ? [] : keysOf(before))])],
        chunks: [0, 0],
        slot: 1,
        body: undefined,
        last: undefined,
        isCommitted: false,
        isClean: left.length === 0 && before === undefined,
      });
    }
    return loaded;
  }

  /** Resolves when what is remembered of these partitions is kept. Gives those that are: of the others more is kept already. */
  async write(states: readonly (KeptState & { readonly partition: number })[]): Promise<readonly number[]> {
    const heads = await Promise.all(
      states.map(async ({ partition, ...state }) => {
        const tenure = this.#tenures.get(partition);
        if (tenure === undefined || state.end < tenure.floor) {
          return [];
        }
        const { last } = tenure;
        if (last !== undefined && isSame(last.packed, state.packed) && last.next === state.next) {
          return [{ partition, tenure, state, records: [] }];
        }
        if (tenure.body === undefined || !isSame(tenure.body.packed, state.packed)) {
          const body = await this.#writeBody(partition, tenure, state.packed);
          tenure.body = { packed: state.packed, body };
        }
        const value = writeHead(this.#options.seal, tenure.writer, { ...state, body: tenure.body.body });
        const records: readonly StateRecord[] = [{ partition, key: headKey(tenure.writer), value }];
        return [{ partition, tenure, state, records }];
      }),
    );
    const due = heads.flat();
    const records = due.flatMap((one) => one.records);
    if (records.length > 0) {
      await this.#options.topic.send(records);
    }
    for (const { tenure, state } of due) {
      tenure.slot = tenure.body?.body?.slot ?? tenure.slot;
      tenure.last = state;
    }
    return due.map(({ partition }) => partition);
  }

  /** The group holds an offset of the partition that was committed under this tenure. */
  committed(partition: number): void {
    const tenure = this.#tenures.get(partition);
    if (tenure?.last !== undefined) {
      tenure.isCommitted = true;
    }
  }

  /** The partition is another member's now. */
  lose(partition: number): void {
    this.#tenures.delete(partition);
  }

  #prefix(partition: number): string {
    return `${this.#options.prefix}/${partition}/`;
  }

  async #read(partitions: readonly number[]): Promise<ReadonlyMap<number, Records>> {
    const { topic, maxBytes = MAX_BYTES } = this.#options;
    const found = new Map(partitions.map((partition) => [partition, new Map<string, Buffer>()]));
    const held = new Map<number, number>();
    if (partitions.length > 0) {
      await topic.read(partitions, ({ partition, key, value }) => {
        const records = found.get(partition);
        if (records === undefined || !key.startsWith(this.#prefix(partition))) {
          return;
        }
        const bytes = (held.get(partition) ?? 0) + (value?.length ?? 0) - (records.get(key)?.length ?? 0);
        const isTooMuch = bytes > maxBytes;
        if (value === undefined) {
          records.delete(key);
        } else {
          records.set(key, isTooMuch ? TOO_MUCH : value);
        }
        held.set(partition, isTooMuch ? bytes - (value?.length ?? 0) : bytes);
      });
    }
    return found;
  }

  /** Of several states of a partition the one that has read furthest; each must have read all that is committed. */
  async #newest(taken: TakenPartition, records: Records): Promise<LoadedState | undefined> {
    const { seal, onRefused } = this.#options;
    const { partition, base, committed } = taken;
    if (committed === undefined) {
      // Everything is read again, from the first record on.
      return undefined;
    }
    const heads = [...records].flatMap(([key, value]) => {
      const writer = key.slice(0, -headKey("").length);
      return key === headKey(writer) ? [{ writer, head: readHead(seal, writer, value) }] : [];
    });
    const reasons = new Set<string>();
    if ([...records.values()].includes(TOO_MUCH)) {
      reasons.add("more is kept of it than may be held");
    }
    const candidates = heads.flatMap(({ writer, head }) => {
      if (typeof head === "string") {
        reasons.add(head);
        return [];
      }
      if (head.base !== base || head.next < committed) {
        reasons.add(
          `it ends at offset ${head.next}, and the group has committed ${committed}, or was set there by other means`,
        );
        return [];
      }
      return [{ writer, head }];
    });
    for (const { writer, head } of candidates.toSorted((a, b) => Number(b.head.next - a.head.next))) {
      if (head.body === undefined) {
        reasons.add("it was too large to be kept");
        continue;
      }
      const snapshot = await readBody(seal, writer, head.body, (key) => records.get(key));
      if (snapshot !== undefined) {
        return { snapshot, end: head.end };
      }
      reasons.add("it is not whole");
    }
    onRefused(partition, reasons.size === 0 ? "nothing is kept of it" : [...reasons].join("; "));
    return undefined;
  }

  async #writeBody(partition: number, tenure: Tenure, packed: KeptState["packed"]): Promise<Head["body"]> {
    const { seal, topic } = this.#options;
    if (tenure.isCommitted && !tenure.isClean) {
      await topic.send(tenure.obsolete().map((key) => ({ partition, key, value: undefined })));
      tenure.isClean = true;
    }
    if (packed === "") {
      return undefined;
    }
    const slot = 1 - tenure.slot;
    const { chunks, sha256 } = writeBody(seal, tenure.writer, slot, packed);
    const before = tenure.chunks[slot] ?? 0;
    tenure.chunks[slot] = Math.max(before, chunks.length);
    for (const [i, value] of chunks.entries()) {
      // Each on its own: a broker bounds what comes together.
      await topic.send([{ partition, key: chunkKey(tenure.writer, slot, i), value }]);
    }
    const rest = Array.from({ length: Math.max(0, before - chunks.length) }, (_, i) => chunks.length + i);
    if (rest.length > 0) {
      await topic.send(rest.map((i) => ({ partition, key: chunkKey(tenure.writer, slot, i), value: undefined })));
    }
    tenure.chunks[slot] = chunks.length;
    return { slot, chunks: chunks.length, sha256 };
  }
}

function isSame(a: KeptState["packed"], b: KeptState["packed"]): boolean {
  return a === b || (a !== "" && b !== "" && a.equals(b));
}

/** Every key under which the tenure may have written. */
function keysOf({ writer, chunks }: Tenure): readonly string[] {
  return [
    headKey(writer),
    ...chunks.flatMap((count, slot) => Array.from({ length: count }, (_, i) => chunkKey(writer, slot, i))),
  ];
}
