import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createInterface } from "node:readline";
import { fileError, systemCode } from "../errors.ts";
import type { Delivery } from "../sink.ts";
import { NdjsonFile } from "../logs/ndjson-file.ts";
import type { NdjsonFiles } from "../logs/ndjson-file.ts";
import { sealDocument } from "./sealed-letter.ts";
import type { LetterSeal } from "./sealed-letter.ts";

/** A delivery that a sink refused for good. */
export interface DeadLetter {
  readonly delivery: Delivery;
  readonly sink: string;
  readonly reason: string;
  readonly detail?: string;
  readonly source: string;
  readonly input: string;
  /** Where its line starts in the input. */
  readonly offset: number;
}

/** A line over the limit, of which a reduced event is delivered. */
export interface QuarantinedLine {
  readonly id: string;
  readonly source: string;
  readonly input: string;
  readonly offset: number;
  readonly bytes: number;
  readonly sha256: string;
  /** Whether its raw bytes are in the quarantine too, under its id. */
  readonly isSealed?: boolean;
}

/** What a pipeline writes beside the sinks; each promise resolves when the lines are on the disk. */
export interface SideLogs {
  /** Whether a delivery was put aside by an earlier run: then it is not sent again. Without it none was. */
  isDeadLettered?(sink: string, id: string): boolean;
  deadLetter(letters: readonly DeadLetter[]): Promise<void>;
  quarantine(lines: readonly QuarantinedLine[]): Promise<void>;
  close(): Promise<void>;
}

/**
 * Dead letters and quarantine as NDJSON files. A dead letter holds its id, reason, source, offset and the redacted
 * document, so that it can be delivered again later under the same id; sealed where there is a key. Quarantine holds size, hash and place only.
 */
export function openSideLogs(paths: {
  readonly deadLetter: string;
  readonly quarantine: string;
  readonly files?: NdjsonFiles;
  /** What {@link readDeadLetterIds} found. */
  readonly earlier?: ReadonlySet<string>;
  /** Seals the documents of dead letters. Without it they stand there in the clear, redacted. */
  readonly seal?: LetterSeal | undefined;
}): SideLogs {
  const files = paths.files === undefined ? {} : { files: paths.files };
  const dead = new NdjsonFile({ path: paths.deadLetter, ...files });
  const quarantine = new NdjsonFile({ path: paths.quarantine, ...files });
  return {
    isDeadLettered: (sink, id) => paths.earlier?.has(`${sink}/${id}`) === true,
    deadLetter: (letters) => dead.append(letters.map((letter) => letterLine(letter, paths.seal))),
    quarantine: (lines) => quarantine.append(lines.map((line) => Buffer.from(JSON.stringify(line)))),
    async close(): Promise<void> {
      await Promise.all([dead.close(), quarantine.close()]);
    },
  };
}

/** A line of the dead letters. The document is spliced in as it is: parsing and writing it again would change its numbers. */
export function letterLine({ delivery, ...letter }: DeadLetter, seal?: LetterSeal): Buffer {
  const { id, kind, time, document } = delivery;
  if (seal !== undefined) {
    // What a sink says of a document may quote it.
    const { detail, ...place } = letter;
    return Buffer.from(JSON.stringify({ id, kind, time, ...place, ...sealDocument(delivery, detail, seal) }));
  }
  const head = JSON.stringify({ id, kind, time, ...letter });
  return Buffer.concat([Buffer.from(`${head.slice(0, -1)},"document":`), document, Buffer.from("}")]);
}

/** More than what can be dead-lettered behind an acknowledged position. */
const TAIL_BYTES = 128 * 1024 * 1024;

/** The last dead letters of a file, each as `<sink>/<id>`: those of lines that are not acknowledged are among them. */
export async function readDeadLetterIds(path: string): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  let size: number;
  try {
    size = (await stat(path)).size;
  } catch (error) {
    if (systemCode(error) === "ENOENT") {
      return ids;
    }
    throw fileError("read dead letters", path, error);
  }
  const input = createReadStream(path, { start: Math.max(0, size - TAIL_BYTES) });
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    // The fields before the document are ours.
    const sink = /^\{"id":"([0-9a-f]{32})".*?"sink":"([a-z0-9-]+)"/.exec(line.slice(0, HEAD_LENGTH));
    if (sink !== null) {
      ids.add(`${sink[2]}/${sink[1]}`);
    }
  }
  return ids;
}

const HEAD_LENGTH = 2000;
