import type { AssignedPartition } from "../kafka/kafka-client.ts";

const NOTE = /^auditsieve 1 (\d+) (\d+)$/;

/** What stands with a committed offset: where counting began, and the bytes of lines until here. */
export function encodeNote(base: bigint, bytes: number): string {
  return `auditsieve 1 ${base} ${bytes}`;
}

/** A record that was read. */
export interface Read {
  readonly next: bigint;
  /** Bytes of lines up to this record and with it. */
  readonly bytes: number;
}

/** How far a partition is read, acknowledged and committed, and which offset stands for which byte. */
export class PartitionPosition {
  readonly partition: number;
  readonly input: string;
  /** Offset of the record at which the bytes were counted from 0. */
  readonly base: bigint;
  /** Whether records that were not read are gone. */
  readonly isBehind: boolean;
  #bytes: number;
  #acked = 0;
  /** Up to where it is kept what the detections remember; nothing further may be committed. */
  #kept = Infinity;
  readonly #begin: Read;
  /** Records below it were read. */
  #next: bigint;
  /** Records that are not acknowledged yet. */
  #read: Read[] = [];
  /** The last record that is acknowledged; kept after its commit, because a group may lose one. */
  #done: Read | undefined;
  /** What the group holds, as far as it is known. */
  #committed: bigint;

  constructor(topic: string, { partition, committed, earliest }: AssignedPartition) {
    const note = NOTE.exec(committed?.note ?? "");
    this.isBehind = committed !== undefined && committed.offset < earliest;
    const isCounted = note !== null && !this.isBehind;
    this.partition = partition;
    this.base = isCounted ? BigInt(note[1] ?? 0) : this.isBehind ? earliest : (committed?.offset ?? earliest);
    this.#bytes = isCounted ? Number(note[2]) : 0;
    this.#next = committed?.offset ?? 0n;
    this.#committed = this.#next;
    this.#begin = { next: this.#next, bytes: this.#bytes };
    this.input = `${topic}/${partition}@${this.base}`;
  }

  /** Bytes of lines read so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The offset behind the last record that was read, or behind what the group had committed at the beginning. */
  get next(): bigint {
    return this.#next;
  }

  /** Whether the record was read already: after a rebalance records come again from what is committed. */
  hasRead(offset: bigint): boolean {
    return offset < this.#next;
  }

  /** The record at `offset` was read, and gave so many bytes of lines. */
  add(offset: bigint, bytes: number): void {
    this.#bytes += bytes;
    this.#next = offset + 1n;
    this.#read.push({ next: this.#next, bytes: this.#bytes });
    this.#settle();
  }

  /** Everything before `bytes` is acknowledged. */
  acknowledge(bytes: number): void {
    this.#acked = Math.max(this.#acked, bytes);
    this.#settle();
  }

  /** What is remembered up to `bytes` is kept where the next owner finds it: so far may be committed. */
  keep(bytes: number): void {
    this.#kept = bytes;
    this.#settle();
  }

  /** The offset behind the record that ends at `bytes`; undefined where none does, or that is long done. */
  offsetAt(bytes: number): bigint | undefined {
    const known = [...this.#read, this.#done ?? this.#begin];
    return known
      .filter((read) => read.bytes === bytes)
      .reduce<bigint | undefined>((most, { next }) => (most === undefined || next > most ? next : most), undefined);
  }

  /** What is to be committed; undefined if that is nothing new. Never less than what the group holds. */
  due(): Read | undefined {
    return this.#done !== undefined && this.#done.next > this.#committed ? this.#done : undefined;
  }

  /** The group holds everything before `offset`. After a rebalance that may be less than what was committed here, or more. */
  committed(offset: bigint): void {
    this.#committed = offset;
  }

  #settle(): void {
    const limit = Math.min(this.#acked, this.#kept);
    const after = this.#read.findIndex((read) => read.bytes > limit);
    const settled = after === -1 ? this.#read.length : after;
    this.#done = this.#read[settled - 1] ?? this.#done;
    this.#read = settled === 0 ? this.#read : this.#read.slice(settled);
  }
}
