// Where things stand in the memory, which never grows. Places are constants, so that loads cost no addition. Behind the end of all
// that holds text at least 128 bytes may be read too.

/** Numbers that both sides read and write. */
export const CONTROL: usize = 0x1_0000;
/** Spans of the line being learnt that must stay as they are: pairs of positions. */
export const FIXED: usize = CONTROL + 0x1000;
/** Lines and bytes per decision. */
export const EVENTS: usize = CONTROL + 0x4000;
export const BYTES: usize = CONTROL + 0x5000;
/** For each field where its value starts and ends and where its key starts. */
export const PLACES: usize = CONTROL + 0x8000;
/** First entry of each bucket. */
export const BUCKETS: usize = 0x2_0000;
export const BUCKET_COUNT: u32 = 16384;
export const ENTRIES: usize = 0x3_0000;
export const ENTRY_COUNT: u32 = 16384;
/** Closing brackets of the containers around the place that is walked. */
export const STACK: usize = 0x9_0000;
export const MAX_DEPTH: usize = 0x1_0000;
// Lines are read into 0xA_0000, or straight into 0x13_0000 and 0x1C_0000, each 512 KiB, by the JavaScript side alone.
/** Five tables of keys, written once by the JavaScript side. */
export const KEYS: usize = 0x25_0000;
/** For each of three bytes which sets of needles have its lower half, and which its upper: written once by the JavaScript side. */
export const NEEDLES: usize = 0x25_8000;
/** The sets of sixteen places. */
export const SUSPECTS: usize = 0x25_8100;
/** The line that is scanned alone. */
export const SCAN: usize = 0x26_0000;
/** The heads and lines remembered, and for each of their bytes a class. */
export const ARENA: usize = 0x30_0000;
export const ARENA_BYTES: usize = 0x80_0000;
export const CLASS: usize = ARENA_BYTES + 0x1000;
