import { promisify } from "node:util";
import { constants, zstdCompress, zstdDecompress } from "node:zlib";

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
 * A text that is packed as soon as it is made, by other threads, a part after the other: what it says may be a hundred times
 * longer, and several may wait to be written.
 */
export class PackedText {
  /** Each part packed by itself. */
  readonly parts: Promise<readonly Buffer[]>;

  constructor(blocks: readonly Buffer[]) {
    this.parts = packInTurn([...blocks]);
    // Of one that nobody writes nobody needs to hear.
    this.parts.catch(() => undefined);
  }

  /** Undefined where the text is longer than `maxLength`. */
  static of(text: Iterable<string>, maxLength: number): PackedText | undefined {
    const blocks: Buffer[] = [];
    let length = 0;
    let block = "";
    for (const part of text) {
      length += part.length;
      if (length > maxLength) {
        return undefined;
      }
      block += part;
      if (block.length >= PART_LENGTH) {
        blocks.push(Buffer.from(block));
        block = "";
      }
    }
    return new PackedText([...blocks, Buffer.from(block)]);
  }
}

async function packInTurn(blocks: Buffer[]): Promise<readonly Buffer[]> {
  const packed: Buffer[] = [];
  for (let block = blocks.shift(); block !== undefined; block = blocks.shift()) {
    packed.push(await packState(block));
  }
  return packed;
}
