import { isJsonObject } from "@auditsieve/audit";
import { isTimestamp } from "../timestamp.ts";

/** Version of the layout that docs/store.md describes; a reader refuses any other. */
export const STORE_VERSION = 1;
/** Says that a folder is a store, and of which version. */
export const MANIFEST_NAME = "store.json";
/** One line a closed segment, appended when it is closed. */
export const INDEX_NAME = "index.ndjson";

/** Text of the manifest. */
export const MANIFEST: string = `${JSON.stringify({ format: "auditsieve-store", version: STORE_VERSION })}\n`;

/** The name of a segment, taken apart: `event-00000042.ndjson.zst`. */
export interface SegmentName {
  /** What its lines are: `event`, `finding`, `undecidable`, and whatever kind of delivery there is. */
  readonly kind: string;
  /** Counts the segments of a kind from 1; a greater number was begun later. */
  readonly number: number;
  readonly isCompressed: boolean;
}

const SEGMENT = /^([a-z][a-z-]{0,30})-(\d{8,12})\.ndjson(\.zst)?$/;

export function parseSegmentName(name: string): SegmentName | undefined {
  const parts = SEGMENT.exec(name);
  return parts === null
    ? undefined
    : { kind: parts[1] as string, number: Number(parts[2]), isCompressed: parts[3] !== undefined };
}

/** Name of a segment that is still written. */
export function segmentName(kind: string, number: number): string {
  return `${kind}-${String(number).padStart(8, "0")}.ndjson`;
}

/** What the index says of a closed segment. */
export interface IndexEntry {
  /** File name in the folder. */
  readonly segment: string;
  readonly kind: string;
  readonly lines: number;
  /** Decompressed and as the file has it. */
  readonly bytes: number;
  readonly compressedBytes: number;
  /** SHA-256 over the decompressed bytes, hex. */
  readonly sha256: string;
  /** The earliest and the latest time of its lines, RFC 3339 with microseconds; absent where a line has none. */
  readonly from?: string;
  readonly to?: string;
}

/** A line of the index: a segment was closed, or was removed because the store had grown over its bound. */
export type IndexLine = IndexEntry | { readonly removed: string };

/** Decodes a line of the index; undefined for one that is torn or of a later version. */
export function decodeIndexLine(text: string): IndexLine | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isJsonObject(value)) {
    return undefined;
  }
  if (typeof value["removed"] === "string") {
    return { removed: value["removed"] };
  }
  const { segment, kind, lines, bytes, compressedBytes, sha256, from, to } = value;
  return typeof segment === "string" &&
    typeof kind === "string" &&
    typeof lines === "number" &&
    typeof bytes === "number" &&
    typeof compressedBytes === "number" &&
    typeof sha256 === "string"
    ? {
        segment,
        kind,
        lines,
        bytes,
        compressedBytes,
        sha256,
        ...(typeof from === "string" && typeof to === "string" && { from, to }),
      }
    : undefined;
}

/** The span of time of some lines; `isKnown` is false once a line without a time was among them. */
export interface TimeSpan {
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly isKnown: boolean;
}

export const NO_TIME: TimeSpan = { from: undefined, to: undefined, isKnown: true };

export function extendSpan(span: TimeSpan, time: string | undefined): TimeSpan {
  if (time === undefined) {
    return { ...span, isKnown: false };
  }
  const exact = microseconds(time);
  return {
    from: span.from === undefined || exact < span.from ? exact : span.from,
    to: span.to === undefined || exact > span.to ? exact : span.to,
    isKnown: span.isKnown,
  };
}

/** Times of one length compare as text. */
export function microseconds(time: string): string {
  const point = time.indexOf(".");
  const digits = point === -1 ? "" : time.slice(point + 1, -1);
  return `${point === -1 ? time.slice(0, -1) : time.slice(0, point)}.${digits.slice(0, 6).padEnd(6, "0")}Z`;
}

/** The time of a stored line: of an event, a finding or a receipt. */
export function timeOfLine(line: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!isJsonObject(value)) {
    return undefined;
  }
  const { stageTimestamp, requestReceivedTimestamp, time, last } = value;
  return [stageTimestamp, requestReceivedTimestamp, time, last].find(
    (one): one is string => typeof one === "string" && isTimestamp(one),
  );
}
