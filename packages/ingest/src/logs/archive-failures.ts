import { IngestError, reasonOf } from "../errors.ts";
import type { ArchiveFormat } from "./log-format.ts";

/** What was wrong with the parts of an archive: the first is named, the others are counted. */
export class ArchiveFailures {
  readonly #name: string;
  #first: unknown;
  #count = 0;

  /** What is being read. */
  format: ArchiveFormat;

  constructor(format: ArchiveFormat, name: string) {
    this.format = format;
    this.#name = name;
  }

  /** An engine or the input failed behind so many decompressed bytes. */
  add(cause: unknown, bytes: number): void {
    this.#add(() => archiveError(this.format, this.#name, bytes, cause));
  }

  /** The part that begins at the one offset is cut off where another, or a log that is not packed, begins. */
  cut(offset: number, further: number, next: ArchiveFormat | "plain"): void {
    this.#add(() =>
      damagedArchive(
        this.#name,
        `the ${PART[this.format]} that begins at compressed offset ${offset} is cut off at ${further}, where ${next === "plain" ? "a log that is not packed" : "another"} begins`,
      ),
    );
  }

  /** Something that is no part stands at that offset. */
  gap(offset: number): void {
    this.#add(() => damagedArchive(this.#name, `no ${PART[this.format]} begins at compressed offset ${offset}`));
  }

  /** Throws what was wrong first, if anything was. */
  throw(): void {
    if (this.#first instanceof IngestError && this.#count > 1) {
      const { code, message, path, hint, cause } = this.#first;
      const more = `; ${this.#count - 1} more of its parts are damaged`;
      throw new IngestError(code, message + more, { hint, cause, ...(path !== undefined && { path }) });
    }
    if (this.#first !== undefined) {
      throw this.#first;
    }
  }

  #add(failure: () => unknown): void {
    this.#first ??= failure();
    this.#count++;
  }
}

const PART: Readonly<Record<ArchiveFormat, string>> = { gzip: "gzip member", zstd: "zstd frame" };

function archiveError(format: ArchiveFormat, name: string, bytes: number, cause: unknown): unknown {
  if (cause instanceof IngestError) {
    return cause;
  }
  const isCut = cause instanceof Error && "code" in cause && cause.code === "Z_BUF_ERROR";
  return isCut
    ? truncatedArchive(format, name, `${bytes} decompressed bytes`)
    : damagedArchive(name, `${reasonOf(cause)} (after ${bytes} decompressed bytes)`, cause);
}

/** Of an archive that ends too early, behind `where`. */
export function truncatedArchive(format: ArchiveFormat, name: string, where: string): IngestError {
  return new IngestError(
    "truncated-archive",
    `Cannot read "${name}" to its end: the ${format} archive is cut off after ${where}`,
    {
      path: name,
      hint: "What stands before was read; copy the file again for the rest",
    },
  );
}

/** Of an archive in which something is wrong. */
export function damagedArchive(name: string, what: string, cause?: unknown): IngestError {
  return new IngestError("damaged-archive", `Cannot read "${name}" as a whole: ${what}`, {
    path: name,
    cause,
    hint: "What can be read was read; test the archive with its own tool (gzip -t, zstd -t) and copy it again",
  });
}
