import { isJsonObject, own } from "@auditsieve/audit";
import type { AuditEvent, JsonObject, JsonValue } from "@auditsieve/audit";
import { headOf, partAt } from "../reading/event-parts.ts";
import type { HeadView } from "../reading/head-view.ts";

/** The value at a path of literal keys; undefined as soon as one is missing. */
export function at(value: JsonValue | undefined, ...keys: readonly string[]): JsonValue | undefined {
  let found = value;
  for (let i = 0; i < keys.length; i++) {
    found = isJsonObject(found) ? own(found, keys[i] as string) : undefined;
  }
  return found;
}

export function textAt(value: JsonValue | undefined, ...keys: readonly string[]): string | undefined {
  return textOf(at(value, ...keys));
}

/** The value itself, where it is a text. */
export function textOf(found: JsonValue | undefined): string | undefined {
  return typeof found === "string" && found !== "" ? found.slice(0, MAX_TEXT) : undefined;
}

export function objectsAt(value: JsonValue | undefined, ...keys: readonly string[]): readonly JsonObject[] {
  const found = at(value, ...keys);
  return Array.isArray(found) ? (found as readonly JsonValue[]).filter(isJsonObject) : [];
}

/** Whether the request has ended well. */
export function isSuccess(head: HeadView): boolean {
  const code = head.get("responseStatus.code") as number | null | undefined;
  return head.get("stage") === "ResponseComplete" && !((code ?? 500) >= 400);
}

/** The name of the object of a request: a create may have it in its bodies only. */
export function nameOf(event: AuditEvent): string | undefined {
  return (
    (headOf(event).get("objectRef.name") as string | null | undefined) ??
    textAt(partAt(event, "responseObject", NAME)) ??
    textAt(partAt(event, "requestObject", NAME))
  );
}

const NAME = ["metadata", "name"];
const MAX_TEXT = 512;
