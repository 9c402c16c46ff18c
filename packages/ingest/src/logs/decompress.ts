import { ArchiveFailures } from "./archive-failures.ts";
import { ArchiveInput, ENGINE_WRITE_BYTES } from "./archive-input.ts";
import { beginsText, TEXT_HEAD_BYTES } from "./archive-magic.ts";
import { ArchivePart } from "./archive-part.ts";
import { partWalk } from "./archive-walk.ts";
import type { PartWalk } from "./archive-walk.ts";
import { bytesFrom } from "./bytes-from.ts";
import type { ReadFrom } from "./bytes-from.ts";
import { HeldOutput } from "./held-output.ts";
import type { Refutes } from "./held-output.ts";
import { KeptBytes } from "./kept-bytes.ts";
import { lastOutput } from "./last-slice.ts";
import { LineEnds } from "./line-ends.ts";
import type { ArchiveFormat } from "./log-format.ts";
import { notGiven } from "./not-given.ts";

/** Parts that turn out to be none, one after the other: what looks like the beginning of one hardly ever is none by chance. */
const MOST_FRUITLESS = 100;
/** Compressed bytes that are read twice, beyond as many as there are: only what is made to cost time has more. */
const MOST_READ_AGAIN = 16 * 1024 * 1024;
/** Of what cannot be read twice. So many packed bytes are over ten times as many of a log. */
const MOST_KEPT = 32 * 1024 * 1024;
/** Written at once where damage costs the output of one write, as nothing can be read again. With less the engine takes a third longer. */
const FEW_BYTES = 4096;

/** How {@link decompress} reads. */
export interface DecompressOptions {
  /** Gives the compressed bytes from an offset on once more. */
  readonly reopen?: ((offset: number) => AsyncGenerator<Buffer, void>) | undefined;
  /** Where in the input the compressed bytes begin. Default 0. */
  readonly from?: number;
  /** Compressed bytes that are kept of what cannot be read twice; for tests. */
  readonly mostKept?: number;
}

/**
 * The decompressed bytes of an archive: all members of a gzip one, all frames of a zstd one; both, and logs that are not packed, may follow
 * one another in it. Where it is damaged, reading goes on with the
 * next one that begins behind; where one is cut off, with the one that begins there, although an engine only fails some way
 * behind, on bytes of that one. NUL between members is padding. Throws at the end what was wrong first, and how often. `reopen` gives
 * the compressed bytes from an offset on, where that is possible; else the last 32 MiB are kept. All comes out that stands before the damage
 * but where more than these stand before it in a member or frame that cannot be read twice: then not what stands in the 4 KiB around it.
 */
export async function* decompress(
  compressed: AsyncGenerator<Buffer, void>,
  format: ArchiveFormat,
  name: string,
  { reopen, from = 0, mostKept = MOST_KEPT }: DecompressOptions = {},
): AsyncGenerator<Buffer, void> {
  const kept = reopen === undefined ? new KeptBytes(mostKept, from) : undefined;
  const readFrom = reopen ?? ((offset: number) => (kept as KeptBytes).from(offset));
  const input = new ArchiveInput(kept?.keep(compressed) ?? compressed, from);
  const failures = new ArchiveFailures(format, name);
  const lines = new LineEnds();
  let readAgain = 0;
  let next: ArchiveFormat | "plain" | undefined = format;
  for (let fruitless = 0; fruitless < MOST_FRUITLESS && next !== undefined;) {
    const before = lines.bytes;
    if (next === "plain") {
      for await (const text of plainPart(input)) {
        lines.add(text);
        yield text;
      }
      next = input.beginning === "plain" ? undefined : input.beginning;
      continue;
    }
    failures.format = next;
    const start = input.offset;
    const part = new ArchivePart(next);
    const walk = partWalk(next, name, start);
    const held = new HeldOutput();
    for await (const chunk of part.chunks(() => nextSlice(input, walk, part, held, kept))) {
      for (const sure of held.take(chunk)) {
        lines.add(sure);
        yield sure;
      }
    }
    let behind = start + part.bytesRead;
    const isCheap = readAgain <= MOST_READ_AGAIN + start;
    const isBroken = part.failure !== undefined || held.isProven;
    const again = isBroken && isCheap ? held.offset : undefined;
    if (again === undefined) {
      held.release();
    }
    for (const sure of held.takeSure()) {
      lines.add(sure);
      yield sure;
    }
    let text: number | undefined;
    let rest: Buffer | undefined;
    if (again === undefined && part.hasBroken && isCheap) {
      const slice = {
        before: input.lastOffset - walk.offset,
        length: input.offset - input.lastOffset,
        made: walk.made(part.bytes),
      };
      readAgain += slice.before;
      const last = lastOutput(next, readFrom(walk.offset), slice);
      let read = await last.next();
      for (; read.done !== true; read = await last.next()) {
        lines.add(read.value);
        yield read.value;
      }
      if (read.value.read > 0) {
        behind = walk.offset + read.value.read;
        if (next === "gzip") {
          text = await textBehind(readFrom, behind, read.value.made);
          rest = text === undefined ? await notGiven(readFrom, behind, lines.recent) : undefined;
        }
      }
    }
    fruitless = lines.bytes > before ? 0 : fruitless + 1;
    const hasFailed = isBroken && text === undefined;
    if (text !== undefined) {
      input.goBack(text);
      next = "plain";
    } else if (again !== undefined) {
      readAgain += input.offset - again;
      input.goBack(again);
      rest = next === "gzip" ? await notGiven(readFrom, again, lines.recent) : undefined;
      next = input.beginning ?? "plain";
      failures.cut(walk.offset, again, next);
    } else {
      if (part.failure !== undefined) {
        failures.add(part.failure, lines.bytes);
      }
      input.goBack(behind);
      if (rest !== undefined) {
        next = "plain";
      } else if (part.failure === undefined && (await input.isText(behind))) {
        next = "plain";
      } else {
        const sought = await input.seek(Math.max(behind, start + 1));
        next = sought.found;
        if (!sought.isPadding && part.failure === undefined) {
          failures.gap(behind);
        }
      }
    }
    input.keepFrom(Infinity);
    if (hasFailed && next !== undefined && lines.bytes > before && rest?.length !== 0) {
      // A torn line must not cost the first one behind the damage.
      const end = lines.end();
      if (end.length > 0) {
        yield end;
      }
    }
    if (rest !== undefined) {
      lines.add(rest);
      yield rest;
    }
  }
  failures.throw();
}

