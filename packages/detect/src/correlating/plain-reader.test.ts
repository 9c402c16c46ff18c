import type { AuditEvent } from "@auditsieve/audit";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { readHit } from "../correlation-hit.ts";
import { DetectionEngine } from "../detection-engine.ts";
import { headOf } from "../reading/event-parts.ts";
import { eventReader } from "../plan/field-readers.ts";
import { PlainReader } from "./plain-reader.ts";
import { shippedDocuments } from "../shipped-detections.suite.ts";

const { correlations } = new DetectionEngine(shippedDocuments).linked;
const asked = correlations.flatMap((linked) => linked.detections.map((detection) => ({ linked, detection })));

const text = fc.oneof(
  fc.string({ maxLength: 8 }),
  fc.constantFrom("eve", "é☃", "a".repeat(256), "b".repeat(257), "c".repeat(700)),
);
const texts = fc.array(text, { maxLength: 3 });
const odd = fc.oneof(text, texts, fc.constantFrom(undefined, null, 5, true, {}, [["a"]], [1, "a"], [{ name: "a" }]));
const object = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record({ username: odd, resource: odd, namespace: odd, name: odd }, { requiredKeys: [] }),
  },
  { weight: 1, arbitrary: odd },
);
const events = fc.record(
  {
    level: fc.constantFrom("Metadata", "RequestResponse"),
    auditID: odd,
    stage: fc.constantFrom("RequestReceived", "ResponseComplete"),
    requestURI: odd,
    verb: fc.constantFrom("get", "create"),
    user: object,
    sourceIPs: odd,
    objectRef: object,
  },
  { requiredKeys: ["level", "stage", "verb"] },
);

test("PlainReader reads what readHit does, or leaves the event to it", () => {
  let read = 0;
  const readers = asked.map(({ linked, detection }) => ({
    linked,
    detection,
    plain: PlainReader.of(detection, [linked]),
  }));
  // Shipped correlations ask for nothing else.
  expect(readers.filter(({ plain }) => plain === undefined)).toEqual([]);
  fc.assert(
    fc.property(events, (json) => {
      const event = JSON.parse(JSON.stringify(json)) as AuditEvent;
      const reader = eventReader(event);
      for (const { linked, detection, plain } of readers) {
        const reading = plain?.read(event, headOf(event));
        if (reading !== undefined) {
          read++;
          expect(reading.get(linked.detection)).toEqual(readHit(linked, detection, reader, () => reader));
        }
      }
    }),
    { numRuns: 300 },
  );
  expect(read).toBeGreaterThan(100);
});
