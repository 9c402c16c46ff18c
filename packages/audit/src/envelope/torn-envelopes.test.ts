import { describe, expect, test } from "vitest";
import { FAKE, FAKE_RECORD, HOSTILE, readIds, SECOND, tearEnvelopes, THIRD } from "./torn-envelopes.suite.ts";
import {
  aksRecord,
  awsLogs,
  cloudWatchExport,
  cloudWatchSubscription,
  eventList,
  gkeEntry,
  gkePayload,
} from "./wrapped.suite.ts";

tearEnvelopes(397);

describe("salvageEvents in envelopes", () => {
  test.each<[string, string, readonly string[]]>([
    ["two events in one message", JSON.stringify({ id: "1", message: SECOND + THIRD }), ["second", "third"]],
    [
      "a torn event and one in a message",
      JSON.stringify({ id: "1", message: HOSTILE.slice(0, 400) + THIRD }),
      ["third"],
    ],
    ["lines in a message", JSON.stringify({ id: "1", message: `${SECOND}\n${THIRD}\n` }), ["second", "third"]],
    ["NUL before an event in a message", JSON.stringify({ id: "1", message: `\0\0${SECOND}` }), ["second"]],
    ["two events in the log of AKS", aksRecord(SECOND + THIRD), ["second", "third"]],
    [
      "an EventList in a message",
      JSON.stringify({ id: "1", message: eventList([SECOND, THIRD]) }),
      ["second", "third"],
    ],
    [
      "a torn EventList in messages of a subscription",
      cloudWatchSubscription([SECOND, eventList([HOSTILE, THIRD]).slice(0, -40)]),
      ["second", "first"],
    ],
    ["a subscription in a record of AKS", aksRecord(cloudWatchSubscription([SECOND])), ["second"]],
    ["the log of another program that is torn", `{"ts":1,"timestamp":1,"message":${JSON.stringify(FAKE)},"a"`, []],
    ["the same with a time that is a text", `{"timestamp":"1","message":${JSON.stringify(FAKE)},"a"`, []],
    [
      "a list that another program says",
      JSON.stringify({ id: "1", message: `${JSON.stringify({ events: [FAKE_RECORD] })}x` }),
      [],
    ],
    ["a torn record of Lambda, and an event", awsLogs(`${SECOND}\n`, FAKE).slice(0, -90) + THIRD, ["second", "third"]],
    ["a torn event, and a record of Lambda", `${HOSTILE.slice(0, 400)}${awsLogs(THIRD)}`, ["third"]],
    ["what another program says is packed", JSON.stringify({ id: "1", message: `${awsLogs(FAKE)}x` }), []],
    ["records one behind the other", aksRecord(SECOND) + aksRecord(THIRD), ["second", "third"]],
    [
      "exported lines one behind the other",
      cloudWatchExport([SECOND, THIRD]).replaceAll("\n", ""),
      ["second", "third"],
    ],
    [
      "a torn exported line and one",
      `${cloudWatchExport([HOSTILE]).slice(0, 300)}${cloudWatchExport([THIRD]).trimEnd()}`,
      ["third"],
    ],
    ["what a component says, and an event on a line", JSON.stringify({ id: "1", message: `I1126 x\n${FAKE}` }), []],
    [
      "what a component says in JSON",
      JSON.stringify({ id: "1", message: JSON.stringify({ msg: FAKE, message: FAKE }) }),
      [],
    ],
    ["an object with an event's key before the tear", `{"stage":"x","message":${JSON.stringify(FAKE)}`, []],
    [
      "two messages before the tear",
      `{"id":"1","message":${JSON.stringify(FAKE)},"message":${JSON.stringify(FAKE)}`,
      [],
    ],
    ["a body whose front is missing", `${JSON.stringify(FAKE_RECORD)},"x":1}}`, []],
    ["the same, and an event", `${JSON.stringify(FAKE_RECORD)}]}}${THIRD}`, []],
    ["NUL up to a record in a body that is torn", `\0\0${JSON.stringify(FAKE_RECORD).slice(0, -1)}`, []],
    ["the list of another program", `[2026] ${FAKE}`, []],
  ])("salvageEvents of %s", (_what, line, expected) => {
    expect(readIds(line)).toEqual(expected);
  });
});

describe("salvageEvents of LogEntries of GKE", () => {
  const BODY = { protoPayload: gkePayload(), insertId: "INVENTED", kind: "Event", message: FAKE };
  const TEXT = gkeEntry(gkePayload({ request: { a: [BODY, JSON.parse(FAKE)], text: `${gkeEntry()}\n${FAKE}` } }));
  const ENTRY = Buffer.from(TEXT);
  const ID = "6f1c0a52-7e9b-4a53-9a52-0c3ad7e7d6aa";
  /** From there on it is known who did what to what. */
  const KNOWN = TEXT.indexOf('"methodName":"io.k8s.core.v1.pods.create"') + 41;

  test.each([
    ["at its end", "", []],
    ["and written on with an event", THIRD, ["third"]],
    ["and written on with another", gkeEntry().replaceAll(ID, "other"), ["other"]],
    ["and written on with a record of AKS", aksRecord(THIRD), ["third"]],
    ["in a list, at its end", undefined, []],
  ])(
    "one that is torn %s is salvaged once it says who did what, and nothing that was never written",
    (_how, next, behind) => {
      const wrong: string[] = [];
      let found = 0;
      for (let cut = 60; cut < ENTRY.length; cut += 7) {
        const piece = ENTRY.subarray(0, cut);
        const line =
          next === undefined ? [Buffer.from(`{"entries":[${gkeEntry()},`), piece] : [piece, Buffer.from(next)];
        const got = readIds(Buffer.concat(line));
        const before = next === undefined ? [ID] : [];
        // Its id stands behind the bodies.
        const torn = cut < KNOWN ? [] : [cut >= ENTRY.indexOf(',"resource":{"type"') ? ID : ""];
        const isRight = [
          [...before, ...torn, ...behind],
          [...before, ...torn],
        ].some((ids) => JSON.stringify(ids) === JSON.stringify(got));
        found += got.length - before.length - torn.length;
        if (!isRight) {
          wrong.push(`${cut}: ${got.join(" ")}`);
        }
      }
      expect(wrong).toEqual([]);
      expect(found).toBeGreaterThanOrEqual(0.85 * behind.length * Math.floor((ENTRY.length - 60) / 7));
    },
  );
});
