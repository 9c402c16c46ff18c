import type { Delivery } from "../sink.ts";
import type { BulkItem } from "./bulk-batcher.ts";
import { ecsDocument } from "./ecs-document.ts";
import type { EcsContext } from "./ecs-document.ts";
import { EcsEvents } from "./ecs-event.ts";

/** What a document has besides its line, which is written escaped: about 2,200 bytes. */
const MORE_BYTES = 2500;
/** As many as there are batches under way, of the size that they usually have. */
const MOST_KEPT = 4;
const MOST_KEPT_BYTES = 16 * 1024 * 1024;

/** Makes the items of bulk requests: all of a batch in one piece of memory, so that a request is a part of it. */
export class BulkBodies {
  readonly #context: EcsContext;
  readonly #events: EcsEvents;
  readonly #free: Buffer[] = [];

  constructor(context: EcsContext) {
    this.#context = context;
    this.#events = new EcsEvents(context);
  }

  /** The bodies stand in one piece of memory each; {@link release} gives it back. */
  of(batch: readonly Delivery[]): readonly BulkItem[] {
    const lines = batch.reduce((sum, { document }) => sum + document.length, 0);
    const most = Math.ceil(1.2 * lines) + batch.length * MORE_BYTES;
    let room = this.#free.pop();
    if (room === undefined || room.length < most) {
      room = Buffer.allocUnsafeSlow(most);
    }
    const ends: number[] = [];
    let end = 0;
    for (const delivery of batch) {
      const length = this.#events.write(delivery);
      if (length > 0) {
        room = withRoom(room, end, length);
        const { bytes, start } = this.#events;
        end += bytes.copy(room, end, start, start + length);
      } else {
        const item = `{"create":{"_id":${JSON.stringify(delivery.id)}}}\n${ecsDocument(delivery, this.#context)}\n`;
        room = withRoom(room, end, 3 * item.length);
        end += room.write(item, end, "utf8");
      }
      ends.push(end);
    }
    const written = room;
    return batch.map(({ id, mayBeStored }, i) => {
      const body = written.subarray(ends[i - 1] ?? 0, ends[i]);
      return { id, body, ...(mayBeStored === true && { mayBeStored }) };
    });
  }

  /** Nobody reads these items any more: their memory is written again. */
  release(items: readonly BulkItem[]): void {
    const room = items[0]?.body.buffer;
    if (room !== undefined && room.byteLength <= MOST_KEPT_BYTES && this.#free.length < MOST_KEPT) {
      this.#free.push(Buffer.from(room));
    }
  }
}

/** The first `used` bytes, and room for `more` behind them. */
function withRoom(room: Buffer, used: number, more: number): Buffer {
  if (used + more <= room.length) {
    return room;
  }
  const grown = Buffer.allocUnsafeSlow(Math.max(used + more, 2 * room.length));
  room.copy(grown, 0, 0, used);
  return grown;
}

/** The body of one request. Items that stand behind each other in memory are not copied. */
export function joined(items: readonly BulkItem[]): Buffer {
  const first = items[0]?.body;
  const last = items.at(-1)?.body;
  if (first === undefined || last === undefined) {
    return Buffer.alloc(0);
  }
  const isOne = items.every(({ body }, i) => i === 0 || follows(body, items[i - 1]?.body));
  return isOne
    ? Buffer.from(first.buffer, first.byteOffset, last.byteOffset + last.length - first.byteOffset)
    : Buffer.concat(items.map(({ body }) => body));
}

function follows(body: Buffer, before: Buffer | undefined): boolean {
  return body.buffer === before?.buffer && body.byteOffset === before.byteOffset + before.length;
}
