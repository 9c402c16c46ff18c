import { STORED } from "../sink.ts";
import type { Delivery, ItemResult, Sink } from "../sink.ts";

/** Options of {@link createStdoutSink}. */
export interface StdoutSinkOptions {
  readonly name: string;
  /** Resolves when the bytes were taken; injected, because this room does not know the process. */
  readonly write: (bytes: Buffer | string) => Promise<void>;
  /** What is printed of a delivery, without newline; undefined for nothing. Default: its document. */
  readonly format?: (delivery: Delivery) => string | undefined;
}

const NEWLINE = Buffer.from("\n");

/**
 * Prints deliveries, a line each. At least once: what was printed before a crash and not acknowledged is printed again.
 *
 * @example
 * const sink = createStdoutSink({ name: "stdout", write: async (bytes) => void printed.push(bytes) });
 * await sink.write([delivery], new AbortController().signal);
 */
export function createStdoutSink({ name, write, format }: StdoutSinkOptions): Sink {
  let writing: Promise<void> = Promise.resolve();
  return {
    name,
    async write(batch: readonly Delivery[], signal: AbortSignal): Promise<readonly ItemResult[]> {
      signal.throwIfAborted();
      const text =
        format === undefined
          ? Buffer.concat(batch.flatMap(({ document }) => [document, NEWLINE]))
          : batch
              .flatMap((delivery) => format(delivery) ?? [])
              .map((line) => `${line}\n`)
              .join("");
      if (text.length > 0) {
        // One after the other: a line is never torn by another.
        const turn = writing.then(() => write(text));
        writing = turn.catch(() => undefined);
        await turn;
      }
      return batch.map(() => STORED);
    },
    close: () => writing,
  };
}
