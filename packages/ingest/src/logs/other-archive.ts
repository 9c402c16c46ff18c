import { IngestError } from "../errors.ts";

const UNPACK = "Unpack it first with the tool that made it, and name what comes out";
const UNPACK_ZLIB = "import sys, zlib; sys.stdout.buffer.write(zlib.decompress(sys.stdin.buffer.read()))";
/** What a log is sometimes packed in that is not read: how it begins, and what unpacks it. */
const OTHERS: readonly { readonly what: string; readonly at: number; readonly magic: Buffer; readonly hint: string }[] =
  [
    {
      what: "zip",
      at: 0,
      magic: Buffer.from("PK\u0003\u0004"),
      hint: "Unpack it first (unzip), or pipe it in: unzip -p",
    },
    { what: "bzip2", at: 0, magic: Buffer.from("BZh"), hint: "Unpack it first (bunzip2), or pipe it in: bzip2 -dc" },
    {
      what: "xz",
      at: 0,
      magic: Buffer.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0),
      hint: "Unpack it first (unxz), or pipe it in: xz -dc",
    },
    { what: "7z", at: 0, magic: Buffer.of(0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c), hint: "Unpack it first: 7z x" },
    {
      what: "tar",
      at: 257,
      magic: Buffer.from("ustar"),
      hint: "Unpack it into a folder first (tar -x), and name that: folders are searched for logs",
    },
    { what: "lz4", at: 0, magic: Buffer.of(0x04, 0x22, 0x4d, 0x18), hint: "Unpack it first, or pipe it in: lz4 -dc" },
    { what: "lzip", at: 0, magic: Buffer.from("LZIP"), hint: UNPACK },
    { what: "compress", at: 0, magic: Buffer.of(0x1f, 0x9d), hint: "Unpack it first, or pipe it in: zcat" },
    {
      what: "snappy",
      at: 0,
      magic: Buffer.from("\u00FF\u0006\0\0sNaPpY", "latin1"),
      hint: UNPACK,
    },
    // By level of compression.
    ...[0x01, 0x9c, 0xda].map((level) => ({
      what: "zlib",
      at: 0,
      magic: Buffer.of(0x78, level),
      hint: `Unpack it first, or pipe it in: python3 -c '${UNPACK_ZLIB}'`,
    })),
    // The marks of both byte orders; that of UTF-16 begins like the one.
    ...[Buffer.of(0xff, 0xfe, 0, 0), Buffer.of(0, 0, 0xfe, 0xff)].map((magic) => ({
      what: "UTF-32",
      at: 0,
      magic,
      hint: "Make UTF-8 of it first, or pipe it in: iconv -f UTF-32 -t UTF-8",
    })),
    { what: "Parquet", at: 0, magic: Buffer.from("PAR1"), hint: "Export the log as JSON, one event a line" },
    { what: "SQLite", at: 0, magic: Buffer.from("SQLite format 3"), hint: "Export the log as JSON, one event a line" },
  ];

/** Whether these first bytes are those of an archive that is not read. */
export function isOtherArchive(head: Buffer): boolean {
  return otherIn(head) !== undefined;
}

/** Throws where these first bytes are those of an archive that is not read: says which, and what unpacks it. */
export function refuseOtherArchive(head: Buffer, name: string): void {
  const other = otherIn(head);
  if (other !== undefined) {
    throw new IngestError("unreadable", `Cannot read "${name}" as a log: it is a ${other.what} file`, {
      path: name,
      hint: other.hint,
    });
  }
}

function otherIn(head: Buffer): (typeof OTHERS)[number] | undefined {
  return OTHERS.find(({ at, magic }) => head.subarray(at, at + magic.length).equals(magic));
}
