import { isJsonObject } from "@auditsieve/audit";
import type { JsonValue } from "@auditsieve/audit";
import { IngestError } from "../errors.ts";
import { decodeIdentity } from "./file-identity.ts";
import type { FileIdentity } from "./file-identity.ts";

/** How far the tail of one path is acknowledged: which file, how far in it, and which rotated files are not after it. */
export interface TailPosition extends FileIdentity {
  /** Counts the files that the path has named. */
  readonly generation: number;
  readonly offset: number;
  readonly known: readonly string[];
}

/** The name of a file as input: `audit.log@3` stays what it is when the file is renamed. */
export function inputName(base: string, generation: number): string {
  return `${base}@${generation}`;
}

export function generationOf(input: string): number {
  return Number(input.slice(input.lastIndexOf("@") + 1));
}

export function encodePosition(position: TailPosition): JsonValue {
  const { generation, inode, head, offset, known } = position;
  return { generation, inode, head: { bytes: head.bytes, sha256: head.sha256 }, offset, known };
}

/** Decodes the section of a checkpoint; undefined when there is none yet. */
export function decodePosition(section: JsonValue | undefined, source: string): TailPosition | undefined {
  if (section === undefined) {
    return undefined;
  }
  const identity = decodeIdentity(section);
  if (identity !== undefined && isJsonObject(section)) {
    const { generation, offset, known } = section;
    if (isCount(generation) && isCount(offset) && Array.isArray(known)) {
      return { ...identity, generation, offset, known: known.filter((name) => typeof name === "string") };
    }
  }
  throw new IngestError(
    "checkpoint-corrupt",
    `Cannot resume source "${source}": its section of the checkpoint is no position`,
    {
      hint: "Restore the checkpoint from a backup; or move it away, and every log is read from its beginning again",
    },
  );
}

function isCount(value: JsonValue | undefined): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
