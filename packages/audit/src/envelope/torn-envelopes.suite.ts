import { describe, expect, test } from "vitest";
import { salvageEvents } from "../salvage.ts";
import { EventScan } from "../scan.ts";
import { unwrapLine } from "./unwrap-line.ts";
import { aksRecord, aksRecords, cloudWatchExport, cloudWatchSubscription, eventList } from "./wrapped.suite.ts";

function event(auditID: string, more: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    kind: "Event",
    apiVersion: "audit.k8s.io/v1",
    level: "Request",
    auditID,
    stage: "ResponseComplete",
    requestURI: "/api/v1/namespaces/shop/configmaps/é",
    verb: "patch",
    user: { username: "jané", groups: ['a"b\\'] },
    ...more,
    stageTimestamp: "2026-11-24T00:12:19.858495Z",
  });
}

export const FAKE: string = event("INVENTED");
export const FAKE_RECORD: { readonly id: string; readonly timestamp: number; readonly message: string } = {
  id: "1",
  timestamp: 1,
  message: FAKE,
};
/** What a client can write into a body: events, and envelopes around them. */
export const HOSTILE: string = event("first", {
  requestObject: {
    a: [FAKE_RECORD, FAKE_RECORD, JSON.parse(aksRecord(FAKE)), JSON.parse(eventList([FAKE])), JSON.parse(FAKE)],
    text: `${FAKE}\n${JSON.stringify(FAKE_RECORD)}\n${FAKE}`,
    records: [JSON.parse(aksRecord(FAKE))],
    message: FAKE,
    properties: { log: FAKE },
  },
});
export const SECOND: string = event("second");
export const THIRD: string = event("third");
const RECORD = JSON.stringify({ id: "9", timestamp: 9, message: THIRD });

/** The auditIDs of all events that are read of a line, in whatever way. */
export function readIds(text: string | Buffer): readonly string[] {
  const scan = new EventScan();
  const ids: string[] = [];
  const take = (bytes: Buffer, start: number, end: number, isText?: boolean): void => {
    if (scan.scan(bytes, start, end)) {
      ids.push(scan.text("auditID") ?? "");
      return;
    }
    const lines = isText === undefined ? unwrapLine(scan) : undefined;
    if (lines !== undefined) {
      lines.forEach((line) => take(line.bytes, line.start, line.end, line.isRest !== true));
      return;
    }
    for (const each of salvageEvents(scan, { isText: isText === true })) {
      expect(scan.scan(each.bytes, each.start, each.end)).toBe(true);
      expect(each.bytes.subarray(each.start, each.end).includes(10)).toBe(false);
      ids.push(scan.text("auditID") ?? "");
    }
  };
  const bytes = Buffer.from(text as string);
  take(bytes, 0, bytes.length);
  return ids;
}

const ENVELOPES: readonly (readonly [what: string, line: string])[] = [
  ["an EventList", eventList([HOSTILE, SECOND]).trimEnd()],
  ["a list of events", `[${HOSTILE},${SECOND}]`],
  ["a CloudWatch subscription", cloudWatchSubscription([HOSTILE, SECOND])],
  ["an exported CloudWatch line", cloudWatchExport([HOSTILE]).trimEnd()],
  ["a record of CloudWatch", JSON.stringify({ ...FAKE_RECORD, message: HOSTILE, ingestionTime: 2 })],
  ["a record of AKS", aksRecord(HOSTILE)],
  ["records of AKS", aksRecords([HOSTILE, SECOND])],
];

/** Tears each envelope at every `step`th byte, and at all around the ends of its events. */
export function tearEnvelopes(step: number): void {
  describe.each(ENVELOPES)("%s that is torn", (_envelope, line) => {
    const bytes = Buffer.from(line);
    const all = readIds(line);
    /** Behind each event, where it stands whole in the line. */
    const ends = all.map((id) => {
      const text = id === "first" ? HOSTILE : SECOND;
      const escaped = JSON.stringify(text);
      const at = line.includes(escaped)
        ? escaped
        : aksRecord(text).includes(escaped.slice(0, -1)) && line.includes(escaped.slice(0, -1))
          ? `${escaped.slice(0, -1)}\\n"`
          : text;
      return Buffer.byteLength(line.slice(0, line.indexOf(at))) + Buffer.byteLength(at);
    });

    test.each([
      ["at its end", "", [] as readonly string[]],
      ["and written on with an event", SECOND.replace("second", "third"), ["third"]],
      ["and written on with a record of CloudWatch", RECORD, ["third"]],
      ["and written on with a record of AKS", aksRecord(THIRD), ["third"]],
      ["and written on with a document", cloudWatchSubscription([THIRD, THIRD]), ["third", "third"]],
    ])("%s: all events that stand whole in it, and none that was never written", (_how, next, behind) => {
      let found = 0;
      const wrong: string[] = [];
      let cuts = 0;
      for (let cut = 1; cut < bytes.length; cut++) {
        if (cut % step !== 0 && !ends.some((end) => Math.abs(end - cut) < 4)) {
          continue;
        }
        cuts++;
        const before = all.filter((_id, i) => (ends[i] as number) <= cut);
        const got = readIds(Buffer.concat([bytes.subarray(0, cut), Buffer.from(next)]));
        const rest = got.slice(before.length);
        found += rest.length;
        const isRight =
          before.every((id, i) => got[i] === id) &&
          (rest.length === 0 || JSON.stringify(rest) === JSON.stringify(behind));
        if (!isRight) {
          wrong.push(`${cut}: ${got.join(" ")}`);
        }
      }
      expect(wrong).toEqual([]);
      // Not where an object could follow as well.
      expect(found / cuts).toBeGreaterThanOrEqual(0.9 * behind.length);
    });
  });
}
