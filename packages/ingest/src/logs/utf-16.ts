import { looksForeign } from "./foreign-part.ts";
import { isUtf16 } from "./log-format.ts";
import { isLetter } from "./text-bytes.ts";
import { findUtf16 } from "./utf-16-run.ts";

const NEWLINE = 10;
const NOTHING: Buffer = Buffer.alloc(0);
/** With which an apiserver begins every line, in UTF-8. */
const LINE = Buffer.from('{"kind":"Event"');
/** So many bytes behind a line's end tell whether they are letters of UTF-8. */
const LETTERS = 8;
/** What may be the beginning of either is held until more has come. */
const HELD_BYTES = 32;

/**
 * Text that is in UTF-16 from its beginning or from some place on (a log that some Windows tools append to), with or without a byte order
 * mark, in UTF-8 and without that mark, up to where it is in UTF-8 again; anything else as it is, in the same buffers. `onWide` is told that
 * some was.
 */
export async function* asUtf8(chunks: AsyncIterable<Buffer>, onWide?: () => void): AsyncGenerator<Buffer, void> {
  let held = NOTHING;
  let wide: WideText | undefined;
  let isFirst = true;
  let failure: unknown;
  try {
    for await (const chunk of chunks) {
      let rest = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      held = NOTHING;
      if (isFirst && rest.length < 2) {
        held = Buffer.from(rest);
        continue;
      }
      while (rest.length > 0) {
        if (wide === undefined) {
          const isForeign = looksForeign(rest, isFirst);
          const run = isForeign ? beginningOf(rest, isFirst) : undefined;
          isFirst = false;
          const behind = run?.start ?? (isForeign ? unsureFrom(rest) : rest.length);
          if (behind > 0) {
            yield behind === rest.length ? rest : rest.subarray(0, behind);
          }
          wide = run && new WideText(run.isLittle);
          if (run === undefined) {
            held = Buffer.from(rest.subarray(behind));
            break;
          }
          onWide?.();
          rest = rest.subarray(behind);
        } else {
          const { text, behind, isOver } = wide.take(rest);
          if (text.length > 0) {
            yield text;
          }
          rest = rest.subarray(behind);
          if (!isOver) {
            held = Buffer.from(rest);
            break;
          }
          wide = undefined;
        }
      }
    }
  } catch (error) {
    failure = error;
  }
  const last = wide?.end(held) ?? held;
  if (last.length > 0) {
    yield last;
  }
  if (failure !== undefined) {
    throw failure;
  }
}

function beginningOf(
  bytes: Buffer,
  isFirst: boolean,
): { readonly start: number; readonly isLittle: boolean } | undefined {
  return isFirst && isUtf16(bytes) ? { start: 0, isLittle: bytes[0] === 0xff } : findUtf16(bytes);
}

/** From where on it cannot be told yet whether text in UTF-16 begins. */
function unsureFrom(bytes: Buffer): number {
  const from = Math.max(0, bytes.length - HELD_BYTES);
  const nul = bytes.indexOf(0, from);
  return nul === -1 || bytes.subarray(nul).every((byte) => byte === 0) ? bytes.length : Math.max(0, nul - 3);
}

/** Text in UTF-16 up to where it is in UTF-8. */
class WideText {
  readonly #isLittle: boolean;
  readonly #decoder: InstanceType<typeof TextDecoder>;
  #isLineEnded = true;

  constructor(isLittle: boolean) {
    this.#isLittle = isLittle;
    this.#decoder = new TextDecoder(isLittle ? "utf-16le" : "utf-16be");
  }

  /** Takes as much as can be told, from a letter's first byte on; `isOver`: what stands `behind` is in UTF-8. */
  take(bytes: Buffer): { readonly text: Buffer; readonly behind: number; readonly isOver: boolean } {
    const over = this.#findUtf8(bytes);
    const behind = over ?? Math.max(0, (bytes.length - HELD_BYTES) & ~1);
    const text = this.#decode(bytes.subarray(0, behind), over !== undefined);
    return { text, behind, isOver: over !== undefined };
  }

  /** The input has ended with these. */
  end(bytes: Buffer): Buffer {
    const over = this.#findUtf8(bytes) ?? bytes.length;
    return Buffer.concat([Buffer.from(this.#decoder.decode(bytes.subarray(0, over))), bytes.subarray(over)]);
  }

  #decode(bytes: Buffer, isLast: boolean): Buffer {
    const text = Buffer.from(this.#decoder.decode(bytes, { stream: !isLast }));
    this.#isLineEnded = text.length === 0 ? this.#isLineEnded : text.at(-1) === NEWLINE;
    // A torn line must not cost the next one.
    return isLast && !this.#isLineEnded ? Buffer.concat([text, Buffer.of(NEWLINE)]) : text;
  }

  /** Behind a line's end stand letters, two of which would be one. */
  #findUtf8(bytes: Buffer): number | undefined {
    const line = bytes.indexOf(LINE);
    const before = line === -1 ? bytes : bytes.subarray(0, line + LETTERS);
    for (let at = before.indexOf(NEWLINE); at !== -1; at = before.indexOf(NEWLINE, at + 1)) {
      const first = this.#isLittle ? at : at - 1;
      const behind = first + 2;
      const isEnd = first % 2 === 0 && first >= 0 && bytes[this.#isLittle ? at + 1 : first] === 0;
      if (isEnd && behind + LETTERS <= before.length && before.subarray(behind, behind + LETTERS).every(isLetter)) {
        return behind;
      }
    }
    return line === -1 ? undefined : line;
  }
}
