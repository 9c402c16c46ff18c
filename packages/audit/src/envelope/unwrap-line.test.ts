import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EventScan } from "../scan.ts";
import { EnvelopeReader } from "../event-list/envelope-reader.ts";
import { unwrapLine } from "./unwrap-line.ts";
import {
  aksRecord,
  aksRecords,
  awsLogs,
  cloudWatchExport,
  cloudWatchSubscription,
  eventList,
  firehoseRecords,
  gkeEntry,
  gkePayload,
  kinesisRecords,
} from "./wrapped.suite.ts";

const HEAD =
  '"level":"Metadata","stage":"ResponseComplete","requestURI":"/version","verb":"get","user":{"username":"jane"}';
const EVENTS = [
  `{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"1",${HEAD},"n":12345678901234567890}`,
  `{"auditID":"2",${HEAD},"requestObject":{"a":1,"a":[{},[]," \\" ]}{[ \\\\ "]}}`,
];
const BASE64 = Buffer.from(EVENTS[0] ?? "").toString("base64");
const KLOG = 'I1124 00:13:26.471919       1 controller.go:615] "quota admission added evaluator" resource="pods"';

/** A line of a log, in front of others: what comes out of it, undefined where it stays the line that it is. */
function unwrapped(line: string): readonly string[] | undefined {
  const bytes = Buffer.from(`before\n${line}\nbehind`);
  const scan = new EventScan();
  expect(scan.scan(bytes, 7, bytes.length - 7)).toBe(false);
  return unwrapLine(scan)?.map((each) => each.bytes.toString("utf8", each.start, each.end));
}

/** What an {@link EnvelopeReader} makes of it, as a log of its own. */
function read(log: string, problem?: string): readonly string[] {
  const reader = new EnvelopeReader();
  const lines = Buffer.concat([Buffer.from(reader.write(Buffer.from(log))), reader.end()]).toString("utf8");
  expect(reader.problem?.kind).toBe(problem);
  return lines.split("\n").filter((line) => line !== "");
}

