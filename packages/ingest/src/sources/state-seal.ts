import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Seals what is kept outside of the state folder (AES-256-GCM): who may read or write there learns nothing, and can put nothing
 * into the mouth of a daemon. `name` is bound to the bytes: under another name they do not open.
 *
 * @example
 * const seal = new StateSeal(idKey);
 * seal.open("audit/0/head", seal.seal("audit/0/head", bytes)); // the same bytes
 */
export class StateSeal {
  readonly #key: Buffer;

  /** `key` is what all daemons of a cluster share. */
  constructor(key: Uint8Array) {
    this.#key = Buffer.from(hkdfSync("sha256", key, "", "auditsieve state of a partition 1", 32));
  }

  seal(name: string, bytes: Buffer): Buffer {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv("aes-256-gcm", this.#key, nonce);
    cipher.setAAD(Buffer.from(name));
    return Buffer.concat([nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
  }

  /** Undefined where the bytes were sealed under another key or name, or are not whole. */
  open(name: string, sealed: Buffer): Buffer | undefined {
    if (sealed.length < NONCE_BYTES + TAG_BYTES) {
      return undefined;
    }
    const decipher = createDecipheriv("aes-256-gcm", this.#key, sealed.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(Buffer.from(name));
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
    try {
      return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
    } catch {
      return undefined;
    }
  }
}
