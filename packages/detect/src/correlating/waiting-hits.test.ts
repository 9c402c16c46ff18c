import { describe, expect, test } from "vitest";
import { EventHit, LateEvidence } from "../correlation-hit.ts";
import type { CorrelationHit } from "../correlation-hit.ts";
import type { Detection } from "../definition/detection.ts";
import { loadDetections } from "../load-detections.ts";
import { OpenRequest } from "../stream/open-request.ts";
import { WaitingHits } from "./waiting-hits.ts";

const DETECTIONS = ["one", "two"].map(
  (title, i) =>
    loadDetections(
      `title: ${title}
id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e1${i}
level: low
logsource: { product: kubernetes, service: audit }
detection: { selection: { verb: get }, condition: selection }
`,
      `${title}.yml`,
    ).detections[0] as Detection,
);

interface Choice {
  readonly detection: number;
  readonly request: number;
  readonly time: number;
  readonly length: number;
}

/** Some are of requests of which the names are known, some of such that a snapshot told of; long names are digested. */
function hitOf({ detection, request, time, length }: Choice): CorrelationHit {
  const names = [`a-${request % 3}`, "", "eve", "get", request % 4 === 0 ? "/".repeat(600) : `/${request}`];
  const of = new OpenRequest(request % 5 === 0 ? `key-${request}` : names, "", names[0], time);
  const evidence = new LateEvidence(of, () => expect.unreachable(), length);
  return new EventHit(time, DETECTIONS[detection] as Detection, new Map(), evidence, []);
}

describe("WaitingHits", () => {
  test.each([
    ["few hits a moment", 50],
    ["many hits a moment", 3],
  ])(
    "gives each hit once, the earliest first, of those with the same id, time and length the first: %s",
    (_, times) => {
      let twins = 0;
      for (let seed = 1; seed <= 40; seed++) {
        let state = seed;
        const below = (most: number): number => {
          state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
          return (state >>> 8) % most;
        };
        const waiting = new WaitingHits();
        const model: { readonly hit: CorrelationHit; readonly choice: Choice; readonly id: string }[] = [];
        for (let step = 0; step < 200; step++) {
          if (below(4) === 0) {
            model.sort((a, b) => a.choice.time - b.choice.time || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
            const popped = waiting.pop();
            // Of the same id and moment, but of other lengths, either may be first.
            const at = model.findIndex(({ hit }) => hit === popped);
            expect(popped === undefined ? undefined : [popped.time, popped.id]).toEqual(
              model[0] && [model[0].choice.time, model[0].id],
            );
            model.splice(at, at === -1 ? 0 : 1);
            continue;
          }
          const choice = { detection: below(2), request: below(12), time: below(times), length: below(2) };
          const hit = hitOf(choice);
          // Not its own: then its request would have its key already.
          const { id } = hitOf(choice);
          const isTwin = (other: Choice): boolean =>
            other.time === choice.time && other.length === choice.length && hitOf(other).id === id;
          const expected = !model.some((one) => isTwin(one.choice));
          twins += expected ? 0 : 1;
          expect(waiting.add(hit)).toBe(expected);
          if (expected) {
            model.push({ hit, choice, id });
          }
          expect(waiting.size).toBe(model.length);
        }
        expect(waiting.length).toBe(model.reduce((sum, { choice }) => sum + choice.length, 0));
      }
      expect(twins).toBeGreaterThan(100);
    },
  );
});
