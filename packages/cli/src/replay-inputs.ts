import { logFormat, openCanonicalLog, openCanonicalLogAt, openLinesAt } from "@auditsieve/ingest/logs";
import { findLogs, hashFile, PassingDigest } from "@auditsieve/replay";
import type { Digest, ReplayLog } from "@auditsieve/replay";
import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { safeText } from "@auditsieve/detect/safe-text";
import { Failure } from "./failure.ts";
import { isReadOnce, logsOrStdin, sayUnreadable } from "./logs.ts";
import { say } from "./output.ts";
import { ownOutput } from "./own-output.ts";
import type { Progress } from "./progress.ts";
import { SameFile } from "./same-file.ts";
import { inputName, STANDARD_INPUT } from "./standard-input.ts";
import { counted } from "./table.ts";

const MAGIC_BYTES = 4;
const READ_BYTES = 512 * 1024;

/** A log of a command. */
export interface ReplayInput extends ReplayLog {
  /** Of standard input and named pipes: what has come in so far, and whether it was read to its end. */
  readonly passed?: () => Digest & { readonly isWhole: boolean };
  /** Of a file: whether another one has been found in its place. */
  readonly isReplaced?: () => boolean;
}

/** The logs of a command, folders searched through, each counted as it is read. */
export async function replayInputs(paths: readonly string[], progress?: Progress): Promise<readonly ReplayInput[]> {
  const named = logsOrStdin(paths);
  const { files, skipped, links, findings, missing } = await findLogs(named.filter((path) => path !== STANDARD_INPUT));
  if (skipped.length > 0) {
    say(`auditsieve: ${counted(skipped.length, "file")} in folders not read: not like a log`);
    say(
      "  hint: Logs end in .log, .json, .jsonl, .ndjson, .gz or .zst, or begin with an event; name a file to have it read whatever it is",
    );
  }
  if (links.length > 0) {
    say(`auditsieve: ${counted(links.length, "link")} in folders not followed`);
    say("  hint: Name the folder or the files that they lead to, as for /var/log/containers");
  }
  if (findings.length > 0) {
    const [first = ""] = findings;
    say(
      `auditsieve: ${counted(findings.length, "file")} in folders not read: ${findings.length === 1 ? "it holds" : "they hold"} findings of auditsieve ("${safeText(first, 500)}"${findings.length === 1 ? "" : " first"})`,
    );
    say("  hint: Their events stand in the logs that they were found in; name a file to have it read whatever it is");
  }
  for (const segment of missing) {
    say(`auditsieve: ${safeText(segment, 500)} is in the index of its store, and is gone: its events are missing`);
  }
  const others = files.filter((path) => !isOwnOutput(path));
  const inputs = named.includes(STANDARD_INPUT) ? [...others, STANDARD_INPUT] : others;
  if (inputs.length === 0) {
    throw new Failure(`Cannot find a log in "${paths.join('", "')}"`, {
      hint: "Logs end in .log, .json, .jsonl, .ndjson, .gz or .zst; name a file to have it read whatever it is called",
    });
  }
  if (progress !== undefined) {
    const sizes = await Promise.all(inputs.map(sizeOf));
    progress.expect(sizes.every((size) => size !== undefined) ? sizes.reduce((sum, size) => sum + size, 0) : undefined);
  }
  return inputs.map((path) =>
    path === STANDARD_INPUT || isReadOnce(path)
      ? passingInput(path, (bytes) => progress?.reached(path, bytes))
      : fileInput(path, progress),
  );
}

/** Says so where it is. */
function isOwnOutput(path: string): boolean {
  const output = ownOutput(path);
  if (output !== undefined) {
    say(`auditsieve: "${safeText(path, 500)}" not read: ${output} is written to it`);
  }
  return output !== undefined;
}

function fileInput(path: string, progress: Progress | undefined): ReplayInput {
  let isMixed = false;
  const onMixed = (): void => {
    isMixed = true;
  };
  const file = new SameFile(path);
  const isSame = async (): Promise<void> => {
    await file.check().catch((error: unknown) => {
      // Whoever reads it for a report says nothing of it.
      sayUnreadable(error);
      throw error;
    });
  };
  return {
    name: path,
    isReplaced: () => file.isReplaced,
    async *open() {
      await isSame();
      yield* openCounted(path, (bytes) => progress?.reached(path, bytes), onMixed);
    },
    async *openAt(offset) {
      await isSame();
      yield* openCountedAt(path, offset, progress);
    },
    async openLines() {
      await isSame();
      // The places of what has been unpacked are none of the file's.
      return isMixed ? undefined : openLinesAt(path);
    },
    digest: async () => (await hashFile(path)).sha256,
  };
}

/** Standard input, or what else is read once and gone. */
function passingInput(path: string, reached: (bytes: number) => void): ReplayInput {
  const name = inputName(path);
  const digest = new PassingDigest();
  let isWhole = false;
  // As it comes in, before it is unpacked: what a file of it would hold.
  async function* watched(): AsyncGenerator<Buffer, void> {
    for await (const chunk of path === STANDARD_INPUT ? process.stdin : createReadStream(path)) {
      digest.add(chunk as Buffer);
      yield chunk as Buffer;
    }
    isWhole = true;
  }
  return {
    name,
    isRepeatable: false,
    passed: () => ({ ...digest.total(), isWhole }),
    async *open() {
      let bytes = 0;
      for await (const chunk of openCanonicalLog(Readable.from(watched(), { objectMode: true }), name)) {
        bytes += chunk.length;
        reached(bytes);
        yield chunk;
      }
    },
  };
}

async function sizeOf(path: string): Promise<number | undefined> {
  const info = path === STANDARD_INPUT ? undefined : await stat(path).catch(() => undefined);
  return path !== STANDARD_INPUT && info === undefined ? 0 : info?.isFile() === true ? info.size : undefined;
}

/** Of a compressed log the bytes read are counted, not those that come out: only their end is known. */
async function* openCounted(
  path: string,
  reached: (bytes: number) => void,
  onMixed: () => void,
): AsyncGenerator<Buffer, void> {
  if (!(await isCompressed(path))) {
    let bytes = 0;
    for await (const chunk of openCanonicalLog(path, path, { onMixed })) {
      bytes += chunk.length;
      reached(bytes);
      yield chunk;
    }
    return;
  }
  const stream = createReadStream(path, { highWaterMark: READ_BYTES });
  for await (const chunk of openCanonicalLog(stream, path)) {
    reached(stream.bytesRead);
    yield chunk;
  }
}

/** What stands before is done already. */
async function* openCountedAt(
  path: string,
  offset: number,
  progress: Progress | undefined,
): AsyncGenerator<Buffer, void> {
  const isPacked = await isCompressed(path);
  let bytes = offset;
  progress?.skip(path, isPacked ? 0 : offset);
  for await (const chunk of openCanonicalLogAt(path, offset)) {
    bytes += chunk.length;
    if (!isPacked) {
      progress?.reached(path, bytes);
    }
    yield chunk;
  }
}

/** False also for what cannot be opened: reading it says why. */
async function isCompressed(path: string): Promise<boolean> {
  const file = await open(path, "r").catch(() => undefined);
  try {
    const head = Buffer.alloc(MAGIC_BYTES);
    const read = await file?.read(head, 0, MAGIC_BYTES, 0).catch(() => undefined);
    return read !== undefined && logFormat(head.subarray(0, read.bytesRead)) !== "plain";
  } finally {
    await file?.close();
  }
}
