/** Why an operation of this room failed; a bounded set: the label of the metric and the anchor in docs/. */
export type IngestErrorCode =
  | "missing"
  | "is-directory"
  | "unreadable"
  | "truncated-archive"
  | "damaged-archive"
  | "checkpoint-corrupt"
  | "checkpoint-version"
  | "checkpoint-write"
  | "state-in-use"
  | "address-in-use"
  | "sink-open"
  | "sink-write"
  | "sink-closed"
  | "sink-refuses";

/**
 * A failure of input, output or state: `message` says what was being done, where, and what is wrong; `hint` what to do.
 * Problems in data are returned as `Problem`, never thrown.
 */
export class IngestError extends Error {
  override readonly name = "IngestError";
  readonly code: IngestErrorCode;
  readonly path: string | undefined;
  readonly hint: string;

  constructor(code: IngestErrorCode, message: string, options: IngestErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.path = options.path;
    this.hint = options.hint;
  }
}

/** What an {@link IngestError} says beside its message. */
export interface IngestErrorOptions {
  readonly hint: string;
  readonly path?: string;
  readonly cause?: unknown;
}

/** Text of anything thrown. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of a Node error (`ENOENT`), or undefined. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** A failed file operation in words: what is wrong with the file and what cures it. */
export function fileError(doing: string, path: string, error: unknown): IngestError {
  switch (systemCode(error) ?? "") {
    case "ENOENT":
      return new IngestError("missing", `Cannot ${doing} "${path}": no such file`, {
        path,
        cause: error,
        hint: "Check the path and the folder it is relative to",
      });
    case "EISDIR":
      return new IngestError("is-directory", `Cannot ${doing} "${path}": it is a directory`, {
        path,
        cause: error,
        hint: "Name the log files in it one by one",
      });
    case "EACCES":
    case "EPERM":
      return new IngestError("unreadable", `Cannot ${doing} "${path}": permission denied`, {
        path,
        cause: error,
        hint: "The apiserver writes its audit log with mode 0600: run as its owner or give this user access",
      });
    default:
      return new IngestError("unreadable", `Cannot ${doing} "${path}": ${reasonOf(error)}`, {
        path,
        cause: error,
        hint: "Check the disk and the file, then run again",
      });
  }
}

/** A folder that cannot be made or written to, in words: `what` it is for. */
export function folderError(what: string, folder: string, error: unknown): IngestError {
  const [reason, hint] = FOLDER_FAULTS[systemCode(error) ?? ""] ?? [reasonOf(error), "Check the disk and the folder"];
  return new IngestError("unreadable", `Cannot write to ${what} "${folder}": ${reason}`, {
    path: folder,
    cause: error,
    hint,
  });
}

const NOT_ALLOWED: readonly [string, string] = [
  "permission denied",
  "Give the user that runs it the right to write there, or name another folder",
];
const NO_FOLDER: readonly [string, string] = [
  "a file stands in its place or in that of a folder above it",
  "Name another folder",
];
const FOLDER_FAULTS: Readonly<Record<string, readonly [string, string]>> = {
  EACCES: NOT_ALLOWED,
  EPERM: NOT_ALLOWED,
  EROFS: ["the file system is read-only", "Mount a volume there, or name a folder that may be written to"],
  EEXIST: NO_FOLDER,
  ENOTDIR: NO_FOLDER,
  ENOENT: ["it cannot be made there", "Name another folder"],
};
