import { sharedEngine } from "./engine.ts";

// Places in the module's memory (assembly/memory.ts).
const ROOMS = [0x13_0000, 0x1c_0000] as const;
const ROOM_BYTES = 0x8_0000;

let areRoomsTaken = false;

/**
 * Two buffers of 512 KiB inside the memory: what is read into them is taken without being copied. For the first who asks; undefined
 * for all others, because what one has read must not be overwritten by another.
 */
export function takeRooms(): readonly [Buffer, Buffer] | undefined {
  if (areRoomsTaken) {
    return undefined;
  }
  areRoomsTaken = true;
  const { memory } = sharedEngine();
  return [memory.subarray(ROOMS[0], ROOMS[0] + ROOM_BYTES), memory.subarray(ROOMS[1], ROOMS[1] + ROOM_BYTES)];
}
