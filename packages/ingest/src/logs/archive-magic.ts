import { isUtf8 } from "node:buffer";
import { isUtf16 } from "./log-format.ts";
import type { ArchiveFormat } from "./log-format.ts";
import { isLetterOfUtf8 } from "./text-bytes.ts";
import { findUtf16 } from "./utf-16-run.ts";

const MAGIC: Readonly<Record<ArchiveFormat, Buffer>> = {
  gzip: Buffer.from([0x1f, 0x8b, 0x08]),
  zstd: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]),
};
/** Which of these bytes is none of a letter of UTF-8. */
const RAREST: Readonly<Record<ArchiveFormat, number>> = { gzip: 0, zstd: 3 };
/** So many bytes tell whether a part of an archive may begin there. */
const HEAD_BYTES: Readonly<Record<ArchiveFormat, number>> = { gzip: 10, zstd: 5 };
/** The highest operating system that RFC 1952 knows, and its word for one that is not known. */
const LAST_SYSTEM = 13;
const UNKNOWN_SYSTEM = 255;

/**
 * Whether a gzip member or a zstd frame may begin `at`: its first bytes are such as only a beginning has. By chance that is so at one of 2^38
 * places of a gzip archive, and at one of 2^33 of a zstd one.
 */
function mayBegin(format: ArchiveFormat, bytes: Buffer, at: number): boolean {
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

/** What may begin `at`, if anything. */
export function partAt(bytes: Buffer, at: number): ArchiveFormat | undefined {
  return FORMATS.find((format) => mayBegin(format, bytes, at));
}

/** Whether all bytes from `at` on are the beginning of a part, and too few to tell. */
export function mayBeginWith(bytes: Buffer, at: number): boolean {
  return FORMATS.some(
    (format) => at < bytes.length && bytes.length - at < HEAD_BYTES[format] && hasMagic(format, bytes, at),
  );
}

/** Where in `[from, end)` a part may begin, or with `isOpen` may turn out to when more bytes are there; -1 where none does. */
export function findPart(bytes: Buffer, from: number, end: number, isOpen = false): number {
  const places = FORMATS.map((format) => findFormat(format, bytes, from, end));
  const first = Math.min(...places, isOpen ? findOpen(bytes, from, end) : Infinity);
  return first === Infinity ? -1 : first;
}

/** By the byte of its magic that no text has: in a log it stands nowhere, and looking at all of it costs 20 ms a GB. */
function findFormat(format: ArchiveFormat, bytes: Buffer, from: number, end: number): number {
  const place = RAREST[format];
  const rarest = MAGIC[format][place] as number;
  const before = bytes.subarray(0, end + place);
  for (let at = before.indexOf(rarest, from + place); at !== -1; at = before.indexOf(rarest, at + 1)) {
    if (mayBegin(format, bytes, at - place)) {
      return at - place;
    }
  }
  return Infinity;
}

function findOpen(bytes: Buffer, from: number, end: number): number {
  for (let at = Math.max(from, bytes.length - HEAD_BYTES.gzip); at < end; at++) {
    if (mayBeginWith(bytes, at)) {
      return at;
    }
  }
  return Infinity;
}

/** So much of the beginning of a log is text, or is not. */
const TEXT_BYTES = 4096;
/** So many tell whether a text begins. */
export const TEXT_HEAD_BYTES = 64;

/** Whether the first bytes are letters, of UTF-8 or of UTF-16: of what is packed they hardly ever are. */
export function beginsText(head: Buffer): boolean {
  const first = head.subarray(0, TEXT_HEAD_BYTES);
  const isText = isUtf16(first) || findUtf16(first)?.start === 0 || (first.every(isLetterOfUtf8) && startsUtf8(first));
  return first.length > 0 && isText;
}

/** Whether they are UTF-8, or would be with a few bytes more. */
function startsUtf8(bytes: Buffer): boolean {
  return [0, 1, 2, 3].some((cut) => isUtf8(bytes.subarray(0, Math.max(0, bytes.length - cut))));
}

/** What an archive of which the beginning is missing is packed in: bytes that are no text, and behind them the beginning of a part. */
export function formatOfRest(head: Buffer): ArchiveFormat | undefined {
  const first = head.subarray(0, TEXT_BYTES);
  if (beginsText(head) || startsUtf8(first)) {
    return undefined;
  }
  const at = findPart(head, 0, head.length);
  return at === -1 ? undefined : partAt(head, at);
}

const FORMATS: readonly ArchiveFormat[] = ["gzip", "zstd"];

function hasMagic(format: ArchiveFormat, bytes: Buffer, at: number): boolean {
  const magic = MAGIC[format];
  const length = Math.min(magic.length, bytes.length - at);
  return magic.subarray(0, length).equals(bytes.subarray(at, at + length));
}

const ZSTD_RESERVED = 0b1000;
const GZIP_RESERVED = 0b1110_0000;
