import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { isJsonObject } from "@auditsieve/audit";
import type { JsonValue } from "@auditsieve/audit";
import { openLog } from "../logs/log-file.ts";

/** How much of a file's beginning tells it from others: an event's auditID stands well before. */
export const HEAD_BYTES = 1024;

/** First bytes of a file as a hash; `bytes` says how many. */
export interface Fingerprint {
  readonly bytes: number;
  readonly sha256: string;
}

/** What a file is, whatever its name: an inode alone is used again after a deletion, a name after a rotation. */
export interface FileIdentity {
  /** Device and inode. */
  readonly inode: string;
  readonly head: Fingerprint;
}

export function fingerprint(head: Buffer, bytes: number = head.length): Fingerprint {
  const length = Math.min(bytes, head.length, HEAD_BYTES);
  return { bytes: length, sha256: createHash("sha256").update(head.subarray(0, length)).digest("hex") };
}

/** Whether a file that begins with `head` can be the one of the fingerprint. */
export function beginsLike(head: Buffer, known: Fingerprint): boolean {
  return head.length >= known.bytes && fingerprint(head, known.bytes).sha256 === known.sha256;
}

/** The first bytes of an open file, without moving its read position. */
export async function headOf(file: FileHandle, bytes: number = HEAD_BYTES): Promise<Buffer> {
  const head = Buffer.alloc(bytes);
  let length = 0;
  while (length < bytes) {
    const { bytesRead } = await file.read(head, length, bytes - length, length);
    if (bytesRead === 0) {
      break;
    }
    length += bytesRead;
  }
  return head.subarray(0, length);
}

/** The first decompressed bytes of an archive; what is readable of a damaged one. */
export async function headOfArchive(path: string, bytes: number = HEAD_BYTES): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of openLog(path)) {
      parts.push(Buffer.from(chunk.subarray(0, bytes - length)));
      length += parts.at(-1)?.length ?? 0;
      if (length >= bytes) {
        break;
      }
    }
  } catch {
    // Its reader meets the same fault and reports it.
  }
  return Buffer.concat(parts);
}

/** Decodes an identity from a checkpoint. */
export function decodeIdentity(value: JsonValue | undefined): FileIdentity | undefined {
  if (!isJsonObject(value) || typeof value["inode"] !== "string") {
    return undefined;
  }
  const head = decodeFingerprint(value["head"]);
  return head && { inode: value["inode"], head };
}

/** Decodes a fingerprint from a checkpoint. */
export function decodeFingerprint(value: JsonValue | undefined): Fingerprint | undefined {
  const { bytes, sha256 } = isJsonObject(value) ? value : {};
  return typeof bytes === "number" && typeof sha256 === "string" ? { bytes, sha256 } : undefined;
}