/** A log that is not packed, up to where a part of an archive begins. */
async function* plainPart(input: ArchiveInput): AsyncGenerator<Buffer, void> {
  for (let slice = await input.next({ isPlain: true }); slice !== undefined;) {
    yield slice;
    slice = await input.next({ isPlain: true });
    if (slice !== undefined && input.beginning !== undefined && input.beginning !== "plain") {
      input.goBack(input.lastOffset);
      return;
    }
  }
}

const WORD_BYTES = 4;
const WORD = 2 ** 32;

/**
 * Where a log begins that stands behind a whole gzip member, of which so many bytes were `made`: an engine takes it for another member, and fails
 * on its first bytes, before `failedAt`. A member ends with the length of what it holds.
 */
async function textBehind(readFrom: ReadFrom, failedAt: number, made: number): Promise<number | undefined> {
  for (const end of [failedAt - 1, failedAt - 2, failedAt - 3].filter((each) => each >= WORD_BYTES)) {
    const bytes = await bytesFrom(readFrom, end - WORD_BYTES, end + TEXT_HEAD_BYTES);
    if (bytes.length > WORD_BYTES && bytes.readUInt32LE(0) === made % WORD && beginsText(bytes.subarray(WORD_BYTES))) {
      return end;
    }
  }
  return undefined;
}

/** So many letters tell. */
const TELLING_BYTES = 16;

/**
 * Letters stand in archives as they are where these are not packed in truth: of gzip the same come out; of zstd something does, when the block that they
 * stand in has been found whole.
 */
function refutedBy(format: ArchiveFormat, head: Buffer): Refutes {
  if (format === "zstd") {
    return () => true;
  }
  const letters = Buffer.from(head.subarray(0, TELLING_BYTES));
  return (output) => output.subarray(0, TELLING_BYTES).equals(letters.subarray(0, output.length));
}

/** The next slice for the part; what comes of it is held if another one may begin there before this one has ended. */
async function nextSlice(
  input: ArchiveInput,
  walk: PartWalk,
  part: ArchivePart,
  held: HeldOutput,
  kept: KeptBytes | undefined,
): Promise<Buffer | undefined> {
  if (held.isProven) {
    return undefined;
  }
  const isKept = kept === undefined || input.offset + ENGINE_WRITE_BYTES - walk.offset <= kept.most;
  const slice = await input.next(isKept ? {} : { most: FEW_BYTES });
  if (slice === undefined) {
    walk.end(input.offset);
    return undefined;
  }
  const offset = input.offset - slice.length;
  const { beginning, head, wordBefore } = input;
  const place = { offset, beginning, head, wordBefore, made: part.bytes };
  if (walk.endsBefore(place)) {
    input.goBack(offset);
    return undefined;
  }
  const { length, isDoubtful } = walk.take(slice, place);
  if (walk.isBetween) {
    held.release();
    kept?.forgetBefore(walk.offset);
  }
  if (isDoubtful) {
    held.hold(offset, part.bytes, beginning === "plain" ? refutedBy(walk.format, head) : undefined);
  }
  held.expire(input.offset);
  input.keepFrom(held.offset ?? Infinity);
  input.goBack(offset + length);
  return slice.subarray(0, length);
}
