import { createHmac, createSecretKey } from "node:crypto";
import type { KeyObject } from "node:crypto";

/** Setting a key up costs five times what hashing a line does. */
const keyObjects = new WeakMap<Uint8Array, KeyObject>();

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
  // The zero byte keeps apart clusters whose name is the beginning of another's name and line.
  return createHmac("sha256", keyObject(key)).update(cluster).update("\0").update(line).digest("hex").slice(0, 32);
}

function keyObject(key: Uint8Array): KeyObject {
  const known = keyObjects.get(key);
  if (known !== undefined) {
    return known;
  }
  const made = createSecretKey(key);
  keyObjects.set(key, made);
  return made;
}
