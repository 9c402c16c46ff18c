import { tmpdir } from "node:os";

/** A query that cannot be run: a mistake in it, something that it must not do, or, if `isOfDisk`, no place for its events. */
export class QueryError extends Error {
  override readonly name = "QueryError";
  readonly hint: string;
  readonly isOfDisk: boolean;

  constructor(message: string, hint: string, options: { readonly cause?: unknown; readonly isOfDisk?: boolean } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.hint = hint;
    this.isOfDisk = options.isOfDisk === true;
  }
}

/** What DuckDB said of a query, or of the disk while it ran. */
export function queryError(error: unknown): QueryError {
  if (error instanceof QueryError) {
    return error;
  }
  const message = messageOf(error);
  return IS_FULL.test(message)
    ? noPlace(error)
    : new QueryError(
        `Cannot run the query: ${message}`,
        "Tables and views: events, findings, actors, objects; docs/query.md says what stands in them",
        { cause: error },
      );
}

/** Only words: what DuckDB throws has no code. */
const IS_FULL = /No space left on device|Disk quota exceeded|File too large|max_temp_directory_size/i;

/** The events could not be kept, or the answer not be written: no fault of the query. */
export function noPlace(error: unknown): QueryError {
  return error instanceof QueryError
    ? error
    : new QueryError(
        `Cannot keep what the query needs on the disk: ${messageOf(error)}`,
        `Events wait in a folder of ${tmpdir()}, which may need as much space as the logs have; TMPDIR names another`,
        { cause: error, isOfDisk: true },
      );
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).trim().replaceAll(/\s+/g, " ");
}
