// Whether a request's path and resource need no closer look: src/redact/quiet-line.ts says at what.
import { SCAN } from "./memory";

/** Eight bytes each: `secrets"`, `tokenrev`, `servicea`, `/secrets`. */
const SECRETS: u64 = ((0x22737465 as u64) << 32) | 0x72636573;
const TOKENREV: u64 = ((0x7665726e as u64) << 32) | 0x656b6f74;
const SERVICEA: u64 = ((0x61656369 as u64) << 32) | 0x76726573;
const PATH_SECRETS: u64 = ((0x73746572 as u64) << 32) | 0x6365732f;

const PLAIN_RESOURCE: u32 = 1;
const PLAIN_URI: u32 = 2;

/**
 * Of values at these places of the line at SCAN, both with their quotes (the resource may be absent: 0, 0): whether the resource is none whose
 * bodies are secret, and whether the URI is a path in plain text that does not name secrets.
 */
export function plainHead(uri: usize, uriEnd: usize, resource: usize, resourceEnd: usize): u32 {
  return (
    (isPlainResource(SCAN + resource, SCAN + resourceEnd) ? PLAIN_RESOURCE : 0) |
    (isPlainPath(SCAN + uri, SCAN + uriEnd) ? PLAIN_URI : 0)
  );
}

function isPlainResource(start: usize, end: usize): bool {
  for (let at = start; at < end; at++) {
    if (load<u8>(at) == 92) {
      return false;
    }
  }
  if (end != SCAN) {
    const word = load<u64>(start, 1);
    return word != SECRETS && word != TOKENREV && word != SERVICEA;
  }
  return true;
}

function isPlainPath(start: usize, end: usize): bool {
  for (let at = start; at < end; at++) {
    const byte = load<u8>(at);
    // % + \ ?
    if (byte == 37 || byte == 43 || byte == 92 || byte == 63 || (byte == 47 && load<u64>(at) == PATH_SECRETS)) {
      return false;
    }
  }
  return true;
}
