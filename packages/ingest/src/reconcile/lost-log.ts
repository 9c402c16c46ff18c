import type { LostFiles } from "../sources/rotation-watch.ts";

/** A log of which files were lost. */
export interface LostLog extends LostFiles {
  readonly source: string;
  readonly file: string;
  /** What is lost, where it is no files. */
  readonly message?: string;
}
