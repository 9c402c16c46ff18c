import { createHash } from "node:crypto";
import type { Delivery } from "../sink.ts";

/** Hash of what a document says; of a line that is no event without where it stood: equal lines are one document. */
export function contentOf(kind: Delivery["kind"], document: Uint8Array): string {
  const hash = createHash("sha256");
  if (kind === "undecidable") {
    const { reason, note } = JSON.parse(Buffer.from(document).toString("utf8")) as Record<string, unknown>;
    return hash.update(JSON.stringify([reason, note])).digest("base64");
  }
  return hash.update(document).digest("base64");
}
