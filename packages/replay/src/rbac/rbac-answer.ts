import { isJsonObject, own } from "@auditsieve/audit";
import type { AuditEvent, EventScan, JsonValue } from "@auditsieve/audit";
import { boundedText } from "../bounded-text.ts";

/** An event as what shows something. */
export interface Proof {
  readonly time: string;
  readonly actor: string;
  readonly verb: string;
  readonly auditID: string;
}

/** The event in hand as a proof. */
export function proofOf(scan: EventScan): Proof {
  const text = (field: "user.username" | "verb" | "auditID"): string => boundedText(scan.text(field) ?? "");
  return {
    time: boundedText(scan.text("requestReceivedTimestamp") ?? scan.text("stageTimestamp") ?? ""),
    actor: text("user.username"),
    verb: text("verb"),
    auditID: text("auditID"),
  };
}

/** Whether the answer to a list holds all of a kind: of all namespaces, without a selector, in one piece. */
export function isWholeList({ objectRef, requestURI, responseObject }: AuditEvent): boolean {
  const items = isJsonObject(responseObject) ? own(responseObject, "items") : undefined;
  const metadata = isJsonObject(responseObject) ? own(responseObject, "metadata") : undefined;
  const rest = isJsonObject(metadata) ? own(metadata, "continue") : undefined;
  return (
    objectRef?.namespace === undefined &&
    Array.isArray(items) &&
    (rest ?? "") === "" &&
    !/[?&](?:labelSelector|fieldSelector|continue)=/.test(requestURI)
  );
}

/** The objects of a list, or those that were deleted together. */
export function itemsOf(body: JsonValue | undefined): readonly JsonValue[] {
  const items = isJsonObject(body) ? own(body, "items") : undefined;
  return Array.isArray(items) ? (items as readonly JsonValue[]) : [];
}
