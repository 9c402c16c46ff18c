import type { EventScan } from "@auditsieve/audit";

const QUOTE = 34;
const BACKSLASH = 92;
const BEFORE_AUDIT_ID = /^\{"kind":"Event","apiVersion":"audit\.k8s\.io\/v1","level":"[A-Za-z]+","auditID":$/;
const BEFORE_URI = /^,"stage":"[A-Za-z]+","requestURI":$/;
const BEFORE_TIME = ',"stageTimestamp":';
const BEHIND_TIME = /^(?:\}|,"annotations":)$/;

/** Where the values stand in a line that tell it from those like it: from the opening quote to behind the closing one. */
export class LinePlaces {
  bytes: Buffer = Buffer.alloc(0);
  auditID = 0;
  auditIDEnd = 0;
  uri = 0;
  uriEnd = 0;
  received = 0;
  receivedEnd = 0;
  time = 0;
  timeEnd = 0;
}

/**
 * How lines begin and end that are alike but for auditID, requestURI and times, so that these are found without scanning them: what stands
 * before the auditID, between it and the URI, and behind the times is as long in all of them. Other values may differ too, in length as well.
 */
export class LineShape {
  readonly #auditID: number;
  readonly #uriBehind: number;
  readonly #behindTime: number;

  private constructor(auditID: number, uriBehind: number, behindTime: number) {
    this.#auditID = auditID;
    this.#uriBehind = uriBehind;
    this.#behindTime = behindTime;
  }

  /**
   * That of the event that `scan` holds and of those like it with the same kind, apiVersion, level, stage and annotations; undefined where it is
   * not written as an apiserver writes.
   */
  static of(scan: EventScan): LineShape | undefined {
    const { bytes, start, end } = scan;
    const between = (from: number, to: number): string => bytes.toString("latin1", from, Math.min(to, from + 100));
    const auditID = scan.valueStart("auditID");
    const uri = scan.valueStart("requestURI");
    const timeEnd = scan.valueEnd("stageTimestamp");
    const behindTime = scan.has("annotations") ? scan.valueStart("annotations") : end;
    const isPlain =
      FIELDS.every((field) => scan.has(field)) &&
      BEFORE_AUDIT_ID.test(between(start, auditID)) &&
      BEFORE_URI.test(between(scan.valueEnd("auditID"), uri)) &&
      between(scan.valueEnd("requestReceivedTimestamp"), scan.valueStart("stageTimestamp")) === BEFORE_TIME &&
      BEHIND_TIME.test(between(timeEnd, behindTime)) &&
      (!scan.has("annotations") || scan.valueEnd("annotations") + 1 === end) &&
      TEXTS.every((field) => isText(bytes, scan.valueStart(field), scan.valueEnd(field))) &&
      isQuoted(bytes, uri, scan.valueEnd("requestURI"));
    return isPlain ? new LineShape(auditID - start, uri - scan.valueEnd("auditID"), end - timeEnd) : undefined;
  }

  /** Finds them in the line `bytes[start, end)` of this shape. */
  find(bytes: Buffer, start: number, end: number, places: LinePlaces): void {
    places.bytes = bytes;
    places.auditID = start + this.#auditID;
    places.auditIDEnd = behindText(bytes, places.auditID);
    places.uri = places.auditIDEnd + this.#uriBehind;
    places.uriEnd = behindText(bytes, places.uri);
    places.timeEnd = end - this.#behindTime;
    places.time = startOfText(bytes, places.timeEnd);
    places.receivedEnd = places.time - BEFORE_TIME.length;
    places.received = startOfText(bytes, places.receivedEnd);
  }
}

const TEXTS = ["auditID", "requestReceivedTimestamp", "stageTimestamp"] as const;
const FIELDS = [...TEXTS, "requestURI", "stage"] as const;

/** A string without escapes. */
function isText(bytes: Uint8Array, start: number, end: number): boolean {
  return bytes[start] === QUOTE && !bytes.subarray(start, end).includes(BACKSLASH);
}

/** A string in which no quote stands. */
function isQuoted(bytes: Uint8Array, start: number, end: number): boolean {
  return bytes[start] === QUOTE && behindText(bytes, start) === end;
}

function behindText(bytes: Uint8Array, quote: number): number {
  let at = quote + 1;
  while (bytes[at] !== QUOTE) {
    at++;
  }
  return at + 1;
}

function startOfText(bytes: Uint8Array, behind: number): number {
  let at = behind - 2;
  while (bytes[at] !== QUOTE) {
    at--;
  }
  return at;
}
