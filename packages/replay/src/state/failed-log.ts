import { IngestError } from "@auditsieve/ingest/logs";
import type { IngestErrorCode } from "@auditsieve/ingest";

/** A log that could not be read to its end, by its number. */
export interface Failed {
  readonly log: number;
  readonly error: unknown;
}

/** The same as data: of an error what is said of it. */
export interface SavedFailure {
  readonly log: number;
  readonly message: string;
  readonly code?: IngestErrorCode;
  readonly path?: string;
  readonly hint?: string;
}

export function writeFailed({ log, error }: Failed): SavedFailure {
  if (error instanceof IngestError) {
    const { message, code, path, hint } = error;
    return { log, message, code, hint, ...(path !== undefined && { path }) };
  }
  return { log, message: error instanceof Error ? error.message : String(error) };
}

export function readFailed({ log, message, code, path, hint }: SavedFailure): Failed {
  const error =
    code === undefined
      ? new Error(message)
      : new IngestError(code, message, { hint: hint ?? "", ...(path !== undefined && { path }) });
  return { log, error };
}
