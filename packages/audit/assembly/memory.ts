// Where things stand in the memory, which never grows. Places are constants, so that loads cost no addition. Behind the end of all
// that holds text at least 128 bytes may be read too.

/** Numbers that both sides read and write. */
export const CONTROL: usize = 0x1_0000;
/** Where in a line, or in the one being learnt, that stands which somebody is told: see ./told. */
export const TOLD: usize = CONTROL + 0x40;
/** When that line was written, and a number of its auditID: see ./moment. */
export const MOMENT: usize = CONTROL + 0x80;
/** Spans of the line being learnt that must stay as they are: pairs of positions. */
export const FIXED: usize = CONTROL + 0x1000;
/** Where a line differs from its template: pairs of positions, more than the blocks and detours of the longest one. */
export const DIFFERENCES: usize = CONTROL + 0x2000;
/** Namespace and name of the object of the line that is told. */
export const TOLD_OBJECT: usize = CONTROL + 0x3000;
export const TOLD_OBJECT_BYTES: usize = 0x1000;
/** Lines and bytes per decision. */
export const EVENTS: usize = CONTROL + 0x4000;
export const BYTES: usize = CONTROL + 0x5000;
/** For each field where its value starts and ends and where its key starts. */
export const PLACES: usize = CONTROL + 0x8000;
/** Of the texts that change with each document. */
export const ARGUMENT_LENGTHS: usize = CONTROL + 0x9000;
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
/** Names of levels, of stages, the kind and the apiVersion of an event, written once by the JavaScript side. */
export const NAMES: usize = 0x25_6000;
/** For each of three bytes which sets of needles have its lower half, and which its upper: written once by the JavaScript side. */
export const NEEDLES: usize = 0x25_8000;
/** A bit for each number that three bytes of a needle make: written once by the JavaScript side, with {@link NEEDLES}. */
export const NEEDLE_BITS: usize = 0x25_8800;
/** The sets of 32 places. */
export const SUSPECTS: usize = 0x25_8100;
/** A byte for each answer that templates rest on: whether it stands. The first one is for those that rest on none. */
export const STANDING: usize = 0x25_9000;
export const STANDING_COUNT: usize = 0x4000;
// Endings of keys that are looked for stand from 0x25_d000 on, written by the JavaScript side: see ./endings.
/** The line that is scanned alone. */
export const SCAN: usize = 0x26_0000;
/** The heads and lines remembered, and for each of their bytes a class. */
export const ARENA: usize = 0x30_0000;
export const ARENA_BYTES: usize = 0x80_0000;
export const CLASS: usize = ARENA_BYTES + 0x1000;
/** Steps, texts and shapes of documents: written by the JavaScript side. */
export const PROGRAMS: usize = 0x132_0000;
/** Four texts that change with each document. */
export const ARGUMENTS: usize = 0x133_0000;
export const ARGUMENT_BYTES: usize = 0x1000;
/** How the next eight bytes are spread out when some of them are escaped, for each set of those: where each comes from, and the backslashes. */
export const SPREAD: usize = 0x133_8000;
/** Starts of objects that are not closed yet. */
export const OPEN: usize = 0x133_b000;
/** First fragment of each bucket. */
export const FRAGMENT_BUCKETS: usize = 0x134_0000;
export const FRAGMENT_BUCKET_COUNT: u32 = 8192;
export const FRAGMENTS: usize = 0x135_0000;
export const FRAGMENT_COUNT: u32 = 4096;
/** Keys and texts of the fragments. */
export const FRAGMENT_TEXTS: usize = 0x138_0000;
export const FRAGMENT_TEXT_BYTES: usize = 0x20_0000;
/** The document that is written. */
export const DOCUMENT: usize = 0x159_0000;
/** Suspects that were found harmless, with what stands around them. */
export const HARMLESS: usize = 0x19a_0000;
export const HARMLESS_COUNT: u32 = 4096;
/** Entries of members: see ./members. */
export const MEMBERS: usize = 0x1a2_0000;
export const MEMBER_COUNT: u32 = 1024;
/** First copy of an object of each bucket, those found in the line that is searched, and their texts: see ./copies. */
export const COPIES: usize = 0x1a3_0000;
export const COPY_BUCKETS: u32 = 1024;
export const COPIES_FOUND: usize = 0x1a3_1000;
export const MOST_COPIES_FOUND: u32 = 256;
export const COPY_TEXTS: usize = 0x1a3_2000;
export const COPY_TEXT_BYTES: usize = 0x10_0000;
// Sets of paths stand from 0x1b3_4000 on, written by the JavaScript side: see ./paths.
/** For each entry the one that the line behind its last one was like. */
export const FOLLOWERS: usize = 0x1b4_0000;
/** For each number of how a line begins the entry that the last one was like: see ./likely. */
export const SAME_STARTS: usize = 0x1b5_0000;
export const SAME_START_COUNT: u32 = 4096;
