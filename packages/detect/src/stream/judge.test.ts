import type { AuditEvent } from "@auditsieve/audit";
import { describe, expect, test, vi } from "vitest";
import { DetectionEngine } from "../detection-engine.ts";
import type { Detection } from "../definition/detection.ts";
import { loadDetections } from "../load-detections.ts";
import { eventAt } from "../memory/events.suite.ts";
import { FindingStream } from "./finding-stream.ts";
import { isSettledFor } from "./judge.ts";
import { SETTLED, UNDECIDED } from "./open-request.ts";
import { OpenRequests } from "./open-requests.ts";

function detectionOf(number: number, selection: string): Detection {
  const [detection] = loadDetections(
    `title: Some\nid: 5f0d8a3c-5b0e-4a63-9d2f-00000000000${number}\nlevel: low\nlogsource: { product: kubernetes, service: audit }\ndetection: { selection: { ${selection} }, condition: selection }`,
    "one.yml",
  ).detections;
  return detection as Detection;
}

const GET = detectionOf(1, "verb: get");
const OF_EVE = detectionOf(2, "user.username: eve");
const GRANTED = detectionOf(3, "auditsieve.grant.by: eve");
const engine = new DetectionEngine([GET, OF_EVE, GRANTED]);

function asking(...asked: readonly Detection[]): Parameters<typeof isSettledFor>[1] {
  return { asked, left: undefined, judged: undefined };
}

describe("isSettledFor", () => {
  test("isSettledFor holds only where each detection that is asked is settled, waits for nothing and asks no memory", () => {
    const requests = new OpenRequests({ maxRequests: 10, maxHeldLength: 10, holdMs: 10 }, "");
    const request = requests.of(undefined, eventAt(0, {}), 0, true);
    if (request === undefined) {
      throw new Error("It was to be opened");
    }
    expect(isSettledFor(undefined, asking(GET), engine)).toBe(false);
    expect(isSettledFor(request, asking(GET), engine)).toBe(false);
    requests.settle(request, GET, SETTLED);
    requests.settle(request, GRANTED, SETTLED);
    requests.taken(request);
    const ofGet = asking(GET);
    expect([isSettledFor(request, ofGet, engine), isSettledFor(request, ofGet, engine)]).toEqual([true, true]);
    expect(isSettledFor(request, asking(GET, OF_EVE), engine)).toBe(false);
    expect(isSettledFor(request, asking(GET, GRANTED), engine)).toBe(false);
    expect(isSettledFor(request, asking(GET, [...engine.feeders][0] as Detection), engine)).toBe(false);
    requests.settle(request, OF_EVE, UNDECIDED);
    requests.taken(request);
    expect(isSettledFor(request, ofGet, engine)).toBe(false);
  });

  test("FindingStream evaluates an event that comes again only where something of its request is open", () => {
    const stream = new FindingStream(engine);
    const evaluated = vi.spyOn(engine, "evaluateLike");
    const event: AuditEvent = eventAt(0, { verb: "get" });
    const ids = [event, { ...event, stage: "ResponseStarted" as const }, event].map((one) =>
      stream.push(one, undefined, [GET, OF_EVE]).map(({ detection }) => detection.id),
    );
    expect(ids).toEqual([[GET.id, OF_EVE.id], [], []]);
    expect(evaluated).toHaveBeenCalledTimes(1);
    stream.push(event, undefined, [GET, GRANTED]);
    expect(evaluated).toHaveBeenCalledTimes(2);
    evaluated.mockRestore();
  });
});
