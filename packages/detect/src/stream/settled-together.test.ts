import { describe, expect, test } from "vitest";
import { loadDetections } from "../load-detections.ts";
import type { Detection } from "../definition/detection.ts";
import { SETTLED, UNDECIDED } from "./open-request.ts";
import type { Standing } from "./open-request.ts";
import { OpenRequests } from "./open-requests.ts";
import { SettledTogether } from "./settled-together.ts";

function detectionOf(verb: string): Detection {
  const id = `5f0d8a3c-5b0e-4a63-9d2f-${verb.padEnd(12, "0").replaceAll(/[^0-9a-f]/g, "1")}`;
  const [detection] = loadDetections(
    `title: ${verb}\nid: ${id}\nlevel: low\nlogsource: { product: kubernetes, service: audit }\ndetection: { selection: { verb: ${verb} }, condition: selection }`,
    `${verb}.yml`,
  ).detections;
  return detection as Detection;
}

const [GET, LIST, WATCH] = ["get", "list", "watch"].map(detectionOf) as [Detection, Detection, Detection];

function settled(...detections: readonly Detection[]): Map<Detection, Standing> {
  return new Map(detections.map((detection) => [detection, SETTLED]));
}

describe("SettledTogether", () => {
  test("SettledTogether gives one map for the same detections in the same order", () => {
    const together = new SettledTogether();
    const first = together.of(settled(GET, LIST));
    expect([...first]).toEqual([...settled(GET, LIST)]);
    expect(together.of(settled(GET, LIST))).toBe(first);
    const turned = together.of(settled(LIST, GET));
    expect([...turned]).toEqual([...settled(LIST, GET)]);
    const one = together.of(settled(GET));
    expect([...one]).toEqual([...settled(GET)]);
    expect(together.with(one, LIST)).toBe(first);
    expect(together.with(one, GET)).toBe(one);
  });

  test("OpenRequests keeps apart what is settled later of requests that were alike", () => {
    const requests = new OpenRequests({ maxRequests: 10, maxHeldLength: 10, holdMs: 10 }, "");
    const [one, other] = ["a", "b"].map((auditID) => {
      const event = {
        level: "Metadata",
        stage: "ResponseStarted",
        auditID,
        requestURI: "/",
        verb: "get",
        user: {},
      } as const;
      const request = requests.of(undefined, event, 0, true);
      if (request === undefined) {
        throw new Error("It was to be opened");
      }
      requests.settle(request, GET, SETTLED);
      requests.settle(request, LIST, SETTLED);
      requests.taken(request);
      return request;
    });
    expect(one?.standings).toBe(other?.standings);
    if (one !== undefined) {
      requests.settle(one, WATCH, UNDECIDED);
      requests.taken(one);
    }
    expect([...(one?.standings.keys() ?? [])]).toEqual([GET, LIST, WATCH]);
    expect([...(other?.standings.keys() ?? [])]).toEqual([GET, LIST]);
  });
});
