import type { AuditEvent } from "@auditsieve/audit";
import { headOf } from "./reading/event-parts.ts";
import { ACTOR_FIELDS, HEAD_FIELDS } from "./reading/head-view.ts";
import type { HeadView } from "./reading/head-view.ts";

/** Of a head the whole, and all but the names. */
export function partsOf(head: HeadView): readonly [string, string] {
  const fields = HEAD_FIELDS.map((field) => [field, head.get(field)] as const);
  const unnamed = fields.filter(([field]) => field !== "requestURI" && field !== "objectRef.name");
  return [JSON.stringify(fields), JSON.stringify(unnamed)];
}

/** Gives heads that remember what was noted for one like them, as the view of a scanned line does. */
export function rememberingHeads(): (event: AuditEvent) => HeadView {
  const noted = new Map<string, unknown>();
  const actors = new Map<string, Map<unknown, unknown>>();
  return (event) => {
    const head = headOf(event);
    const parts = partsOf(head);
    const keyOf = (part: "whole" | "unnamed"): string => `${part} ${parts[part === "whole" ? 0 : 1]}`;
    return {
      get: (field) => head.get(field),
      // Not every view has it at hand, and none for every head.
      actor: () => {
        const key = JSON.stringify(ACTOR_FIELDS.map((field) => head.get(field)));
        actors.set(key, actors.get(key) ?? new Map());
        return parts[0].length % 2 === 0 ? actors.get(key) : undefined;
      },
      recall: (part) => noted.get(keyOf(part)),
      note: (part, value) => void noted.set(keyOf(part), value),
    };
  };
}
