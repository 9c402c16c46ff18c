import type { Delivery } from "../sink.ts";
import { NdjsonFile } from "./ndjson-file.ts";
import type { NdjsonFiles } from "./ndjson-file.ts";

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
}

/** What a pipeline writes beside the sinks; each promise resolves when the lines are on the disk. */
export interface SideLogs {
  deadLetter(letters: readonly DeadLetter[]): Promise<void>;
  quarantine(lines: readonly QuarantinedLine[]): Promise<void>;
  close(): Promise<void>;
}

/**
 * Dead letters and quarantine as NDJSON files. A dead letter holds its id, reason, source, offset and the redacted
 * document, so that it can be delivered again later under the same id. Quarantine holds size, hash and place only.
 */
export function openSideLogs(paths: {
  readonly deadLetter: string;
  readonly quarantine: string;
  readonly files?: NdjsonFiles;
}): SideLogs {
  const files = paths.files === undefined ? {} : { files: paths.files };
  const dead = new NdjsonFile({ path: paths.deadLetter, ...files });
  const quarantine = new NdjsonFile({ path: paths.quarantine, ...files });
  return {
    deadLetter: (letters) => dead.append(letters.map(letterLine)),
    quarantine: (lines) => quarantine.append(lines.map((line) => Buffer.from(JSON.stringify(line)))),
    async close(): Promise<void> {
      await Promise.all([dead.close(), quarantine.close()]);
    },
  };
}

/** The document is spliced in as it is: parsing and writing it again would change its numbers. */
function letterLine({ delivery, ...letter }: DeadLetter): Buffer {
  const { id, kind, time, document } = delivery;
  const head = JSON.stringify({ id, kind, time, ...letter });
  return Buffer.concat([Buffer.from(`${head.slice(0, -1)},"document":`), document, Buffer.from("}")]);
}
