import { isUtf8 } from "node:buffer";
import { BACKSLASH, OPEN_OBJECT, QUOTE, skipSpace } from "../json/json-bytes.ts";
import { asV1 } from "./earlier-version.ts";
import type { Span } from "./members.ts";

/** The event whose text stands inside a JSON string, as one of v1; undefined as below. */
export function embeddedEvent(bytes: Buffer, text: Span): Buffer | undefined {
  const event = embeddedObject(bytes, text);
  return event && (asV1(event, 0, event.length) ?? event);
}

/** What a JSON string says, as UTF-8; undefined where that has no such form. */
export function stringText(bytes: Buffer, { start, end }: Span): Buffer | undefined {
  const raw = bytes.subarray(start + 1, end - 1);
  return raw.includes(BACKSLASH) ? unescape(raw) : raw;
}

/**
 * The JSON text inside a JSON string: what stood there before a provider put it into its envelope, byte for byte. Undefined
 * where the string holds something else, such as a line of a component's own log, or text that would not stay one line.
 */
function embeddedObject(bytes: Buffer, text: Span): Buffer | undefined {
  const inner = bytes[text.start] === QUOTE ? stringText(bytes, text) : undefined;
  if (inner === undefined) {
    return undefined;
  }
  const open = skipSpace(inner, 0, inner.length);
  if (inner[open] !== OPEN_OBJECT) {
    return undefined;
  }
  // AKS ends the text with a newline.
  let close = inner.length;
  while (close > open && (inner[close - 1] as number) <= 32) {
    close--;
  }
  const object = inner.subarray(open, close);
  return object.some((byte) => byte < 32) ? undefined : object;
}

function unescape(raw: Buffer): Buffer | undefined {
  if (!isUtf8(raw)) {
    return undefined;
  }
  const text = JSON.parse(`"${raw.toString("utf8")}"`) as string;
  return text.isWellFormed() ? Buffer.from(text, "utf8") : undefined;
}
