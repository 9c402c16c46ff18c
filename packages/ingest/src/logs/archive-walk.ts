import { damagedArchive, truncatedArchive } from "./archive-failures.ts";
import { logFormat } from "./log-format.ts";
import type { ArchiveFormat } from "./log-format.ts";
import { ZstdFrames } from "./zstd-frames.ts";

/** What is known about the place where a slice stands. */
export interface SlicePlace {
  readonly offset: number;
  /** What may begin with it. */
  readonly beginning: ArchiveFormat | "plain" | undefined;
  /** The first bytes from there on. */
  readonly head: Buffer;
  /** The four bytes before it. */
  readonly wordBefore: number | undefined;
  /** Decompressed bytes of the part so far. */
  readonly made: number;
}

/** Tells where the members or frames of an archive begin and end, without decompressing. */
export interface PartWalk {
  readonly format: ArchiveFormat;
  /** Where the one in hand begins. */
  readonly offset: number;
  /** Whether one ended right before the last slice. */
  readonly isBetween: boolean;
  /** Takes the next slice, or as much of it as belongs to the one in hand: gives the length, and whether another one may begin in this one. */
  take(slice: Buffer, place: SlicePlace): { readonly length: number; readonly isDoubtful: boolean };
  /** Whether the archive has ended before the next slice, which is not of its format. */
  endsBefore(place: SlicePlace): boolean;
  /** How many of the decompressed bytes of the part are of the one in hand. */
  made(bytes: number): number;
  /** The input has ended. Throws if that is no end. */
  end(offset: number): void;
}

/** Of the archive `name`, from the part on that begins at `start`. */
export function partWalk(format: ArchiveFormat, name: string, start: number): PartWalk {
  return format === "gzip" ? new GzipWalk(start) : new ZstdWalk(name, start);
}

/** What gzip writes before and behind what it has packed. */
const GZIP_BYTES = 18;
const WORD = 2 ** 32;

class GzipWalk implements PartWalk {
  readonly format = "gzip";
  readonly #start: number;
  offset: number;
  isBetween = true;
  #made = 0;

  constructor(start: number) {
    this.#start = start;
    this.offset = start;
  }

  endsBefore(place: SlicePlace): boolean {
    return place.beginning !== undefined && place.beginning !== "gzip" && this.#isEnd(place);
  }

  take({ length }: Buffer, place: SlicePlace): ReturnType<PartWalk["take"]> {
    const { offset, beginning, made } = place;
    this.isBetween = offset === this.#start || (beginning === "gzip" && this.#isEnd(place));
    if (this.isBetween) {
      this.offset = offset;
      this.#made = made;
    }
    return { length, isDoubtful: beginning !== undefined && !this.isBetween };
  }

  /** A member ends with the length of what it holds. */
  #isEnd({ offset, wordBefore, made }: SlicePlace): boolean {
    return offset - this.offset >= GZIP_BYTES && wordBefore === (made - this.#made) % WORD;
  }

  made(bytes: number): number {
    return bytes - this.#made;
  }

  end(): void {
    // The engine knows.
  }
}

class ZstdWalk implements PartWalk {
  readonly format = "zstd";
  readonly #name: string;
  readonly #frames = new ZstdFrames();
  readonly #start: number;
  offset: number;
  isBetween = true;
  #made = 0;

  constructor(name: string, start: number) {
    this.#name = name;
    this.#start = start;
    this.offset = start;
  }

  endsBefore({ offset, head }: SlicePlace): boolean {
    return offset > this.#start && !this.#frames.isInFrame && logFormat(head) !== "zstd";
  }

  take(slice: Buffer, { offset, beginning, made }: SlicePlace): ReturnType<PartWalk["take"]> {
    this.isBetween = !this.#frames.isInFrame;
    if (this.isBetween) {
      this.offset = offset;
      this.#made = made;
    }
    // What letters in a block would make of a line is none that was written.
    const isDoubtful =
      beginning !== undefined && !this.isBetween && !(beginning === "plain" && this.#frames.hasPlainLiterals);
    const length = this.#frames.next(slice, 0);
    if (this.#frames.isDamaged) {
      throw damagedArchive(this.#name, `no zstd frame begins at compressed offset ${this.offset}`);
    }
    return { length, isDoubtful };
  }

  made(bytes: number): number {
    return bytes - this.#made;
  }

  end(offset: number): void {
    if (this.#frames.isInFrame) {
      throw truncatedArchive("zstd", this.#name, `${offset} compressed bytes`);
    }
  }
}
