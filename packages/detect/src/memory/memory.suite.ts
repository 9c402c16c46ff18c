import type { AuditEvent } from "@auditsieve/audit";
import { fieldPath } from "../condition/field-path.ts";
import type { RememberedName } from "../condition/remembered-fields.ts";
import { eventReader } from "../plan/field-readers.ts";
import { ClusterMemory } from "./cluster-memory.ts";

/** A memory that was told of these events. */
export function after(...events: readonly AuditEvent[]): ClusterMemory {
  const memory = new ClusterMemory();
  events.forEach((event) => memory.observe(event));
  return memory;
}

/** What the field says of an event: its values, "absent" or "unknown". */
export function read(memory: ClusterMemory, name: RememberedName, event: AuditEvent): unknown {
  memory.credentials.observeUse(event);
  const reading = eventReader(event, memory).read(fieldPath(`auditsieve.${name}`));
  return reading === undefined ? "unknown" : reading.present ? reading.values : "absent";
}
