import { isJsonObject, own } from "@auditsieve/audit";
import type { EventScan, JsonValue } from "@auditsieve/audit";
import type { HeadField, HeadView } from "@auditsieve/detect";
import { HeadMemo } from "./head-memo.ts";

const CREDENTIAL_ID = "authentication.kubernetes.io/credential-id";
const PARSED: ReadonlySet<string> = new Set([
  "user.groups",
  "impersonatedUser.groups",
  "sourceIPs",
  "user.extra",
  "annotations",
]);

/**
 * The head of the line that `scan` holds, as detections ask for it, without parsing the line. Make one per stream: it
 * remembers what was noted for heads of the same bytes.
 *
 * @example
 * const head = scanHead(scan);
 * scan.scan(line, 0, line.length);
 * head.get("verb");
 */
export function scanHead(scan: EventScan): HeadView {
  const memo = new HeadMemo(scan);
  let cached = -1;
  const values = new Map<HeadField, JsonValue | undefined>();
  return {
    get: (field) => {
      if (cached !== scan.scans) {
        cached = scan.scans;
        values.clear();
      }
      const known = values.get(field);
      if (known !== undefined || values.has(field)) {
        return known;
      }
      const value = readHead(scan, field);
      values.set(field, value);
      return value;
    },
    recall: (part) => (part === "narrow" ? undefined : memo.recall(part)),
    note: (part, value) => {
      if (part !== "narrow") {
        memo.note(part, value);
      }
    },
  };
}

function readHead(scan: EventScan, field: HeadField): JsonValue | undefined {
  if (field === `user.extra.${CREDENTIAL_ID}`) {
    const extra = scan.value("user.extra") as JsonValue | undefined;
    return isJsonObject(extra) ? own(extra, CREDENTIAL_ID) : undefined;
  }
  if (field === "responseStatus.code") {
    return scan.code;
  }
  return PARSED.has(field) ? (scan.value(field) as JsonValue | undefined) : scan.text(field);
}
