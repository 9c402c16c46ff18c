import type { AuditEvent } from "@auditsieve/audit";
import { describe, expect, test } from "vitest";
import { headOf, timeOfEvent } from "../reading/event-parts.ts";
import type { PartlyParsed } from "../reading/event-parts.ts";
import { eventAt, podCreated, toldOf } from "./events.suite.ts";
import { changeOfPod } from "./pod-change.ts";
import { PodMemory } from "./pod-memory.ts";

const NAMES = ["web-1", "web-2", "web-3", "db", "a-longer-one"];

const changed = (seconds: number, verb: string, name: string, subresource?: string, body?: object): AuditEvent =>
  eventAt(seconds, {
    verb,
    requestURI: `/api/v1/namespaces/shop/pods/${name}/${subresource ?? ""}`,
    objectRef: { resource: "pods", namespace: "shop", name, ...(subresource !== undefined && { subresource }) },
    ...(body && { requestObject: body as NonNullable<AuditEvent["requestObject"]> }),
  });

/** Another event each time, of few pods; made by numbers that seem random. */
function lives(count: number): readonly AuditEvent[] {
  let state = 7;
  const below = (bound: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 16) % bound;
  };
  return Array.from({ length: count }, (_, i) => {
    const name = NAMES[below(NAMES.length)] as string;
    switch (below(5)) {
      case 0:
        return podCreated(i, name, { serviceAccountName: below(2) === 0 ? "web" : "db", hostPID: below(4) === 0 });
      case 1:
        return changed(i, "create", name, "binding", { target: below(4) === 0 ? {} : { name: `n${below(2)}` } });
      case 2:
        return changed(i, "delete", name, undefined, { dryRun: below(4) === 0 ? ["All"] : [] });
      case 3:
        return changed(i, "patch", name, "ephemeralcontainers", {
          spec: { ephemeralContainers: [{ securityContext: { privileged: below(4) === 0 } }] },
        });
      default:
        return changed(i, "patch", name, "status", {
          status: below(3) === 0 ? { phase: "Pending" } : { podIP: `10.1.0.${below(12)}`, podIPs: [{ ip: "fd00::1" }] },
        });
    }
  });
}

const snapshotOf = (pods: PodMemory): string => [...pods.snapshot()].join("");

describe("PodMemory", () => {
  test.each([1, 2, 20])("PodMemory.tell comes to what PodMemory.observe does with %i pods a half", (max) => {
    const told = new PodMemory(max);
    const observed = new PodMemory(max);
    for (const event of lives(2_000)) {
      const change = changeOfPod(headOf(event));
      if (change === undefined) {
        told.observe(event);
        observed.observe(event);
        continue;
      }
      told.tell(change, toldOf(event), timeOfEvent(event));
      // Who has it observe asks first whether it was a trial.
      if (change !== "deleted" || !JSON.stringify(event.requestObject).includes("All")) {
        observed.observe(event);
      }
      expect(snapshotOf(told)).toBe(snapshotOf(observed));
    }
    expect(told.evicted > 0).toBe(max < 20);
  });

  test("PodMemory.find gives what stays as it is, and another one after each change", () => {
    const pods = new PodMemory(20);
    let same = 0;
    const given: { readonly facts: unknown; readonly text: string }[] = [];
    for (const event of lives(300)) {
      const before = NAMES.map((name) => pods.find("shop", name));
      const was = snapshotOf(pods);
      pods.observe(event);
      const facts = NAMES.map((name) => pods.find("shop", name));
      const isSame = facts.every((one, i) => one === before[i]);
      expect(isSame && snapshotOf(pods) !== was).toBe(false);
      same += isSame ? 1 : 0;
      given.push(...facts.map((one) => ({ facts: one, text: JSON.stringify(one) })));
    }
    expect(same).toBeGreaterThan(50);
    expect(given.filter(({ facts, text }) => JSON.stringify(facts) !== text)).toEqual([]);
  });

  test("PodMemory.restore goes on with what PodMemory.snapshot has written, times that nobody knows among it", () => {
    const pods = new PodMemory(3);
    lives(100).forEach((event) => pods.observe(event));
    const { stageTimestamp: _time, requestReceivedTimestamp: _received, ...timeless } = changed(0, "delete", "db");
    pods.observe(timeless);
    const again = new PodMemory(3);
    again.restore(JSON.parse(snapshotOf(pods)));
    expect(snapshotOf(again)).toBe(snapshotOf(pods));
    for (const event of lives(100)) {
      pods.observe(event);
      again.observe(event);
    }
    expect(snapshotOf(again)).toBe(snapshotOf(pods));
  });

  test("PodMemory parses no event that names no pod and has no bodies", () => {
    const ref = { resource: "pods", namespace: "shop" };
    const made = eventAt(0, { level: "Metadata", verb: "create", responseStatus: { code: 201 }, objectRef: ref });
    let parsed = 0;
    const whole = (): AuditEvent => {
      parsed++;
      return made;
    };
    const partly: Partial<PartlyParsed> = {
      get: (field) => headOf(made).get(field),
      find: (_, paths) => paths.findParsed(undefined),
      part: () => undefined,
      toJSON: whole,
    };
    const memory = new PodMemory(10);
    memory.observe(Object.defineProperty({ ...made, ...partly }, "objectRef", { get: () => whole().objectRef }));
    expect(parsed).toBe(0);
    expect([...memory.snapshot()].join("")).toBe([...new PodMemory(10).snapshot()].join(""));
  });
});