describe("unwrapLine", () => {
  test("unwrapLine counts a record of which not all can be unpacked, and gives what can, each at another place", () => {
    const torn = awsLogs(cloudWatchSubscription(EVENTS), cloudWatchSubscription([KLOG])).slice(0, -40);
    const lines = unwrapped(torn) ?? [];
    expect([lines.slice(0, 2), lines.at(-1)]).toEqual([EVENTS, torn.slice(1)]);
    expect(read(`${torn}\n${EVENTS[0]}\n`).filter((line) => EVENTS.includes(line))).toEqual([...EVENTS, EVENTS[0]]);
    const bytes = Buffer.from(firehoseRecords([EVENTS.join("\n"), EVENTS.join("\n")]));
    const scan = new EventScan();
    scan.scan(bytes, 0, bytes.length);
    expect(new Set(unwrapLine(scan)?.map(({ at }) => at)).size).toBe(4);
  });

  test("unwrapLine makes of an event of v1beta1 one of v1, and of no other version or kind", () => {
    const of = (version: string): string => (EVENTS[0] ?? "").replace("k8s.io/v1", `k8s.io/${version}`);
    expect(unwrapped(`${of("v1beta1")}\r`)).toEqual([EVENTS[0]]);
    const others = [of("v1alpha2"), of("v1beta2"), `${of("v1beta1").slice(0, -1)},"apiVersion":"audit.k8s.io/v1"}`];
    const elsewhere = of("v2").replace('"level"', '"x":{"apiVersion":"audit.k8s.io/v1beta1"},"level"');
    expect([...others, elsewhere].map(unwrapped)).toEqual([undefined, undefined, undefined, undefined]);
  });

  test.each([
    ["an EventList", eventList(EVENTS).trimEnd()],
    ["an event of v1beta1 in a record", aksRecord((EVENTS[0] ?? "").replace("k8s.io/v1", "k8s.io/v1beta1"))],
    ["a list of events of v1beta1 and v1", `[${EVENTS.join(",").replace("k8s.io/v1", "k8s.io/v1beta1")}]`],
    ["an EventList without events", eventList([]).trimEnd()],
    ["an EventList whose items are null", '{"kind":"EventList","items":null}'],
    ["an EventList with other things in it", eventList([EVENTS[0] ?? "", "5", '"text"', '{"kind":"Pod"}']).trimEnd()],
    ["an EventList with white space and a carriage return", ` {"items" : [ ${EVENTS.join(" , \r ")} ] } \r`],
    ["an EventList behind a byte order mark", `\uFEFF${eventList(EVENTS).trimEnd()}`],
    ["a document with two lists", `{"items":[${EVENTS[0]}],"records":[${aksRecord(EVENTS[1] ?? "")}]}`],
    ["a list of events", `[${EVENTS.join(",")}]`],
    ["an empty list", "[]"],
    ["a list of records", `[${aksRecord(EVENTS[0] ?? "")},${gkeEntry()},${EVENTS[1]}]`],
    ["a CloudWatch subscription", cloudWatchSubscription([...EVENTS, KLOG])],
    ["an exported CloudWatch line", cloudWatchExport(EVENTS.slice(0, 1)).trimEnd()],
    ["a tailed CloudWatch line", `2026-11-24T00:13:26.471000+00:00 kube-apiserver-audit-01 ${EVENTS[0]}\r`],
    ["a record of AKS", aksRecord(EVENTS[1] ?? "")],
    ["records of AKS", aksRecords([...EVENTS, KLOG])],
    ["a LogEntry of GKE", gkeEntry()],
    ["what Lambda gets of CloudWatch", awsLogs(cloudWatchSubscription([...EVENTS, KLOG]))],
    ["the same in members", awsLogs(cloudWatchSubscription(EVENTS), cloudWatchSubscription([KLOG]))],
    ["records of Firehose", firehoseRecords([cloudWatchSubscription(EVENTS), `${EVENTS.join("\n")}\n`, KLOG])],
    ["records of Kinesis", `${kinesisRecords([cloudWatchSubscription(EVENTS), eventList(EVENTS)])}\r`],
    ["records of Kinesis that are not packed", kinesisRecords(EVENTS).replaceAll(/"H4sI[^"]*"/g, `"${BASE64}"`)],
    ["a record with nothing that can be read among others", firehoseRecords(EVENTS).replace("H4sI", "I4sI")],
    ["a record that packs one", firehoseRecords([awsLogs(EVENTS[0] ?? "")])],
    [
      "documents one behind the other",
      `${cloudWatchSubscription(EVENTS)}${cloudWatchSubscription([KLOG])}{"records":[]}`,
    ],
    ["documents with byte order marks between", `\uFEFF${eventList(EVENTS).trimEnd()}\uFEFF${aksRecords(EVENTS)}`],
    ["a document with an event and a list behind it", `${eventList(EVENTS).trimEnd()}${EVENTS[0]} [${EVENTS[1]}]`],
    ["LogEntries of GKE", `{"entries":[${gkeEntry()},${gkeEntry(gkePayload({ serviceName: "compute" }))}]}`],
  ])("unwrapLine takes out of %s what an EnvelopeReader does", (_, line) => {
    expect(unwrapped(line)).toEqual(read(`${line}\n`));
  });

  test.each([
    ["in its last record", eventList(EVENTS).slice(0, -9)],
    ["behind its last record", eventList(EVENTS).slice(0, -3)],
    ["behind its list", eventList(EVENTS).slice(0, -2)],
    ["behind a comma", eventList(EVENTS).slice(0, eventList(EVENTS).indexOf(EVENTS[1] ?? ""))],
    ["before its first record", eventList([]).slice(0, -3)],
    ["in a second document", `${eventList(EVENTS).trimEnd()}${aksRecords(EVENTS).slice(0, -9)}`],
    ["a byte behind its beginning, behind another", `${cloudWatchSubscription(EVENTS)}{`],
    ["with an event behind it that is", `${cloudWatchSubscription(EVENTS)}${(EVENTS[0] ?? "").slice(0, -5)}`],
    ["without a key", `[${EVENTS.join(",")},`],
  ])("unwrapLine takes out of a document that is cut off %s what an EnvelopeReader does", (_, line) => {
    expect(unwrapped(line)).toEqual(read(line, "cut-off"));
  });

  test.each([
    ["a byte order mark", "\uFEFF", ""],
    ["several, with white space", " \uFEFF\uFEFF ", "\r"],
  ])("unwrapLine takes the event out from behind %s", (_, before, behind) => {
    expect(EVENTS.map((event) => unwrapped(before + event + behind))).toEqual(EVENTS.map((event) => [event]));
    const old = (EVENTS[0] ?? "").replace("k8s.io/v1", "k8s.io/v1beta1");
    expect(unwrapped(before + old + behind)).toEqual([EVENTS[0]]);
    const exported = cloudWatchExport(EVENTS.slice(0, 1)).trimEnd();
    expect(unwrapped(before + exported + behind)).toEqual([EVENTS[0] + behind]);
    expect(unwrapped(before + EVENTS.join("") + behind)).toBeUndefined();
    expect(unwrapped(`${before}${(EVENTS[0] ?? "").slice(0, -1)}${behind}`)).toBeUndefined();
    expect(unwrapped(before + behind)).toBeUndefined();
  });

  test.each<[string, string]>([
    ["text", KLOG],
    ["a torn event", (EVENTS[0] ?? "").slice(0, 90)],
    ["another object", '{"a":{"items":[1]}}'],
    ["an EventList that is cut off before its list", eventList(EVENTS).slice(0, 50)],
    ["a document behind an event", `${EVENTS[0]}${eventList(EVENTS).trimEnd()}`],
    ["text behind a document", `${eventList(EVENTS).trimEnd()} tail`],
    ["an EventList with a comma too many", `{"kind":"EventList","items":[${EVENTS[0]},]}`],
    ["an EventList with a list that is none", '{"kind":"EventList","items":{"a":1}}'],
    ["an EventList without a list", '{"kind":"EventList"}'],
    ["what follows on a torn line from a list in a body", `[${EVENTS.join(",")}],"stageTimestamp":"x"}}`],
    ["a list of text", '["a"]'],
    ["a torn record of AKS", aksRecord(EVENTS[0] ?? "").slice(0, -1)],
    ["a record of AKS without an event", aksRecord(KLOG)],
    ["a LogEntry of another service", gkeEntry(gkePayload({ serviceName: "compute" }))],
    ["a list of more records than a line can hold", `{"items":[${"{},".repeat(131_072)}{}]}`],
    ["a finding of ours", `{"id":"1","detection":{"id":"2"},"auditIDs":["1"],"events":[${EVENTS.join(",")}]}`],
    // None of these is one that a provider or a webhook writes, and none hides what it says beside.
    ["an event without its user that claims to be a list", `{"items":[],${HEAD.replace(/,"user".*/, "")}}`],
    ["an event of another kind with a list", `{"kind":"EventList","items":[],${HEAD}}`],
    ["an event of another kind with a list behind", `{"kind":"EventList",${HEAD},"items":[]}`],
    ["an event of another kind with a key spelled out", `{"kind":"EventList","items":[],"\\u0076erb":"get"}`],
    ["an event of another kind in a message", `{"message":"{}","kind":"x",${HEAD}}`],
    ["an event of another kind in a record of AKS", aksRecord("{}").replace("{", `{"kind":"x",${HEAD},`)],
    ["an event of another kind in a LogEntry", gkeEntry().replace("{", `{"insertId":"1","verb":"get",`)],
  ])("unwrapLine leaves %s", (_, line) => {
    expect(unwrapped(line)).toBeUndefined();
  });

  test("unwrapLine takes nothing out of an event, whatever stands in it", () => {
    const inside = [
      eventList(EVENTS).trimEnd(),
      aksRecord(EVENTS[0] ?? ""),
      gkeEntry(),
      cloudWatchSubscription(EVENTS),
    ];
    const scan = new EventScan();
    for (const each of inside) {
      const members = each.slice(1, -1);
      for (const event of [
        `{"kind":"Event",${HEAD},"requestObject":${each}}`,
        `{"kind":"Event",${HEAD},"userAgent":${JSON.stringify(each)}}`,
        `{"kind":"Event",${HEAD},${members.replace('"kind":"EventList",', "").replace('"apiVersion":"audit.k8s.io/v1",', "")}}`,
      ]) {
        const line = Buffer.from(event);
        expect(scan.scan(line, 0, line.length)).toBe(true);
        expect(unwrapLine(scan)).toBeUndefined();
        // And as a member of a list it is the event that it is.
        expect(unwrapped(`{"items":[${event}]}`)).toEqual([event]);
        expect(read(`{"items":[${event}]}`)).toEqual([event]);
      }
    }
  });

  test("unwrapLine says where each record stands", () => {
    const line = Buffer.from(`x\n${aksRecords(EVENTS)}`);
    const scan = new EventScan();
    scan.scan(line, 2, line.length);
    const records = unwrapLine(scan) ?? [];
    expect(records.map(({ at }) => line.toString("utf8", at, at + 18))).toEqual([
      '{"operationName":"',
      '{"operationName":"',
    ]);
    expect(records.map(({ bytes, start, end }) => bytes.toString("utf8", start, end))).toEqual(EVENTS);
  });

  test("unwrapLine gives back any JSON in a list, as an EnvelopeReader does", () => {
    fc.assert(
      fc.property(fc.array(fc.json({ maxDepth: 3 }), { minLength: 1, maxLength: 5 }), (items) => {
        const line = `{"kind":"EventList","items":[${items.join(" , ")}]}`;
        expect(unwrapped(line)).toEqual(read(line));
      }),
      { numRuns: 300 },
    );
  });
});
