import { ArchivePart } from "./archive-part.ts";
import type { ArchiveFormat } from "./log-format.ts";

const SLICE_BYTES = 16 * 1024;

/** The slice on which an engine has failed. */
export interface FailedSlice {
  /** Of what comes from where its member or frame begins: so many bytes stand before it. */
  readonly before: number;
  readonly length: number;
  /** Decompressed bytes that were made of what stands before it. */
  readonly made: number;
}

/**
 * What an engine makes of the slice on which another one has failed, up to the byte on which it did: an engine gives nothing of a write that
 * fails, so each byte is one. `compressed` begins with the member or frame. Returns how far it came.
 */
export async function* lastOutput(
  format: ArchiveFormat,
  compressed: AsyncGenerator<Buffer, void>,
  { before, length, made }: FailedSlice,
): AsyncGenerator<Buffer, LastPlace> {
  let read = 0;
  const slices = cut(compressed, before, before + length);
  const part = new ArchivePart(format);
  let skip = made;
  try {
    for await (const chunk of part.chunks(async () => {
      const slice = (await slices.next()).value ?? undefined;
      read += slice?.length ?? 0;
      return slice;
    })) {
      if (skip < chunk.length) {
        yield chunk.subarray(skip);
      }
      skip -= Math.min(skip, chunk.length);
    }
    return { read, made: part.bytes };
  } finally {
    await slices.return();
  }
}

/** How far an engine came from where its member or frame begins: with the byte on which it failed. */
export interface LastPlace {
  readonly read: number;
  /** Decompressed bytes. */
  readonly made: number;
}

/** Large slices up to `before`, single bytes from there on up to `end`. */
async function* cut(
  compressed: AsyncGenerator<Buffer, void>,
  before: number,
  end: number,
): AsyncGenerator<Buffer, void> {
  let offset = 0;
  for await (const chunk of compressed) {
    for (let at = 0; at < chunk.length;) {
      const length = offset < before ? Math.min(SLICE_BYTES, before - offset) : 1;
      const slice = chunk.subarray(at, at + length);
      at += slice.length;
      offset += slice.length;
      yield slice;
      if (offset >= end) {
        return;
      }
    }
  }
}
