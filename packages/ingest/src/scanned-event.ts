import type { AuditEvent, EventScan } from "@auditsieve/audit";

const BODIES = ["requestObject", "responseObject"] as const;

/** The event last scanned by `scan`, whose line is `line`. A body is parsed when it is first read, and only then. */
export function scannedEvent(scan: EventScan, line: Buffer): AuditEvent {
  const bodies = BODIES.filter((field) => scan.has(field))
    .map((field) => ({ field, from: scan.valueStart(field) - scan.start, to: scan.valueEnd(field) - scan.start }))
    .sort((a, b) => a.from - b.from);
  let text = "";
  let at = 0;
  for (const { from, to } of bodies) {
    text += `${line.toString("utf8", at, from)}null`;
    at = to;
  }
  const event = JSON.parse(text + line.toString("utf8", at)) as AuditEvent;
  for (const { field, from, to } of bodies) {
    Object.defineProperty(event, field, {
      enumerable: true,
      configurable: true,
      get: () => {
        const value: unknown = JSON.parse(line.toString("utf8", from, to));
        Object.defineProperty(event, field, { enumerable: true, configurable: true, writable: true, value });
        return value;
      },
    });
  }
  return event;
}
