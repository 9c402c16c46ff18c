import { hash } from "node:crypto";

const BLOCK_BYTES = 64;
const DIGEST_BYTES = 32;
const ID_LENGTH = 32;
const FIRST_ROOM = 64 * 1024;
const MAX_KEPT_ROOM = 1024 * 1024;

/** The two blocks of RFC 2104 with room behind them for what is hashed. */
interface KeyPads {
  inner: Buffer;
  readonly outer: Buffer;
}

const keyPads = new WeakMap<Uint8Array, KeyPads>();

/**
 * Identity of one line of one cluster's audit log: 128 bits of HMAC-SHA-256 over the cluster's name and the original bytes,
 * as 32 hex characters. Never the auditID: a client chooses that by a header, and a replayed one would make a later event
 * look like a duplicate. All ingesters of a cluster share `key`, and it does not rotate.
 *
 * @see https://github.com/kubernetes/apiserver/blob/master/pkg/endpoints/filters/audit_init.go
 * @example
 * const key = Buffer.alloc(32, 1);
 * assert.equal(documentId(key, "prod", Buffer.from("{}")), documentId(key, "prod", Buffer.from("{}")));
 * assert.notEqual(documentId(key, "prod", Buffer.from("{}")), documentId(key, "test", Buffer.from("{}")));
 */
export function documentId(key: Uint8Array, cluster: string, line: Uint8Array): string {
  // Two one-shot hashes of prepared bytes: an Hmac object costs as much again as hashing a line, and garbage besides.
  const pads = keyPads.get(key) ?? padsOf(key);
  const most = BLOCK_BYTES + 3 * cluster.length + 1 + line.length;
  const inner = most <= pads.inner.length ? pads.inner : grown(pads, most);
  let length = BLOCK_BYTES + inner.write(cluster, BLOCK_BYTES, "utf8");
  // The zero byte keeps apart clusters whose name is the beginning of another's name and line.
  inner[length++] = 0;
  inner.set(line, length);
  pads.outer.write(hash("sha256", inner.subarray(0, length + line.length), "binary"), BLOCK_BYTES, "latin1");
  return hash("sha256", pads.outer, "hex").slice(0, ID_LENGTH);
}

function padsOf(key: Uint8Array): KeyPads {
  const block = Buffer.alloc(BLOCK_BYTES);
  block.set(key.length > BLOCK_BYTES ? hash("sha256", key, "buffer") : key);
  const inner = Buffer.alloc(FIRST_ROOM);
  const outer = Buffer.alloc(BLOCK_BYTES + DIGEST_BYTES);
  for (let i = 0; i < BLOCK_BYTES; i++) {
    inner[i] = (block[i] as number) ^ 0x36;
    outer[i] = (block[i] as number) ^ 0x5c;
  }
  const pads = { inner, outer };
  keyPads.set(key, pads);
  return pads;
}

/** Room for `bytes`; kept for the next line unless that is a rare long one. */
function grown(pads: KeyPads, bytes: number): Buffer {
  const room = Buffer.allocUnsafeSlow(bytes);
  pads.inner.copy(room, 0, 0, BLOCK_BYTES);
  if (bytes <= MAX_KEPT_ROOM) {
    pads.inner = room;
  }
  return room;
}
