import { createRequire } from "node:module";
import type * as Zlib from "node:zlib";
import { OPEN_OBJECT, QUOTE, skipString } from "../json/json-bytes.ts";
import { membersOf } from "./members.ts";
import type { Member, Span } from "./members.ts";
import { stringText } from "./embedded-event.ts";
import { isTelling } from "./record.ts";

/** What was packed in a record of AWS. */
export interface PackedText {
  readonly text: Buffer;
  /** Not all of it could be unpacked, or something else stands behind it. */
  readonly isDamaged: boolean;
}

/** An object with the string `data`: what a Lambda function is called with for CloudWatch, and for each record of a Kinesis stream. */
const HOLDERS: ReadonlySet<string> = new Set(["awslogs", "kinesis"]);
/** Of a record of Firehose, and of what the command line tool of AWS gets from a stream. */
const DATA: ReadonlySet<string> = new Set(["data", "Data"]);
const GZIP = Buffer.of(0x1f, 0x8b, 0x08);
const NO_BASE64 = /[^A-Za-z0-9+/]/;
/** Of what is damaged it is tried out how far it goes. */
const MOST_DAMAGED_BYTES = 16 * 1024 * 1024;

/**
 * What the record in `bytes[start, end)` holds as base64, unpacked where it is gzip (all members), if that is at most `most` bytes: of a Lambda
 * function's `awslogs`, of Firehose and of a Kinesis stream. The record may be torn at `end`. Undefined for any other record, and where
 * nothing can be unpacked.
 */
export function packedText(bytes: Buffer, start: number, end: number, most: number): PackedText | undefined {
  const data = dataOf(bytes, start, end);
  if (data === undefined || most === 0) {
    return undefined;
  }
  const isWhole = skipString(bytes, data.start, data.end) === data.end;
  const said = isWhole ? stringText(bytes, data) : bytes.subarray(data.start + 1, data.end);
  const letters = said?.toString("latin1").replace(/={1,2}$/, "") ?? "";
  const wrong = letters.search(NO_BASE64);
  const packed = Buffer.from(wrong === -1 ? letters : letters.slice(0, wrong), "base64");
  const isDamaged = !isWhole || wrong !== -1;
  if (packed[0] === OPEN_OBJECT) {
    return packed.length <= most ? { text: packed, isDamaged } : undefined;
  }
  const unpacked = packed.subarray(0, GZIP.length).equals(GZIP) ? gunzip(packed, most) : undefined;
  return unpacked && { text: unpacked.text, isDamaged: unpacked.isDamaged || isDamaged };
}

function dataOf(bytes: Buffer, start: number, end: number): Span | undefined {
  let isOther = false;
  const members = [...membersOf(bytes, start, end, (from, to) => (isOther ||= isTelling(bytes, from, to)))];
  const holder = only(members.filter(({ key }) => HOLDERS.has(key)));
  if (isOther || holder === undefined) {
    return isOther ? undefined : string(bytes, only(members.filter(({ key }) => DATA.has(key))));
  }
  const inner = bytes[holder.start] === OPEN_OBJECT ? [...membersOf(bytes, holder.start, holder.end)] : [];
  return string(bytes, only(inner.filter(({ key }) => DATA.has(key))));
}

function only(members: readonly Member[]): Span | undefined {
  return members.length === 1 ? members[0]?.value : undefined;
}

function string(bytes: Buffer, value: Span | undefined): Span | undefined {
  return value !== undefined && bytes[value.start] === QUOTE ? value : undefined;
}

/** As far as it goes. Loaded for the first one only: few logs have any. */
function gunzip(packed: Buffer, most: number): PackedText | undefined {
  const { gunzipSync, constants } = createRequire(import.meta.url)("node:zlib") as typeof Zlib;
  try {
    const options = { maxOutputLength: most, info: true };
    const { buffer, engine } = gunzipSync(packed, options) as unknown as {
      readonly buffer: Buffer;
      readonly engine: { readonly bytesWritten: number };
    };
    return { text: buffer, isDamaged: engine.bytesWritten < packed.length };
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE") {
      return undefined;
    }
  }
  // The longest beginning that can be unpacked: an engine gives nothing of what it fails on.
  let text = Buffer.alloc(0);
  for (let [least, longest] = [0, packed.length]; least < longest;) {
    const length = Math.ceil((least + longest) / 2);
    try {
      const options = { maxOutputLength: Math.min(most, MOST_DAMAGED_BYTES), finishFlush: constants.Z_SYNC_FLUSH };
      text = gunzipSync(packed.subarray(0, length), options);
      least = length;
    } catch {
      longest = length - 1;
    }
  }
  return text.length === 0 ? undefined : { text, isDamaged: true };
}
