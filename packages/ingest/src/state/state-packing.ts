import { promisify } from "node:util";
import { constants, zstdCompress, zstdCompressSync, zstdDecompress } from "node:zlib";

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);
/** It is written again every few seconds: time matters more than a few hundred kilobytes. */
const FAST = { chunkSize: 1024 * 1024, params: { [constants.ZSTD_c_compressionLevel]: 1 } };
/** Of what is packed at once. */
const PART_LENGTH = 1024 * 1024;

/** Packs what is written with a checkpoint, with zstd. */
export function packState(content: string | Buffer): Promise<Buffer> {
  return compress(content, FAST);
}

/** What {@link packState} was given. Rejects where it is damaged, or longer than `maxBytes`. */
export function unpackState(packed: Buffer, maxBytes: number): Promise<Buffer> {
  return decompress(packed, { maxOutputLength: maxBytes });
}

/**
 * A text that is packed a part after the other, each as soon as it is made: what it says may be a hundred times longer, and as a whole it is never
 * there. A part takes a third of a millisecond; other threads would need as much, and the parts would wait for them.
 */
export class PackedText {
  /** Each packed by itself. */
  readonly parts: readonly Buffer[];

  constructor(parts: readonly Buffer[]) {
    this.parts = parts;
  }

  /** Undefined where the text is longer than `maxLength`. */
  static of(text: Iterable<string>, maxLength: number): PackedText | undefined {
    const parts: Buffer[] = [];
    let length = 0;
    let block = "";
    for (const part of text) {
      length += part.length;
      if (length > maxLength) {
        return undefined;
      }
      block += part;
      if (block.length >= PART_LENGTH) {
        parts.push(packed(block));
        block = "";
      }
    }
    return new PackedText([...parts, packed(block)]);
  }
}

/**
 * Packs a text as one piece, as programs of another version read it. It is there as a whole while that is done, a third of a millisecond for
 * a megabyte, and not for as long as it is kept. Undefined where it is longer than `maxLength`.
 */
export function packWhole(text: Iterable<string>, maxLength: number): Buffer | undefined {
  const parts: string[] = [];
  let length = 0;
  for (const part of text) {
    length += part.length;
    if (length > maxLength) {
      return undefined;
    }
    parts.push(part);
  }
  return packed(parts.join(""));
}

function packed(block: string): Buffer {
  // A copy: what zlib gives is the beginning of a megabyte.
  return Buffer.from(zstdCompressSync(block, FAST));
}
