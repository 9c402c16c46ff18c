// Where things stand in the memory, which never grows. Places are constants, so that loads cost no addition.

/** Numbers that both sides read and write. */
export const CONTROL: usize = 0x1_0000;
/** Spans of the line being learnt that must stay as they are: pairs of positions. */
export const FIXED: usize = CONTROL + 0x1000;
/** Lines and bytes per decision. */
export const EVENTS: usize = CONTROL + 0x4000;
export const BYTES: usize = CONTROL + 0x5000;
/** First entry of each bucket. */
export const BUCKETS: usize = 0x2_0000;
export const BUCKET_COUNT: u32 = 8192;
export const ENTRIES: usize = 0x3_0000;
export const ENTRY_COUNT: u32 = 8192;
/** Runs of kept bytes: pairs of positions. A known line has 70 bytes at least, so the table cannot overflow. */
export const RUNS: usize = 0x6_0000;
/** Closing brackets of the containers around the place that is walked. */
export const STACK: usize = 0x7_0000;
export const MAX_DEPTH: usize = 0x1_0000;
/** What is read; behind its end at least 64 bytes may be read too. */
export const INPUT: usize = 0x8_0000;
export const INPUT_BYTES: usize = 0x8_0000;
/** The lines remembered, and for each of their bytes a class. */
export const ARENA: usize = 0x11_0000;
export const ARENA_BYTES: usize = 0x40_0000;
export const CLASS: usize = ARENA_BYTES + 0x1000;
/** Five tables of keys, written once by the JavaScript side. */
export const KEYS: usize = 0x91_4000;
/** For each field where its value starts and ends and where its key starts. */
export const PLACES: usize = CONTROL + 0x8000;
/** The line that is scanned alone. */
export const SCAN: usize = 0x92_0000;
