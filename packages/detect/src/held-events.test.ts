import { timeOf } from "@auditsieve/audit";
import { expect, test } from "vitest";
import { DetectionEngine } from "./detection-engine.ts";
import { FindingStream } from "./stream/finding-stream.ts";
import type { Finding } from "./finding.ts";
import { shippedDetections, shippedDocuments } from "./shipped-detections.suite.ts";
import { ShownEvent } from "./shown-event.ts";

const cases = shippedDetections.flatMap((shipped) => shipped.cases).filter((_, index) => index % 32 === 0);
// In the order of their times: what comes too late is not held.
const events = cases.flatMap((each) => each.events).sort((a, b) => timeOf(a) - timeOf(b));

test("FindingStream.holdsLast: what it does not say to hold is never shown by a later push", () => {
  const engine = new DetectionEngine(shippedDocuments);
  const stream = new FindingStream(engine);
  const found: Finding[] = [];
  let held = 0;
  for (const event of events) {
    let isGone = false;
    const show = (): ShownEvent => {
      if (isGone) {
        throw new Error(`${event.auditID} is shown although nothing said so`);
      }
      return ShownEvent.of(event);
    };
    found.push(...stream.push(event, show));
    isGone = !stream.holdsLast;
    held += isGone ? 0 : 1;
  }
  found.push(...stream.flush());
  const all = new FindingStream(engine);
  const others = [...events.flatMap((event) => all.push(event)), ...all.flush()];
  expect(found.map(({ id }) => id)).toEqual(others.map(({ id }) => id));
  expect(held).toBeGreaterThan(10);
  // Most events of a case are ones that detections ask for; what is left proves that not everything is held.
  expect(events.length - held).toBeGreaterThan(5);
});
