import { promisify } from "node:util";
import { constants, zstdCompress, zstdDecompress } from "node:zlib";

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);
/** It is written again every few seconds: time matters more than a few hundred kilobytes. */
const FAST = { chunkSize: 1024 * 1024, params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/** Packs what is written with a checkpoint, with zstd. */
export function packState(content: string | Buffer): Promise<Buffer> {
  return compress(content, FAST);
}

/** What {@link packState} was given. Rejects where it is damaged, or longer than `maxBytes`. */
export function unpackState(packed: Buffer, maxBytes: number): Promise<Buffer> {
  return decompress(packed, { maxOutputLength: maxBytes });
}
