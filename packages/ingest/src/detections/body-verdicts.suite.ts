import { EventScan, isJsonObject } from "@auditsieve/audit";
import type { AuditEvent, JsonValue } from "@auditsieve/audit";
import { DetectionEngine } from "@auditsieve/detect";
import type { Evaluated } from "@auditsieve/detect";
import { expect } from "vitest";
import { Dice } from "../filter/line-mutator.suite.ts";
import { recordedLines, shippedDetections } from "./plain-detection.suite.ts";
import { scanHead } from "./scan-head.ts";
import { scannedEvent } from "./scanned-event.ts";
import { spelling } from "../spelling.suite.ts";

/** Bodies that are written again and again, of each resource. */
const KEPT = 12;

/**
 * Leads recorded writes with each other's bodies, changed and spelled in many ways, again and again through one engine that remembers
 * what bodies say. All verdicts, and their order, must be those of every condition on the parsed event.
 */
export function expectBodyVerdicts(events: number, seed: number, heads: number): void {
  const dice = new Dice(seed);
  const engine = new DetectionEngine(shippedDetections());
  const all = [...engine.detections, ...engine.feeders];
  const kept = new Map<string, string[]>();
  const scan = new EventScan();
  const head = scanHead(scan);
  const byResource = recordedWrites(heads, (line) => {
    expect(scan.scan(line, 0, line.length)).toBe(true);
    const { ofBody } = engine.left(head);
    return ofBody.size > 0 || engine.left(head).ofBody.size > 0;
  });
  const found = new Set<string>();
  /** What was evaluated last of conditions on bodies alone, where heads are alike. */
  const before = new Map<unknown, Evaluated>();
  let again = 0;
  for (let n = 0; n < events; n++) {
    const [resource, writes] = dice.of(byResource);
    const bodies = kept.get(resource) ?? [];
    kept.set(resource, bodies);
    if (bodies.length < KEPT || dice.below(8) === 0) {
      const { requestObject: from } = dice.of(writes);
      const { requestObject: other } = dice.of(dice.of(byResource)[1]);
      bodies[dice.below(KEPT) % (bodies.length + 1)] = spelling(changed(from, other, dice), dice);
    }
    const { requestObject: _, ...event } = dice.of(writes);
    const body = dice.below(8) === 0 ? "" : `"requestObject":${dice.of(bodies)},`;
    const level = dice.of([event.level, event.level, "Metadata" as const]);
    const line = Buffer.from(`{${body}${JSON.stringify({ ...event, level }).slice(1)}`);
    expect(scan.scan(line, 0, line.length)).toBe(true);
    const [candidates, left] = [engine.candidates(head), engine.left(head)];
    const verdicts = engine.evaluate(scannedEvent(scan, line), candidates, undefined, left);
    const exact = engine.evaluate(JSON.parse(line.toString()) as AuditEvent, all);
    expect(verdicts, line.toString()).toEqual(exact);
    const ofBody = candidates.filter((one) => left.ofBody.has(one));
    const known = before.get(left);
    const evaluated = engine.evaluateLike(scannedEvent(scan, line), ofBody, undefined, left, known);
    before.set(left, evaluated);
    again += evaluated === known ? 1 : 0;
    expect(evaluated.verdicts, line.toString()).toEqual(exact.filter(({ detection }) => left.ofBody.has(detection)));
    verdicts.forEach(({ detection, outcome }) => found.add(`${detection.id} ${outcome}`));
  }
  expect(found.size).toBeGreaterThan(20);
  expect(again).toBeGreaterThan(events / 50);
}

/** Of each resource the last so many that conditions on bodies are about: the fewer heads, the more bodies meet each. */
function recordedWrites(
  heads: number,
  isAsked: (line: Buffer) => boolean,
): readonly (readonly [string, readonly AuditEvent[]])[] {
  const writes = new Map<string, AuditEvent[]>();
  for (const line of recordedLines().flat()) {
    if (line.includes('"requestObject":') && isAsked(Buffer.from(line))) {
      const event = JSON.parse(line) as AuditEvent;
      const { resource = "" } = event.objectRef ?? {};
      writes.set(resource, [...(writes.get(resource) ?? []), event].slice(-heads));
    }
  }
  return [...writes];
}

/** The body with some value left out, negated, repeated, or taken from another body. */
function changed(body: JsonValue | undefined, other: JsonValue | undefined, dice: Dice): JsonValue {
  if (Array.isArray(body)) {
    const values = body.map((one: JsonValue) => (dice.below(3) === 0 ? changed(one, other, dice) : one));
    return dice.below(6) === 0 ? [...values, ...values] : values;
  }
  if (!isJsonObject(body)) {
    return dice.of<JsonValue>([body ?? null, body ?? null, typeof body === "boolean" ? !body : "x", 0, null, true]);
  }
  const from = isJsonObject(other) ? other : {};
  const members = Object.entries(body).flatMap(([key, value]) => {
    const kind = dice.below(12);
    const taken = from[key] ?? value;
    return kind === 0 ? [] : [[key, kind < 3 ? taken : kind < 8 ? changed(value, from[key], dice) : value] as const];
  });
  return Object.fromEntries(dice.below(6) === 0 ? [...Object.entries(from), ...members] : members);
}
