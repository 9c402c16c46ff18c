import { sharedEngine } from "./engine.ts";

// Places in the module's memory (assembly/memory.ts).
const ROOMS = [0x13_0000, 0x1c_0000] as const;
const ROOM_BYTES = 0x8_0000;

/** Whether somebody reads into it. */
const areTaken = ROOMS.map(() => false);

/**
 * Two buffers of 512 KiB inside the memory: what is read into them is taken without being copied. For the first who asks; undefined
 * for all others, because what one has read must not be overwritten by another.
 */
export function takeRooms(): readonly [Buffer, Buffer] | undefined {
  return areTaken.includes(true) ? undefined : [take(0), take(1)];
}

/**
 * One of these buffers, until it is given back by {@link returnRoom}; undefined where all are taken.
 *
 * @example
 * const room = takeRoom();
 * const buffer = room ?? Buffer.alloc(512 * 1024);
 * assert.equal(buffer.length, 512 * 1024);
 * returnRoom(room);
 */
export function takeRoom(): Buffer | undefined {
  const free = areTaken.indexOf(false);
  return free === -1 ? undefined : take(free);
}

/** Nothing is read into it or out of it any more. */
export function returnRoom(room: Buffer | undefined): void {
  const place = room === undefined ? -1 : (ROOMS as readonly number[]).indexOf(room.byteOffset);
  if (place !== -1) {
    areTaken[place] = false;
  }
}

function take(place: number): Buffer {
  areTaken[place] = true;
  const start = ROOMS[place] as number;
  return sharedEngine().memory.subarray(start, start + ROOM_BYTES);
}
