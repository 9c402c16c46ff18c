import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";

/** What identifies the content of a file. */
export interface Digest {
  readonly bytes: number;
  /** SHA-256 in hex. */
  readonly sha256: string;
}

/**
 * The digest of a file as it lies on the disk. Throws the system's error.
 *
 * @example
 * const passing = new PassingDigest();
 * passing.add(await readFile("audit.log"));
 * assert.deepEqual(await hashFile("audit.log"), passing.total());
 */
export async function hashFile(path: string): Promise<Digest> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    hash.update(chunk as Buffer);
    bytes += (chunk as Buffer).length;
  }
  return { bytes, sha256: hash.digest("hex") };
}

/** Digest of bytes as they pass. */
export class PassingDigest {
  readonly #hash = createHash("sha256");
  #bytes = 0;

  add(bytes: Buffer | string): void {
    this.#hash.update(bytes);
    this.#bytes += Buffer.byteLength(bytes);
  }

  total(): Digest {
    return { bytes: this.#bytes, sha256: this.#hash.copy().digest("hex") };
  }
}
