/** What a log file is packed in, told by its first bytes and never by its name. */
export type LogFormat = "plain" | "gzip" | "zstd";

/** So many tell. */
export const MAGIC_BYTES = 4;

/** What the first bytes of a file say about its packing. */
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
  return "plain";
}
