import type { AssignedPartition } from "./kafka-client.ts";

const NOTE = /^auditsieve 1 (\d+) (\d+)$/;

/** What stands with a committed offset: where counting began, and the bytes of lines until here. */
export function encodeNote(base: bigint, bytes: number): string {
  return `auditsieve 1 ${base} ${bytes}`;
}

interface Read {
  readonly next: bigint;
  /** Bytes of lines up to this record and with it. */
  readonly bytes: number;
}

/** How far a partition is read in one assignment, and which offset stands for which byte. */
export class PartitionPosition {
  readonly partition: number;
  readonly input: string;
  /** Offset of the record at which the bytes were counted from 0. */
  readonly base: bigint;
  /** Whether records that were not read are gone. */
  readonly isBehind: boolean;
  #bytes: number;
  /** Records that are not committed yet. */
  #read: Read[] = [];

  constructor(topic: string, { partition, committed, earliest }: AssignedPartition) {
    const note = NOTE.exec(committed?.note ?? "");
    this.isBehind = committed !== undefined && committed.offset < earliest;
    const isCounted = note !== null && !this.isBehind;
    this.partition = partition;
    this.base = isCounted ? BigInt(note[1] ?? 0) : this.isBehind ? earliest : (committed?.offset ?? earliest);
    this.#bytes = isCounted ? Number(note[2]) : 0;
    this.input = `${topic}/${partition}@${this.base}`;
  }

  /** Bytes of lines read so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The record at `offset` was read, and gave so many bytes of lines. */
  add(offset: bigint, bytes: number): void {
    this.#bytes += bytes;
    this.#read.push({ next: offset + 1n, bytes: this.#bytes });
  }

  /** What may be committed once everything before `bytes` is acknowledged; undefined if that is nothing new. */
  commitAt(bytes: number): Read | undefined {
    let count = 0;
    while (count < this.#read.length && (this.#read[count]?.bytes ?? Infinity) <= bytes) {
      count++;
    }
    const last = this.#read[count - 1];
    this.#read = this.#read.slice(count);
    return last;
  }
}
