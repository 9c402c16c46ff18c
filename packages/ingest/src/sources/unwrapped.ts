import { EnvelopeReader, isJsonObject } from "@auditsieve/audit";
import type { JsonValue } from "@auditsieve/audit";
import type { Checkpoint } from "../state/checkpoint.ts";
import type { RotationStatus, Source, SourceChunk } from "../source.ts";

const NEWLINE = 10;

/** Where the lines that came out end, and where the bytes that they came from do. */
interface Mark {
  readonly lines: number;
  readonly raw: number;
}

/** An input whose envelope is being told, or taken off. */
class Wrapped {
  readonly #reader: EnvelopeReader;
  readonly #marks: Mark[] = [];
  /** Of the lines given so far. */
  #offset: number;
  #hasEnded = false;

  /** `isPart`: what comes is the rest of an input of which lines were given before. */
  constructor(offset: number, isPart: boolean) {
    this.#offset = offset;
    this.#reader = new EnvelopeReader({ isPart });
  }

  get isPlain(): boolean {
    return this.#reader.isPlain;
  }

  write({ input, offset: from, bytes, isLast }: SourceChunk): SourceChunk {
    const offset = this.#offset;
    const lines: Buffer[] = [];
    // Line by line, so that each can be acknowledged for itself.
    for (let start = 0; start < bytes.length;) {
      const newline = this.#reader.isPlain ? -1 : bytes.indexOf(NEWLINE, start);
      const end = newline === -1 ? bytes.length : newline + 1;
      this.#give(lines, this.#reader.write(bytes.subarray(start, end)));
      if (this.#reader.isBetween && newline !== -1) {
        this.#marks.push({ lines: this.#offset, raw: from + end });
      }
      start = end;
    }
    if (isLast) {
      this.#hasEnded = true;
      this.#give(lines, this.#reader.end());
      this.#marks.push({ lines: this.#offset, raw: from + bytes.length });
    }
    return { input, offset, bytes: Buffer.concat(lines), isLast };
  }

  #give(lines: Buffer[], bytes: Buffer): void {
    // It stands in memory that the reader uses again.
    lines.push(Buffer.from(bytes));
    this.#offset += bytes.length;
  }

  /** Whether nothing of it is still to be acknowledged. */
  get isDone(): boolean {
    return this.#hasEnded && this.#marks.length === 0;
  }

  /** The furthest mark that an acknowledgement at `offset` of the lines reaches. */
  reached(offset: number): Mark | undefined {
    let reached: Mark | undefined;
    while ((this.#marks[0]?.lines ?? Infinity) <= offset) {
      reached = this.#marks.shift();
    }
    return reached;
  }
}

/**
 * A source whose inputs may be in an envelope: what comes out are the lines of canonical events, as of an archive. An input of events
 * a line passes as it is, with the same offsets and, from its second chunk on, in the same buffers. Of one in an envelope the offsets count the lines that come
 * out, over restarts too; it is acknowledged line by line where each line has an envelope of its own, and only at its end where
 * the whole is one document.
 *
 * @example
 * const source = unwrapped(createFileTail({ name: "audit", path, checkpoint }), checkpoint);
 */
export function unwrapped(source: Source, checkpoint: Checkpoint): Source {
  const section = `source/${source.name}/envelope`;
  const before = decodeMark(checkpoint.get(section));
  const inputs = new Map<string, Wrapped>();
  /** Inputs that are no longer looked at: they hold events a line. */
  const plain = new Set<string>();
  return {
    name: source.name,
    get hasCaughtUp() {
      return source.hasCaughtUp;
    },
    async *open(signal) {
      for await (const chunk of source.open(signal)) {
        const { input, offset, isLast } = chunk;
        if (plain.has(input)) {
          yield chunk;
        } else {
          const isResumed = before?.input === input && before.raw === offset;
          const wrapped = inputs.get(input) ?? new Wrapped(isResumed ? before.lines : offset, isResumed);
          inputs.set(input, wrapped);
          const given = wrapped.write(chunk);
          if (wrapped.isPlain) {
            inputs.delete(input);
            plain.add(input);
          }
          if (given.bytes.length > 0 || isLast) {
            yield given;
          }
        }
        if (isLast) {
          plain.delete(input);
        }
      }
    },
    async ack(input, offset) {
      const wrapped = inputs.get(input);
      if (wrapped === undefined) {
        await source.ack(input, offset);
        return;
      }
      const mark = wrapped.reached(offset);
      if (mark !== undefined) {
        if (wrapped.isDone) {
          inputs.delete(input);
        }
        // Written with the next save, which is that of the source itself.
        checkpoint.put(section, { input, lines: mark.lines, raw: mark.raw });
        await source.ack(input, mark.raw);
      }
    },
    close: () => source.close(),
    ...(source.rotation && { rotation: () => source.rotation?.() as RotationStatus }),
  };
}

function decodeMark(section: JsonValue | undefined): (Mark & { readonly input: string }) | undefined {
  if (!isJsonObject(section)) {
    return undefined;
  }
  const { input, lines, raw } = section;
  return typeof input === "string" && typeof lines === "number" && typeof raw === "number"
    ? { input, lines, raw }
    : undefined;
}
