import { isUtf8 } from "node:buffer";
import type { ArchiveFormat } from "./log-format.ts";

const MAGIC: Readonly<Record<ArchiveFormat, Buffer>> = {
  gzip: Buffer.from([0x1f, 0x8b, 0x08]),
  zstd: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]),
};
/** So many bytes tell whether a part of an archive may begin there. */
const HEAD_BYTES: Readonly<Record<ArchiveFormat, number>> = { gzip: 10, zstd: 5 };
/** The highest operating system that RFC 1952 knows, and its word for one that is not known. */
const LAST_SYSTEM = 13;
const UNKNOWN_SYSTEM = 255;

/** What each part begins with. */
export function partHeadBytes(format: ArchiveFormat): Buffer {
  return MAGIC[format];
}

/**
 * Whether a gzip member or a zstd frame may begin `at`: its first bytes are such as only a beginning has. By chance that is so at one of 2^38
 * places of a gzip archive, and at one of 2^33 of a zstd one.
 */
export function mayBeginPart(format: ArchiveFormat, bytes: Buffer, at: number): boolean {
  if (bytes.length - at < HEAD_BYTES[format] || !hasMagic(format, bytes, at)) {
    return false;
  }
  if (format === "zstd") {
    return ((bytes[at + 4] as number) & ZSTD_RESERVED) === 0;
  }
  const [flags, extra, system] = [bytes[at + 3], bytes[at + 8], bytes[at + 9]] as [number, number, number];
  const isKnown = system <= LAST_SYSTEM || system === UNKNOWN_SYSTEM;
  return (flags & GZIP_RESERVED) === 0 && (extra === 0 || extra === 2 || extra === 4) && isKnown;
}

/** Whether all bytes from `at` on are the beginning of a part, and too few to tell. */
export function mayBeginWith(format: ArchiveFormat, bytes: Buffer, at: number): boolean {
  return at < bytes.length && bytes.length - at < HEAD_BYTES[format] && hasMagic(format, bytes, at);
}

/** So much of the beginning of a log is text, or is not. */
const TEXT_BYTES = 4096;

/** What an archive of which the beginning is missing is packed in: bytes that are no text, and behind them the beginning of a part. */
export function formatOfRest(head: Buffer): ArchiveFormat | undefined {
  const first = head.subarray(0, TEXT_BYTES);
  // The last letter may be cut off.
  if (
    isUtf8(first) ||
    isUtf8(first.subarray(0, -3)) ||
    isUtf8(first.subarray(0, -2)) ||
    isUtf8(first.subarray(0, -1))
  ) {
    return undefined;
  }
  return FORMATS.find((format) => {
    for (let at = head.indexOf(MAGIC[format]); at !== -1; at = head.indexOf(MAGIC[format], at + 1)) {
      if (mayBeginPart(format, head, at)) {
        return true;
      }
    }
    return false;
  });
}

const FORMATS: readonly ArchiveFormat[] = ["gzip", "zstd"];

function hasMagic(format: ArchiveFormat, bytes: Buffer, at: number): boolean {
  const magic = MAGIC[format];
  const length = Math.min(magic.length, bytes.length - at);
  return magic.subarray(0, length).equals(bytes.subarray(at, at + length));
}

const ZSTD_RESERVED = 0b1000;
const GZIP_RESERVED = 0b1110_0000;
