import { isJsonObject } from "@auditsieve/audit";
import type { JsonValue } from "@auditsieve/audit";
import { IngestError } from "../errors.ts";
import { decodeFingerprint, decodeIdentity } from "./file-identity.ts";
import type { FileIdentity, Fingerprint } from "./file-identity.ts";

/** How far the tail of one path is acknowledged: which file, how far in it, and which rotated files are not after it. */
export interface TailPosition extends FileIdentity {
  /** Counts the files that the path has named. */
  readonly generation: number;
  readonly offset: number;
  readonly known: readonly string[];
  /** Files after it that were begun, by generation: after a crash each is told by its first bytes, and called as it was. */
  readonly begun?: ReadonlyMap<number, Fingerprint>;
}

/** More files are hardly begun before the first of them is acknowledged. */
const MAX_BEGUN = 256;

/** The name of a file as input: `audit.log@3` stays what it is when the file is renamed. */
export function inputName(base: string, generation: number): string {
  return `${base}@${generation}`;
}

export function generationOf(input: string): number {
  return Number(input.slice(input.lastIndexOf("@") + 1));
}

export function encodePosition(position: TailPosition): JsonValue {
  const { generation, inode, head, offset, known } = position;
  const begun = [...(position.begun ?? [])].slice(0, MAX_BEGUN).map(([each, { bytes, sha256 }]) => ({
    generation: each,
    head: { bytes, sha256 },
  }));
  const { bytes, sha256 } = head;
  return { generation, inode, head: { bytes, sha256 }, offset, known, ...(begun.length > 0 && { begun }) };
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
      const begun = decodeBegun(section["begun"]);
      return { ...identity, generation, offset, known: known.filter((name) => typeof name === "string"), begun };
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

/** What cannot be read of it is left out: such a file is then called by the next number. */
function decodeBegun(value: JsonValue | undefined): ReadonlyMap<number, Fingerprint> {
  const files = Array.isArray(value) ? (value as readonly JsonValue[]) : [];
  const begun = files.flatMap((file) => {
    const { generation, head } = isJsonObject(file) ? file : {};
    const known = decodeFingerprint(head);
    return isCount(generation) && known !== undefined ? [[generation, known] as const] : [];
  });
  return new Map(begun.toSorted(([a], [b]) => a - b));
}

function isCount(value: JsonValue | undefined): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
