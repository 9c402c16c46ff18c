import { lz4Compress, lz4Decompress, snappyCompress, snappyDecompress } from "@platformatic/wasm-utils";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";

/** How the records of a batch are compressed, where the client library does not know it by itself. */
interface Codec {
  compress(encoder: { readonly buffer: Buffer }): Promise<Buffer>;
  decompress(buffer: Buffer): Promise<Buffer>;
}

/** Framing of the Java client's snappy: this, 8 bytes of versions, then pieces with their length before them. */
const XERIAL = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER_BYTES = 16;

/** Codecs by name, beside gzip. */
export const CODECS: Readonly<Record<"snappy" | "lz4" | "zstd", Codec>> = {
  snappy: codec(snappyCompress, decompressSnappy),
  lz4: codec(lz4Compress, lz4Decompress),
  zstd: codec(
    (bytes) => zstdCompressSync(bytes),
    (bytes) => zstdDecompressSync(bytes),
  ),
};

function codec(compress: (bytes: Buffer) => Buffer, decompress: (bytes: Buffer) => Buffer): Codec {
  return {
    compress: (encoder) => Promise.resolve(compress(encoder.buffer)),
    decompress: (buffer) => Promise.resolve(decompress(buffer)),
  };
}

function decompressSnappy(bytes: Buffer): Buffer {
  if (!bytes.subarray(0, XERIAL.length).equals(XERIAL)) {
    return snappyDecompress(bytes);
  }
  const pieces: Buffer[] = [];
  for (let at = XERIAL_HEADER_BYTES; at < bytes.length;) {
    const length = bytes.readUInt32BE(at);
    pieces.push(snappyDecompress(bytes.subarray(at + 4, at + 4 + length)));
    at += 4 + length;
  }
  return Buffer.concat(pieces);
}
