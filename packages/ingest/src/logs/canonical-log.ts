import type { Readable } from "node:stream";
import { EnvelopeReader } from "@auditsieve/audit";
import { IngestError } from "../errors.ts";
import { openLog } from "./log-file.ts";
import type { OpenLogOptions } from "./log-file.ts";
import type { Pipe } from "./pipe.ts";

/**
 * The bytes of a log as one canonical event a line, whatever it is packed in and whatever envelope a provider or the audit webhook
 * put around the events. A log that is of events a line already comes byte for byte, in the same buffers.
 *
 * Contract as of {@link openLog}; of a document that is cut off or damaged everything readable is yielded first, the rest as
 * lines that cannot be decided, and then an {@link IngestError} says where the damage is.
 *
 * @example
 * const lines: string[] = [];
 * for await (const chunk of openCanonicalLog(Readable.from([Buffer.from('{"kind":"EventList","items":[{"level":"None"}]}')]))) {
 *   lines.push(chunk.toString());
 * }
 * assert.deepEqual(lines, ['{"level":"None"}\n']);
 */
export async function* openCanonicalLog(
  log: string | Readable | Pipe,
  name: string = typeof log === "string" ? log : "standard input",
  options: OpenLogOptions = {},
): AsyncGenerator<Buffer, void> {
  const raw = openLog(log, name, options);
  const reader = new EnvelopeReader();
  let failure: unknown;
  try {
    for (;;) {
      const next = await raw.next();
      if (next.done === true) {
        break;
      }
      const lines = reader.write(next.value);
      if (lines.length > 0) {
        yield lines;
      }
      if (reader.isPlain) {
        yield* raw;
        return;
      }
    }
  } catch (error) {
    // An archive that is cut off: what came before it is whole up to here.
    failure = error;
  } finally {
    await raw.return();
  }
  const rest = reader.end();
  if (rest.length > 0) {
    yield rest;
  }
  if (failure !== undefined) {
    throw failure;
  }
  if (reader.problem !== undefined) {
    const { kind, message, hint } = reader.problem;
    const code = kind === "cut-off" ? "truncated-archive" : "unreadable";
    throw new IngestError(code, `Cannot read "${name}" as a whole: ${message}`, { path: name, hint });
  }
}
