const NEWLINE = 10;

/** Chunks of whole lines, and what {@link wholeLines} ends with where it is asked for. */
export type Lines = Generator<Buffer, Buffer | undefined, "rest" | undefined>;

/**
 * Reads into `room`, and gives what it holds in chunks that end with a line: what is left over goes in front of what is read next, so that
 * no line has to be put together anywhere else. Only a line longer than the room comes in pieces, and what follows the last newline as it is.
 * A chunk is valid until the next one is asked for. `close` is called at the end, or when somebody asks for no more. The room's first `filled` bytes are read already; `read` reads behind the first `from` bytes of it, and gives 0 at the end. Whoever asks by `next("rest")` gets instead what of what has been read stands behind the last chunk, and no more is read.
 */
export function* wholeLines(
  room: Buffer,
  filled: number,
  read: (into: Buffer, from: number) => number,
  close?: () => void,
): Lines {
  try {
    /** Bytes of the line under way: they stand first. */
    let open = 0;
    for (let length = filled; length > 0;) {
      const end = open + length;
      const behind = room.lastIndexOf(NEWLINE, end - 1) + 1;
      if (behind > 0) {
        if ((yield room.subarray(0, behind)) === "rest") {
          return room.subarray(behind, end);
        }
        room.copyWithin(0, behind, end);
        open = end - behind;
      } else if (end === room.length) {
        yield room;
        open = 0;
      } else {
        open = end;
      }
      try {
        length = read(room, open);
      } catch (error) {
        yield room.subarray(0, open);
        throw error;
      }
    }
    if (open > 0) {
      yield room.subarray(0, open);
    }
    return undefined;
  } finally {
    close?.();
  }
}
