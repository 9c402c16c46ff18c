import type { Delivery } from "../sink.ts";
import type { BulkItem } from "./bulk-batcher.ts";
import { ecsDocument } from "./ecs-document.ts";
import type { EcsContext } from "./ecs-document.ts";
import { EcsEvents } from "./ecs-event.ts";
import { JsonWriter } from "./json-writer.ts";

/** What a document has besides its line, which is written escaped: about 2,200 bytes. */
const MORE_BYTES = 2500;

/** Makes the items of bulk requests: all of a batch in one piece of memory, so that a request is a part of it. */
export class BulkBodies {
  readonly #context: EcsContext;
  readonly #events: EcsEvents;

  constructor(context: EcsContext) {
    this.#context = context;
    this.#events = new EcsEvents(context);
  }

  of(batch: readonly Delivery[]): readonly BulkItem[] {
    const lines = batch.reduce((sum, { document }) => sum + document.length, 0);
    const out = new JsonWriter(Math.ceil(1.2 * lines) + batch.length * MORE_BYTES);
    const ends = batch.map((delivery) => {
      out.utf8(`{"create":{"_id":${JSON.stringify(delivery.id)}}}\n`);
      if (!this.#events.write(out, delivery)) {
        out.utf8(ecsDocument(delivery, this.#context));
      }
      out.utf8("\n");
      return out.length;
    });
    return batch.map(({ id, mayBeStored }, i) => {
      const body = out.bytes.subarray(ends[i - 1] ?? 0, ends[i]);
      return { id, body, ...(mayBeStored === true && { mayBeStored }) };
    });
  }
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
