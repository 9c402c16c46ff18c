import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { fileError } from "../errors.ts";
import { isSeekable } from "./canonical-log-at.ts";

/** Gives lines and bytes of a log by where they stand. */
export interface LinesAt {
  /**
   * A copy of the line that begins at `offset`, without its newline; undefined behind the end, and where it is longer than 16 MiB. Throws an
   * {@link IngestError} when the file cannot be read.
   */
  lineAt(offset: number): Buffer | undefined;
  /** Bytes of the log when it was opened. */
  readonly size: number;
  /** Fills `target` with what stands at `offset`; gives how many bytes there were, fewer only at the end. Throws as `lineAt`. */
  readAt(target: Buffer, offset: number): number;
  close(): void;
}

const NEWLINE = 10;
const READ_BYTES = 16 * 1024;
const MOST_BYTES = 16 * 1024 * 1024;

/**
 * Opens a log for reading it in any order; undefined where their offsets are not those of the file (a packed log, an envelope) or it cannot be
 * opened: reading the whole of it says why.
 *
 * @example
 * const lines = await openLinesAt("audit.log");
 * lines?.lineAt(0);
 * lines?.close();
 */
export async function openLinesAt(path: string): Promise<LinesAt | undefined> {
  if (!(await isSeekable(path))) {
    return undefined;
  }
  let buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  const orFileError = <T>(act: () => T): T => {
    try {
      return act();
    } catch (error) {
      throw fileError("read log", path, error);
    }
  };
  const file = orFileError(() => openSync(path, "r"));
  const { size } = orFileError(() => fstatSync(file));
  return {
    size,
    readAt: (target, offset) => {
      let length = 0;
      for (let read = -1; read !== 0 && length < target.length; length += read) {
        read = orFileError(() => readSync(file, target, length, target.length - length, offset + length));
      }
      return length;
    },
    lineAt: (offset) => {
      for (let length = 0; ;) {
        const read = orFileError(() => readSync(file, buffer, length, buffer.length - length, offset + length));
        const newline = buffer.subarray(0, length + read).indexOf(NEWLINE, length);
        const end = newline === -1 ? length + read : newline;
        if (end > MOST_BYTES) {
          return undefined;
        }
        if (newline !== -1 || read === 0) {
          return end === 0 && newline === -1 ? undefined : Buffer.from(buffer.subarray(0, end));
        }
        length = end;
        if (length === buffer.length) {
          const grown = Buffer.allocUnsafeSlow(4 * buffer.length);
          buffer.copy(grown, 0, 0, length);
          buffer = grown;
        }
      }
    },
    close: () => closeSync(file),
  };
}
