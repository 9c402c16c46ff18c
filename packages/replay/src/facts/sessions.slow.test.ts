import { describe, expect, test } from "vitest";
import { RevisionTable } from "./revisions.ts";
import { othersText } from "../report/describe-limits.ts";
import { SessionTable } from "./sessions.ts";
import type { Actor, Answered, Session } from "./sessions.ts";

const TARGET = { verb: "get", resource: "secrets", namespace: "shop", name: "card" };

function request(second: number): Answered {
  const time = new Date(Date.UTC(2026, 10, 24) + 1_000 * second).toISOString();
  return { time, place: second, code: 200, isRefused: false, isWrite: false };
}

function actor(name: string, userAgent = "curl"): Actor {
  const identity = { name, uid: undefined, groups: [], credential: undefined, pod: undefined, node: undefined };
  return { identity, impersonated: undefined, sourceIP: "10.0.0.1", userAgent };
}

describe("SessionTable", () => {
  test("SessionTable counts who comes when it is full together, says so, and goes on counting by name whom it knows", () => {
    const table = new SessionTable();
    const come = (who: Actor, second: number): Session => {
      const session = table.of(who, request(second));
      table.add(session, TARGET, request(second));
      return session;
    };
    const ann = come(actor("ann"), 0);
    for (let i = 1; i < 30_000; i++) {
      come(actor("eve", `agent/${i}`), i);
    }
    expect(come(actor("ann"), 30_000)).toBe(ann);
    expect(ann.requests).toBe(2);
    expect(table.sessions()).toHaveLength(20_001);
    expect(table.sessions().at(-1)).toMatchObject({ identity: { name: "(others)" }, requests: 10_000 });
    expect(table.others).toBe(10_000);
    expect(othersText(table)).toContain("10,000 requests are counted together as (others)");
  });
});

describe("RevisionTable", () => {
  test("RevisionTable holds 300,000 revisions at most: the first ones and the last of each object", () => {
    const table = new RevisionTable();
    const session = new SessionTable().of(actor("ann"), request(0));
    const write = (name: string, place: number): void =>
      table.add(
        { kind: "configmaps", group: "", subresource: "", namespace: "shop" },
        { verb: "update", session, time: "2026-11-24T00:00:00.000000Z", place, name, level: "Metadata" },
      );
    for (let i = 0; i < 9_000 * 60; i++) {
      write(`c-${Math.floor(i / 60)}`, i % 60);
    }
    write("c-0", 100);
    const objects = table.objects();
    expect(objects.reduce((sum, { revisions }) => sum + revisions.length, 0)).toBe(300_000);
    expect(table.evicted).toBeGreaterThan(0);
    expect(objects[0]?.omitted).toBe(1);
    expect(objects[0]?.revisions.slice(-2).map(({ place }) => place)).toEqual([59, 100]);
  });
});
