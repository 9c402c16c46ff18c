import { CLOSE_LIST, COMMA, OPEN_LIST, OPEN_OBJECT, QUOTE, skipSpace, skipString } from "./json/json-bytes.ts";
import { FORM } from "./scan-fields.ts";

/** Whether the well-formed value `bytes[start, end)` has this one of the forms that a field may have. */
export function isForm(bytes: Uint8Array, start: number, end: number, form: number): boolean {
  const first = bytes[start];
  switch (form) {
    case FORM.string:
      return first === QUOTE;
    case FORM.object:
      return first === OPEN_OBJECT;
    case FORM.list:
      return first === OPEN_LIST && isStringList(bytes, start, end);
    case FORM.number:
      return isPlainInteger(bytes, start, end);
    default:
      return true;
  }
}

/** Whether the (well-formed) list in `bytes[start, end)` holds strings only. */
function isStringList(bytes: Uint8Array, start: number, end: number): boolean {
  let at = skipSpace(bytes, start + 1, end);
  while (at < end && bytes[at] !== CLOSE_LIST) {
    if (bytes[at] !== QUOTE) {
      return false;
    }
    at = skipSpace(bytes, skipString(bytes, at, end), end);
    if (bytes[at] === COMMA) {
      at = skipSpace(bytes, at + 1, end);
    }
  }
  return true;
}

/** An HTTP status and nothing more exotic: one to five digits. */
function isPlainInteger(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start > 5) {
    return false;
  }
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    if (byte < 48 || byte > 57) {
      return false;
    }
  }
  return true;
}
