import { SCAN_WORDS } from "@auditsieve/audit";
import type { EventScan } from "@auditsieve/audit";
import { hold, letGo } from "../lines/line-memory.ts";
import type { LineMemory, MemoryPiece } from "../lines/line-memory.ts";
import type { LogLine } from "../lines/log-line.ts";

/** Words of a line: the memory that it stands in, where, the number of its head (doubled) and a flag, what its scan has found. */
const MEMORY = 0;
const START = 1;
const END = 2;
const HEAD = 3;
const SCAN = 4;
const LINE_WORDS = SCAN + SCAN_WORDS;
/** The heap is looked after between two batches, and each line may have several findings. */
const MOST_LINES = 512;
const ENOUGH_BYTES = 2 * 1024 * 1024;
/** Of the words of a batch. */
export const WORD_BYTES: number = MOST_LINES * LINE_WORDS * 4;

/** Events as another thread gets them: nothing of them is copied, and they need not be scanned again. */
export interface SharedLines {
  readonly words: SharedArrayBuffer;
  readonly count: number;
  /** What the lines stand in. */
  readonly memories: readonly SharedArrayBuffer[];
}

/** What is told of a line beside its scan. */
export interface LineNote {
  /** Number of its head, 0 where that is not remembered. */
  readonly head: number;
  /** Whether its Audit-ID is that of another request. */
  readonly isUsedAgain: boolean;
}

/** Gathers events for another thread; their memory is held until {@link LineBatch.release}. */
export class LineBatch {
  readonly words: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #memories: SharedArrayBuffer[] = [];
  readonly #held: { readonly piece: MemoryPiece }[] = [];
  #count = 0;
  bytes = 0;

  /** `words`: {@link WORD_BYTES} that no other batch uses. */
  constructor(words: SharedArrayBuffer) {
    this.words = words;
    this.#words = new Int32Array(words);
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** As many lines are in it as are worth a message. */
  get isFull(): boolean {
    return this.#count === MOST_LINES || this.bytes >= ENOUGH_BYTES;
  }

  /** Adds the event that `scan` holds, which is `line`; `memory` is for lines that stand in none that is shared. */
  add(scan: EventScan, line: LogLine, { head, isUsedAgain }: LineNote, memory: LineMemory): void {
    const { start, end } = line;
    const { buffer } = line.bytes;
    let at = start + line.bytes.byteOffset;
    let shared = buffer;
    if (line.piece !== undefined && buffer instanceof SharedArrayBuffer) {
      hold(line);
      this.#held.push(line as LogLine & { readonly piece: MemoryPiece });
    } else {
      [shared, at] = this.#copy(line, memory);
    }
    const words = this.#words;
    const first = this.#count * LINE_WORDS;
    words[first + MEMORY] = this.#memory(shared as SharedArrayBuffer);
    words[first + START] = at;
    words[first + END] = at + end - start;
    words[first + HEAD] = 2 * head + (isUsedAgain ? 1 : 0);
    scan.write(words, first + SCAN);
    this.#count++;
    this.bytes += end - start;
  }

  share(): SharedLines {
    return { words: this.words, count: this.#count, memories: this.#memories };
  }

  /** The other thread is done with them. */
  release(): void {
    this.#held.forEach(letGo);
    this.#held.length = 0;
  }

  #copy({ bytes, start, end }: LogLine, memory: LineMemory): [SharedArrayBuffer, number] {
    const copied = memory.copy(bytes, start, end);
    if (copied === undefined) {
      const own = new SharedArrayBuffer(end - start);
      bytes.copy(Buffer.from(own), 0, start, end);
      return [own, 0];
    }
    const { piece } = copied;
    hold({ piece });
    this.#held.push({ piece });
    return [piece.bytes.buffer as unknown as SharedArrayBuffer, copied.start];
  }

  /** Lines that follow one another stand mostly in one memory. */
  #memory(memory: SharedArrayBuffer): number {
    const known = this.#memories.lastIndexOf(memory);
    return known === -1 ? this.#memories.push(memory) - 1 : known;
  }
}

/** Has `scan` take over each of the lines, one after the other, and tells what is noted of it. */
export function readLines(
  { words, count, memories }: SharedLines,
  scan: EventScan,
  take: (note: LineNote) => void,
): void {
  const all = new Int32Array(words);
  const buffers = memories.map((memory) => Buffer.from(memory));
  for (let first = 0; first < count * LINE_WORDS; first += LINE_WORDS) {
    const bytes = buffers[all[first + MEMORY] as number] as Buffer;
    scan.read(all, first + SCAN, bytes, all[first + START] as number, all[first + END] as number);
    const noted = all[first + HEAD] as number;
    take({ head: noted >> 1, isUsedAgain: (noted & 1) === 1 });
  }
}
