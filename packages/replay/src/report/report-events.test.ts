import { createRedactor } from "@auditsieve/audit";
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
