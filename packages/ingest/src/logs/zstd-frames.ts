const MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const;

/** Types of blocks, and of the literals in one. */
const [RAW, RUN_LENGTH, COMPRESSED] = [0, 1, 2];

type Field = "magic" | "skippable-size" | "descriptor" | "block-header" | "literals";
const FIELD_BYTES: Readonly<Record<Field, number>> = {
  magic: 4,
  "skippable-size": 4,
  descriptor: 1,
  "block-header": 3,
  literals: 1,
};

/**
 * Walks over the frames of a zstd archive without decompressing: Node's decompressor ends silently at the first frame
 * whose end does not fall on the end of a chunk, and what follows is lost (seen on 24.21). Cut where {@link next} says,
 * it goes on.
 *
 * @see https://github.com/facebook/zstd/blob/dev/doc/zstd_compression_format.md
 */
export class ZstdFrames {
  #field: Field = "magic";
  #bytes = 0;
  #value = 0;
  /** Bytes of a body still to pass over; when they are gone the frame ends or `#field` is read. */
  #skip = 0;
  #endsAfterSkip = false;
  #hasChecksum = false;
  #isLastBlock = false;
  /** Of a block behind its first byte, which says how its literals are packed. */
  #behindFirst = 0;
  #hasPlainLiterals = false;
  #inFrame = false;
  #isDamaged = false;

  /** Whether the bytes seen so far stop inside a frame. */
  get isInFrame(): boolean {
    return this.#inFrame;
  }

  /** Whether letters stand as they are in the block in hand, with gaps between them. */
  get hasPlainLiterals(): boolean {
    return this.#hasPlainLiterals;
  }

  /** Whether something that is no frame stands where one should begin. */
  get isDamaged(): boolean {
    return this.#isDamaged;
  }

  /** End of the piece of `chunk` that starts at `start` and crosses no frame boundary; `start` itself if damaged. */
  next(chunk: Buffer, start: number): number {
    let at = start;
    while (at < chunk.length && !this.#isDamaged) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, chunk.length - at);
        at += step;
        this.#skip -= step;
      } else {
        this.#inFrame = true;
        this.#value += (chunk[at] ?? 0) * 2 ** (8 * this.#bytes);
        this.#bytes++;
        at++;
        if (this.#bytes < FIELD_BYTES[this.#field]) {
          continue;
        }
        this.#read(this.#value);
        this.#bytes = 0;
        this.#value = 0;
      }
      if (this.#skip === 0 && this.#endsAfterSkip) {
        this.#endsAfterSkip = false;
        this.#inFrame = false;
        this.#field = "magic";
        return at;
      }
    }
    return this.#isDamaged ? start : at;
  }

  #read(value: number): void {
    switch (this.#field) {
      case "magic":
        if (value === MAGIC) {
          this.#field = "descriptor";
        } else if ((value & ~0xf) >>> 0 === SKIPPABLE_MAGIC) {
          this.#field = "skippable-size";
        } else {
          this.#isDamaged = true;
        }
        return;
      case "skippable-size":
        this.#skip = value;
        this.#endsAfterSkip = true;
        return;
      case "descriptor":
        this.#skip = headerBytes(value);
        this.#hasChecksum = (value & 0b100) !== 0;
        this.#field = "block-header";
        return;
      case "block-header": {
        const type = (value >> 1) & 0b11;
        this.#isLastBlock = (value & 1) === 1;
        const body = (type === RUN_LENGTH ? 1 : value >> 3) + (this.#isLastBlock && this.#hasChecksum ? 4 : 0);
        if (type === COMPRESSED && value >> 3 > 0) {
          this.#field = "literals";
          this.#behindFirst = body - 1;
        } else {
          this.#hasPlainLiterals = false;
          this.#skip = body;
          this.#endsAfterSkip = this.#isLastBlock;
        }
        return;
      }
      case "literals":
        this.#hasPlainLiterals = (value & 0b11) === RAW;
        this.#field = "block-header";
        this.#skip = this.#behindFirst;
        this.#endsAfterSkip = this.#isLastBlock;
        return;
      default:
        this.#field satisfies never;
    }
  }
}

function headerBytes(descriptor: number): number {
  const isSingleSegment = (descriptor & 0b100000) !== 0;
  const contentSizeFlag = descriptor >> 6;
  const contentSizeBytes = contentSizeFlag === 0 ? (isSingleSegment ? 1 : 0) : 2 ** contentSizeFlag;
  const dictionaryIdBytes = DICTIONARY_ID_BYTES[(descriptor & 0b11) as 0 | 1 | 2 | 3];
  return (isSingleSegment ? 0 : 1) + dictionaryIdBytes + contentSizeBytes;
}
