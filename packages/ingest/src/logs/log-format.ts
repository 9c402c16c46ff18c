/** What a log file is packed in, if in anything. */
export type ArchiveFormat = "gzip" | "zstd";
/** How a log file is to be read, told by its first bytes and never by its name. */
export type LogFormat = "plain" | "utf-16" | ArchiveFormat;

/** So many tell. */
export const MAGIC_BYTES = 4;

/**
 * What the first bytes of a file say about its packing.
 *
 * @example
 * assert.equal(logFormat(Buffer.of(0x1f, 0x8b, 0x08)), "gzip");
 */
export function logFormat(head: Buffer): LogFormat {
  if (head.length >= 3 && head[0] === 0x1f && head[1] === 0x8b && head[2] === 0x08) {
    return "gzip";
  }
  if (head.length >= MAGIC_BYTES) {
    const magic = head.readUInt32LE(0);
    if (magic === 0xfd2fb528 || (magic & ~0xf) >>> 0 === 0x184d2a50) {
      return "zstd";
    }
  }
  return isUtf16(head) ? "utf-16" : "plain";
}

/** Whether a byte order mark of UTF-16 stands there; with any other one it is UTF-8. */
export function isUtf16(head: Buffer): boolean {
  return (head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff);
}
