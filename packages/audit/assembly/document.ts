// Writes a document about the event at SCAN, whose places scanEvent has found, by a list of steps that the JavaScript side wrote
// (src/templates/event-documents.ts says what each does). As long as a line is bounded, so is its document: nothing asks for room.
import { ARGUMENT_BYTES, ARGUMENT_LENGTHS, ARGUMENTS, DOCUMENT, OPEN, PLACES, SCAN } from "./memory";
import { writeBody } from "./document-body";
import { findFragment, fragmentLength, fragmentText } from "./fragments";
import { isTimestamp } from "./timestamp";
import { quoted } from "./quoted";

const STEP_BYTES: usize = 16;
const END: u32 = 0;
const TEXT: u32 = 1;
const FIELD: u32 = 2;
const OPEN_OBJECT: u32 = 3;
const CLOSE_OBJECT: u32 = 4;
const FRAGMENT: u32 = 5;
const EITHER_FRAGMENT: u32 = 6;
const TIME: u32 = 7;
const BODY: u32 = 8;
const ARGUMENT: u32 = 9;
const LINE: u32 = 10;
/** Says that another must write the document. */
const CANNOT: i32 = 0;
/** Above any length: which fragment is missing. */
const MISSING: i32 = 0x1000_0000;

/**
 * Writes the document of the event of `length` bytes to DOCUMENT by the steps at `program`. Gives its length; 0 where only the
 * JavaScript can write it; MISSING and the number of a step whose fragment must be learned first.
 */
export function writeDocument(length: usize, program: usize): i32 {
  let out = DOCUMENT;
  let open = OPEN;
  /** Fragments by their kind. */
  let first: usize = 0;
  let second: usize = 0;
  let third: usize = 0;
  let step = program;
  while (true) {
    const a = load<u32>(step, 4);
    const text = load<u32>(step, 8) as usize;
    const size = load<u32>(step, 12) as usize;
    switch (load<u32>(step)) {
      case TEXT:
        out = copy(out, text, size);
        break;
      case FIELD: {
        const place = PLACES + 12 * (a as usize);
        const end = load<u32>(place, 4);
        if (end != 0) {
          const start = load<u32>(place);
          // An empty string is as good as none.
          if (end - start > 2) {
            out = copy(out, text, size);
            out = copy(out, SCAN + (start as usize), (end - start) as usize);
            store<u8>(out++, 44);
          }
        }
        break;
      }
      case OPEN_OBJECT:
        store<u32>(open, out as u32);
        open += 4;
        out = copy(out, text, size);
        break;
      case CLOSE_OBJECT:
        open -= 4;
        if (load<u8>(out - 1) == 44) {
          store<u8>(out - 1, 125);
          store<u8>(out++, 44);
        } else {
          out = load<u32>(open) as usize;
        }
        break;
      case FRAGMENT: {
        // `a`: its kind, and which of its texts. `text`: the fields.
        const kind = a >>> 1;
        let entry = kind == 0 ? first : kind == 1 ? second : third;
        if (entry == 0) {
          entry = findFragment(kind, text as u32);
          if (entry == 0) {
            return MISSING + (kind as i32);
          }
          if (kind == 0) {
            first = entry;
          } else if (kind == 1) {
            second = entry;
          } else {
            third = entry;
          }
        }
        out = copy(out, fragmentText(entry, a & 1), fragmentLength(entry, a & 1));
        break;
      }
      case EITHER_FRAGMENT: {
        // The second text of the last kind, or where that is empty of the one before. Both were written before.
        const entry = fragmentLength(third, 1) != 0 ? third : second;
        out = copy(out, fragmentText(entry, 1), fragmentLength(entry, 1));
        break;
      }
      case TIME: {
        const place = PLACES + 12 * (a as usize);
        const end = load<u32>(place, 4);
        if (end != 0) {
          const start = load<u32>(place);
          if (isTimestamp(SCAN + (start as usize) + 1, end - start - 2)) {
            out = copy(out, text, size);
            out = copy(out, SCAN + (start as usize), (end - start) as usize);
            store<u8>(out++, 44);
          }
        }
        break;
      }
      case BODY: {
        const place = PLACES + 12 * (a as usize);
        if (load<u32>(place, 4) != 0) {
          // `text`: the plan, whose own key it begins with.
          out = writeBody(out, text, SCAN + (load<u32>(place) as usize));
          if (out == 0) {
            return CANNOT;
          }
        }
        break;
      }
      case ARGUMENT: {
        const bytes = load<u32>(ARGUMENT_LENGTHS + 4 * (a as usize)) as usize;
        out = copy(out, ARGUMENTS + (a as usize) * ARGUMENT_BYTES, bytes);
        break;
      }
      case LINE:
        out = quoted(out, SCAN, length);
        break;
      case END:
      default:
        return (out - DOCUMENT) as i32;
    }
    step += STEP_BYTES;
  }
}

/** Behind what was copied: sixteen bytes at a time, so that a few bytes more are read and overwritten. */
function copy(to: usize, from: usize, size: usize): usize {
  for (let at: usize = 0; at < size; at += 16) {
    v128.store(to + at, v128.load(from + at));
  }
  return to + size;
}
