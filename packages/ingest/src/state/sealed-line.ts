import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
} from "node:crypto";
import type { KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { fileError, IngestError } from "../errors.ts";

/**
 * A line that only the holder of a private key can read: X25519 with a key made for this line, HKDF-SHA-256, and AES-256-GCM in
 * chunks, each with its number and whether it is the last, so that nothing can be cut off or moved unseen.
 *
 * `auditsieve sealed line 1 <recipient> <ephemeral public key>\n`, then chunks of 64 KiB, each with a tag of 16 bytes; the last may be shorter.
 */
const MAGIC = "auditsieve sealed line 1";
const CHUNK_BYTES = 64 * 1024;
const TAG_BYTES = 16;
const NEWLINE = 10;
const MAX_HEADER = 512;

/** Encrypts a line as it passes, in bounded memory. */
export class LineSealer {
  readonly #write: (bytes: Buffer) => void;
  readonly #key: Buffer;
  readonly #chunk = Buffer.alloc(CHUNK_BYTES);
  #length = 0;
  #number = 0;

  /** `write` takes the sealed bytes, in their order. */
  constructor(recipient: KeyObject, write: (bytes: Buffer) => void) {
    const ephemeral = generateKeyPairSync("x25519");
    const header = Buffer.from(`${MAGIC} ${recipientOf(recipient)} ${rawOf(ephemeral.publicKey)}\n`);
    this.#write = write;
    this.#key = keyOf(diffieHellman({ privateKey: ephemeral.privateKey, publicKey: recipient }), header);
    write(header);
  }

  push(bytes: Buffer, start: number, end: number): void {
    for (let at = start; at < end;) {
      if (this.#length === CHUNK_BYTES) {
        this.#flush(false);
      }
      const count = Math.min(end - at, CHUNK_BYTES - this.#length);
      bytes.copy(this.#chunk, this.#length, at, at + count);
      this.#length += count;
      at += count;
    }
  }

  /** The line has ended. */
  end(): void {
    this.#flush(true);
  }

  #flush(isLast: boolean): void {
    const cipher = createCipheriv("aes-256-gcm", this.#key, nonceOf(this.#number++, isLast));
    const sealed = cipher.update(this.#chunk.subarray(0, this.#length));
    this.#write(Buffer.concat([sealed, cipher.final(), cipher.getAuthTag()]));
    this.#length = 0;
  }
}

/** Reads what a {@link LineSealer} wrote. Rejects with what is wrong: another key, cut off, changed. */
export async function* openSealedLine(
  bytes: AsyncIterable<Buffer>,
  privateKey: KeyObject,
  name: string,
): AsyncGenerator<Buffer, void> {
  let carry: Buffer = Buffer.alloc(0);
  let key: Buffer | undefined;
  let number = 0;
  for await (const part of bytes) {
    carry = Buffer.concat([carry, part]);
    if (key === undefined) {
      const end = carry.indexOf(NEWLINE) + 1;
      if (end === 0 && carry.length < MAX_HEADER) {
        continue;
      }
      key = openHeader(carry.subarray(0, end), privateKey, name);
      carry = carry.subarray(end);
    }
    // The last chunk is told by what follows it: nothing.
    while (carry.length > CHUNK_BYTES + TAG_BYTES) {
      yield openChunk(carry.subarray(0, CHUNK_BYTES + TAG_BYTES), key, number++, false, name);
      carry = carry.subarray(CHUNK_BYTES + TAG_BYTES);
    }
  }
  if (key === undefined) {
    throw unusable(name, "it is cut off");
  }
  yield openChunk(carry, key, number, true, name);
}

/** Which key a line is sealed to: the first 16 hex digits of the SHA-256 of the public key. */
function recipientOf(key: KeyObject): string {
  return createHash("sha256").update(rawOf(key), "utf8").digest("hex").slice(0, 16);
}

/** An X25519 public key in PEM (SPKI); undefined when it is none. */
export function readPublicKey(pem: string): KeyObject | undefined {
  try {
    // A private key would give its public half: it must not be on this machine at all.
    const key = /PRIVATE KEY/.test(pem) ? undefined : createPublicKey(pem);
    return key?.asymmetricKeyType === "x25519" ? key : undefined;
  } catch {
    return undefined;
  }
}

/** The X25519 private key in PEM of a file. */
export async function readPrivateKey(path: string): Promise<KeyObject> {
  const pem = await readFile(path, "utf8").catch((error: unknown) => {
    throw fileError("read private key", path, error);
  });
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === "x25519") {
      return key;
    }
  } catch {
    // Told below: OpenSSL's own words say nothing.
  }
  throw new IngestError("unreadable", `Cannot use private key "${path}": it is no X25519 key in PEM`, {
    path,
    hint: "Make one with: openssl genpkey -algorithm X25519 -out key.pem",
  });
}

function openHeader(header: Buffer, privateKey: KeyObject, name: string): Buffer {
  const [, recipient, ephemeral] =
    /^auditsieve sealed line 1 ([0-9a-f]{16}) ([\w-]{43})\n$/.exec(header.toString("latin1")) ?? [];
  if (recipient === undefined || ephemeral === undefined) {
    throw unusable(name, "it is no sealed line of a version that is known");
  }
  const own = recipientOf(createPublicKey(privateKey));
  if (recipient !== own) {
    throw unusable(name, `it is sealed to the key ${recipient}, this one is ${own}`);
  }
  const publicKey = createPublicKey({ key: { kty: "OKP", crv: "X25519", x: ephemeral }, format: "jwk" });
  return keyOf(diffieHellman({ privateKey, publicKey }), header);
}

function openChunk(sealed: Buffer, key: Buffer, number: number, isLast: boolean, name: string): Buffer {
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, nonceOf(number, isLast), { authTagLength: TAG_BYTES });
    decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
    return Buffer.concat([decipher.update(sealed.subarray(0, sealed.length - TAG_BYTES)), decipher.final()]);
  } catch (error) {
    throw unusable(name, "it is cut off or was changed", error);
  }
}

function keyOf(shared: Buffer, header: Buffer): Buffer {
  return Buffer.from(hkdfSync("sha256", shared, createHash("sha256").update(header).digest(), MAGIC, 32));
}

function nonceOf(number: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUIntBE(number, 5, 6);
  nonce[11] = isLast ? 1 : 0;
  return nonce;
}

function rawOf(key: KeyObject): string {
  return key.export({ format: "jwk" }).x ?? "";
}

function unusable(name: string, what: string, cause?: unknown): IngestError {
  return new IngestError("unreadable", `Cannot open sealed line "${name}": ${what}`, {
    path: name,
    cause,
    hint: "Give the private key whose public half the daemon was configured with when it wrote this line",
  });
}
