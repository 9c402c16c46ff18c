import { ArchiveFailures } from "./archive-failures.ts";
import { ArchiveInput } from "./archive-input.ts";
import { ArchivePart } from "./archive-part.ts";
import { partWalk } from "./archive-walk.ts";
import type { PartWalk } from "./archive-walk.ts";
import { HeldOutput } from "./held-output.ts";
import { KeptBytes } from "./kept-bytes.ts";
import { lastOutput } from "./last-slice.ts";
import { LineEnds } from "./line-ends.ts";
import type { ArchiveFormat } from "./log-format.ts";

/** Parts that turn out to be none, one after the other: what looks like the beginning of one hardly ever is none by chance. */
const MOST_FRUITLESS = 100;
/** Compressed bytes that are read twice, beyond as many as there are: only what is made to cost time has more. */
const MOST_READ_AGAIN = 16 * 1024 * 1024;
/** Of what cannot be read twice. So many packed bytes are over ten times as many of a log. */
const MOST_KEPT = 32 * 1024 * 1024;

/**
 * The decompressed bytes of an archive: all members of a gzip one, all frames of a zstd one. Where it is damaged, reading goes on with the
 * next one that begins behind; where one is cut off, with the one that begins there, although an engine only fails some way
 * behind, on bytes of that one. NUL between members is padding. Throws at the end what was wrong first, and how often. `reopen` gives
 * the compressed bytes from an offset on, where that is possible; else the last 32 MiB are kept. All comes out that stands before the damage
 * but where more than these stand before it in a member or frame that cannot be read twice: then not what stands in the 16 KiB around it.
 */
export async function* decompress(
  compressed: AsyncGenerator<Buffer, void>,
  format: ArchiveFormat,
  name: string,
  reopen?: (offset: number) => AsyncGenerator<Buffer, void>,
): AsyncGenerator<Buffer, void> {
  const kept = reopen === undefined ? new KeptBytes(MOST_KEPT) : undefined;
  const input = new ArchiveInput(kept?.keep(compressed) ?? compressed, format);
  const failures = new ArchiveFailures(format, name);
  const lines = new LineEnds();
  let readAgain = 0;
  for (let fruitless = 0; fruitless < MOST_FRUITLESS;) {
    const start = input.offset;
    const before = lines.bytes;
    const part = new ArchivePart(format);
    const walk = partWalk(format, name, start);
    const held = new HeldOutput();
    for await (const chunk of part.chunks(() => nextSlice(input, walk, part, held, kept))) {
      for (const sure of held.take(chunk)) {
        lines.add(sure);
        yield sure;
      }
    }
    const behind = start + part.bytesRead;
    const again = part.failure === undefined || readAgain > MOST_READ_AGAIN + start ? undefined : held.offset;
    if (again === undefined) {
      held.release();
    }
    for (const sure of held.takeSure()) {
      lines.add(sure);
      yield sure;
    }
    if (again === undefined && part.hasBroken && readAgain <= MOST_READ_AGAIN + start) {
      const slice = {
        before: input.lastOffset - walk.offset,
        length: input.offset - input.lastOffset,
        made: walk.made(part.bytes),
      };
      readAgain += slice.before;
      for await (const chunk of lastOutput(
        format,
        reopen?.(walk.offset) ?? (kept as KeptBytes).from(walk.offset),
        slice,
      )) {
        lines.add(chunk);
        yield chunk;
      }
    }
    fruitless = lines.bytes > before ? 0 : fruitless + 1;
    if (again !== undefined) {
      failures.cut(walk.offset, again);
      readAgain += input.offset - again;
      input.goBack(again);
    } else {
      if (part.failure !== undefined) {
        failures.add(part.failure, lines.bytes);
      }
      input.goBack(behind);
      const { isFound, isPadding } = await input.seek(Math.max(behind, start + 1));
      if (!isPadding && part.failure === undefined) {
        failures.gap(behind);
      }
      if (!isFound) {
        break;
      }
    }
    input.keepFrom(Infinity);
    if (part.failure !== undefined && lines.bytes > before) {
      // A torn line must not cost the first one behind the damage.
      const end = lines.end();
      if (end.length > 0) {
        yield end;
      }
    }
  }
  failures.throw();
}

/** The next slice for the part; what comes of it is held if another one may begin there before this one has ended. */
async function nextSlice(
  input: ArchiveInput,
  walk: PartWalk,
  part: ArchivePart,
  held: HeldOutput,
  kept: KeptBytes | undefined,
): Promise<Buffer | undefined> {
  const slice = await input.next();
  if (slice === undefined) {
    walk.end(input.offset);
    return undefined;
  }
  const offset = input.offset - slice.length;
  const { isBeginning, wordBefore } = input;
  const { length, isDoubtful } = walk.take(slice, { offset, isBeginning, wordBefore, made: part.bytes });
  if (walk.isBetween) {
    held.release();
    kept?.forgetBefore(walk.offset);
  }
  if (isDoubtful) {
    held.hold(offset, part.bytes);
  }
  held.expire(input.offset);
  input.keepFrom(held.offset ?? Infinity);
  input.goBack(offset + length);
  return slice.subarray(0, length);
}
