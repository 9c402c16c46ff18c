/** Where the items of one batch stand, one behind the other. */
export interface BulkRoom {
  bytes: Buffer;
  used: number;
  /** A request of which nobody knows what became of it may still be read out of it. */
  isDoubtful: boolean;
}

/** One document of a bulk request. */
export interface BulkItem {
  readonly id: string;
  /** `room.bytes[start, end)` goes over the wire: the line with the operation, and the document's, each with its newline. */
  readonly room: BulkRoom;
  readonly start: number;
  readonly end: number;
  /** An earlier try or an earlier run may have stored it: it is looked up before it is sent. */
  readonly mayBeStored?: boolean;
}

/** The body of one request. Items that stand behind each other in memory are not copied. */
export function joined(items: readonly BulkItem[]): Buffer {
  const [first] = items;
  const last = items.at(-1);
  if (first === undefined || last === undefined) {
    return Buffer.alloc(0);
  }
  const isOne = items.every(({ room, start }, i) => i === 0 || (room === first.room && start === items[i - 1]?.end));
  return isOne
    ? first.room.bytes.subarray(first.start, last.end)
    : Buffer.concat(items.map(({ room, start, end }) => room.bytes.subarray(start, end)));
}
