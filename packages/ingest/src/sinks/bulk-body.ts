import type { EventScan } from "@auditsieve/audit";
import { PreparedDelivery } from "../sink.ts";
import type { Delivery, PreparedBatch } from "../sink.ts";
import type { BulkItem, BulkRoom } from "./bulk-item.ts";
import { ecsDocument } from "./ecs-document.ts";
import type { EcsContext } from "./ecs-document.ts";
import { EcsEvents, idIn, quotedLine, timeIn } from "./ecs-event.ts";

/** A batch of the usual size: 2 MB of lines make 4 to 5 MB. */
const ROOM_BYTES = 5 * 1024 * 1024;
/** As many as there are batches under way and waiting, of the size that they usually have. */
const MOST_KEPT = 6;
const MOST_KEPT_BYTES = 12 * 1024 * 1024;

/**
 * A delivery and its item. What the delivery says is read out of that when somebody asks, but where it is `given`: of the deliveries of a busy
 * sink nobody does, and what is kept of each until it is stored is copied by every garbage collection.
 */
class BulkDelivery extends PreparedDelivery implements BulkItem {
  readonly room: BulkRoom;
  readonly start: number;
  readonly end: number;
  readonly #given: Pick<Delivery, "id" | "time" | "document"> | undefined;

  constructor(
    of: Pick<Delivery, "kind" | "mayBeStored">,
    room: BulkRoom,
    start: number,
    given: Pick<Delivery, "id" | "time" | "document"> | undefined,
  ) {
    super(of);
    this.room = room;
    this.start = start;
    this.end = room.used;
    this.#given = given;
  }

  get id(): string {
    return this.#given?.id ?? idIn(this.#item);
  }

  get time(): string {
    return this.#given?.time ?? timeIn(this.#item);
  }

  get document(): Buffer {
    return this.#given?.document ?? quotedLine(this.#item);
  }

  get #item(): Buffer {
    return this.room.bytes.subarray(this.start, this.end);
  }

  get bytes(): number {
    return this.end - this.start;
  }
}

/** A batch whose items stand in one piece of memory. */
export interface BulkBatch extends PreparedBatch {
  add(delivery: Delivery, scan: EventScan | undefined): BulkDelivery;
}

/** Makes the items of bulk requests: all of a batch in one piece of memory, so that a request is a part of it. */
export class BulkBodies {
  readonly #context: EcsContext;
  readonly #events: EcsEvents;
  readonly #free: Buffer[] = [];

  constructor(context: EcsContext) {
    this.#context = context;
    this.#events = new EcsEvents(context);
  }

  /** Begins a batch; {@link release} gives its memory back. */
  begin(): BulkBatch {
    const room: BulkRoom = {
      bytes: this.#free.pop() ?? Buffer.allocUnsafeSlow(ROOM_BYTES),
      used: 0,
      isDoubtful: false,
    };
    return { add: (delivery, scan) => this.#add(room, delivery, scan) };
  }

  /** The items of a batch; what was not prepared is made now. */
  of(batch: readonly Delivery[]): readonly BulkItem[] {
    let late: BulkBatch | undefined;
    return batch.map((delivery) =>
      delivery instanceof BulkDelivery ? delivery : (late ??= this.begin()).add(delivery, undefined),
    );
  }

  /** Nobody reads these items any more, nor the documents of their deliveries: their memory is written again. */
  release(items: readonly BulkItem[]): void {
    for (const { bytes, isDoubtful } of roomsOf(items)) {
      if (!isDoubtful && bytes.length <= MOST_KEPT_BYTES && this.#free.length < MOST_KEPT) {
        this.#free.push(bytes);
      }
    }
  }

  /** The memory of these items is never written again. */
  withhold(items: readonly BulkItem[]): void {
    roomsOf(items).forEach((room) => (room.isDoubtful = true));
  }

  #add(room: BulkRoom, delivery: Delivery, scan: EventScan | undefined): BulkDelivery {
    const events = this.#events;
    const start = room.used;
    const length = events.write(delivery, scan);
    if (length > 0) {
      makeRoom(room, length);
      room.used += events.bytes.copy(room.bytes, start, events.start, events.start + length);
      return new BulkDelivery(delivery, room, start, scan === undefined ? delivery : undefined);
    }
    const item = `{"create":{"_id":${JSON.stringify(delivery.id)}}}\n${ecsDocument(delivery, this.#context)}\n`;
    makeRoom(room, 3 * item.length);
    room.used += room.bytes.write(item, start, "utf8");
    const given = scan === undefined ? delivery : { ...delivery, document: Buffer.from(delivery.document) };
    return new BulkDelivery(delivery, room, start, given);
  }
}

/** Those of a batch stand in one, but for what is sent once more. */
function roomsOf(items: readonly BulkItem[]): ReadonlySet<BulkRoom> {
  const rooms = new Set<BulkRoom>();
  let last: BulkRoom | undefined;
  for (const { room } of items) {
    if (room !== last) {
      last = room;
      rooms.add(room);
    }
  }
  return rooms;
}

function makeRoom(room: BulkRoom, more: number): void {
  const { bytes, used } = room;
  if (used + more > bytes.length) {
    room.bytes = Buffer.allocUnsafeSlow(Math.max(used + more, 2 * bytes.length));
    bytes.copy(room.bytes, 0, 0, used);
  }
}
