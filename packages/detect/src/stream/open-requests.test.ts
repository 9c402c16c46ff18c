import { hashOfID } from "@auditsieve/audit";
import type { AuditEvent } from "@auditsieve/audit";
import { describe, expect, test } from "vitest";
import { requestId } from "../finding.ts";
import type { OpenRequest } from "./open-request.ts";
import { OpenRequests } from "./open-requests.ts";

const OPTIONS = { maxRequests: 1000, maxHeldLength: 1000, holdMs: 1000 };

/** Of few requests, some of which share an auditID or have none, and of some long ones. */
function eventOf(number: number): AuditEvent {
  return {
    level: "Metadata",
    stage: "ResponseStarted",
    auditID: number % 40 === 13 ? undefined : `audit-${number % 40}`,
    requestURI: `/api/v1/pods?${number % 7}${number % 97 === 96 ? "x".repeat(2000) : ""}`,
    verb: number % 2 === 0 ? "list" : "watch",
    user: { username: `user-${number % 3}` },
    requestReceivedTimestamp: `2026-01-01T00:00:0${number % 5}.000000Z`,
  } as unknown as AuditEvent;
}

/** The same choices in each run. */
function chosen(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return state >>> 8;
  };
}

describe("OpenRequests", () => {
  test.each([
    ["few requests", 20],
    ["many requests", 3000],
  ])("of() finds the request that requestId names, among %s", (_, kinds) => {
    for (let seed = 1; seed <= 20; seed++) {
      const next = chosen(seed);
      const requests = new OpenRequests(OPTIONS, "one");
      const model = new Map<string, OpenRequest>();
      const hashes = new Set<number>();
      for (let step = 0; step < 300; step++) {
        const event = eventOf(next() % kinds);
        hashes.add(hashOfID(event.auditID));
        const key = requestId(event, "one");
        const isOpened = next() % 3 > 0;
        const known = model.get(key);
        const found = requests.of(requests.known(event), event, step, isOpened);
        if (found !== undefined || [...model.values()].some(({ auditID }) => auditID === event.auditID)) {
          expect(requests.mayBeOpen(hashOfID(event.auditID))).toBe(true);
        }
        if (known === undefined && !isOpened) {
          expect(found).toBeUndefined();
          continue;
        }
        expect(known === undefined || known === found).toBe(true);
        model.set(key, found as OpenRequest);
        // Looking at the key changes nothing.
        if (next() % 4 === 0) {
          expect(found?.key).toBe(key);
        }
        if (next() % 5 === 0) {
          requests.close(found as OpenRequest);
          model.delete(key);
        }
      }
      expect(new Set(requests.all())).toEqual(new Set(model.values()));
      expect(
        requests
          .all()
          .map((request) => request.key)
          .sort(),
      ).toEqual([...model.keys()].sort());
      requests.all().forEach((request) => requests.close(request));
      expect([...hashes].map((hash) => requests.mayBeOpen(hash))).not.toContain(true);
    }
  });
});
