import { MemberReader } from "./members.ts";

const EARLIER = Buffer.from('"audit.k8s.io/v1beta1"');
const V1 = Buffer.from('"audit.k8s.io/v1"');
/** An apiserver writes kind and version first. */
const HEAD_BYTES = 128;
const EVENT = new MemberReader(["kind", "apiVersion"]);

/**
 * An event of audit.k8s.io/v1beta1, which apiservers before 1.24 may write, as one of v1: these have the same fields, so that only the version
 * is another. Undefined for everything else.
 */
export function asV1(bytes: Buffer, start: number, end: number): Buffer | undefined {
  if (!bytes.subarray(start, Math.min(end, start + HEAD_BYTES)).includes(EARLIER)) {
    return undefined;
  }
  const version = EVENT.read(bytes, start, end)?.apiVersion;
  if (version === undefined || !bytes.subarray(version.start, version.end).equals(EARLIER)) {
    return undefined;
  }
  return Buffer.concat([bytes.subarray(start, version.start), V1, bytes.subarray(version.end, end)]);
}
