import { createRedactor } from "@auditsieve/audit";
import type { AuditEvent, JsonValue } from "@auditsieve/audit";
import { expect, test } from "vitest";
import { ReportEvents } from "./report-events.ts";

test("ReportEvents keeps so many bytes of the lines that were read again, and counts what it leaves out", () => {
  const line = Buffer.from('{"level":"Metadata","auditID":"a","stage":"ResponseComplete","requestURI":"/version"}');
  const events = new ReportEvents(["a.log"], createRedactor({ key: new Uint8Array(32) }), 3.5 * line.length);
  for (let place = 0; place < 5; place++) {
    events.fetched(place, line);
  }
  expect([2, 3, 4].map((place) => events.event(place)?.auditID)).toEqual(["a", undefined, undefined]);
  expect([events.index(3), events.leftOut]).toEqual([undefined, 2]);
  expect(events.byPlace().get(0)?.stage).toBe("ResponseComplete");
});

test("ReportEvents shows an event without bodies that are nested too deeply to be written, and says so", () => {
  const head = { level: "Request", auditID: "a", stage: "ResponseComplete", requestURI: "/apis/x", verb: "patch" };
  const body = JSON.parse(`${'{"a":'.repeat(9900)}1${"}".repeat(9900)}`) as JsonValue;
  const events = new ReportEvents([], createRedactor({ key: new Uint8Array(32) }));
  const deep: AuditEvent = { ...head, level: "Request", stage: "ResponseComplete", user: {}, requestObject: body };
  expect([events.indexOf(deep), events.indexOf(deep)]).toEqual([0, 0]);
  expect(events.events()).toEqual([
    { where: expect.stringContaining("nested too deeply"), line: JSON.stringify({ ...head, user: {} }), cut: 0 },
  ]);
  const flat: AuditEvent = { ...deep, auditID: "b", requestObject: { a: 1 } };
  expect(events.indexOf(flat)).toBe(1);
  expect(events.events()[1]).toEqual({ where: "", line: JSON.stringify(flat), cut: 0 });
});
