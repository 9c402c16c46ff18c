import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { DocumentProblem } from "./document-problem.ts";
import { EventScan } from "../scan.ts";
import { EnvelopeReader } from "./envelope-reader.ts";
import {
  aksRecord,
  aksRecords,
  cloudWatchExport,
  cloudWatchSubscription,
  eventList,
  gkeEntry,
} from "../envelope/wrapped.suite.ts";

const HEAD = '"stage":"ResponseComplete","requestURI":"/version","verb":"get","user":{"username":"jane"}';
/** What a parse and a write would change: long numbers, trailing zeros, duplicate keys, escapes, white space. */
const EVENTS = [
  `{"level":"RequestResponse","auditID":"1",${HEAD},"requestObject":{"n":12345678901234567890,"f":1.10,"e":1E2,"a":1,"a":2}}`,
  `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata",${HEAD},"userAgent":"\\u003cé\\ud83d\\ude00\\" ]}{[ \\\\"}`,
  `{ "level" : "Metadata", ${HEAD}, "requestObject": [ { }, [ ], "" , -0.0, null ] }`,
];
const LINES = EVENTS.map((event) => `${event}\n`).join("");
const KLOG = 'I1124 00:13:26.471919       1 controller.go:615] "quota admission added evaluator" resource="pods"';

const SAME_EVENTS: Readonly<Record<string, string>> = {
  EventList: eventList(EVENTS),
  "EventList, keys sorted": `{"apiVersion":"audit.k8s.io/v1","items":[${EVENTS.join(",")}],"kind":"EventList","metadata":{"a":[1,{"items":[2]}]}}`,
  "EventList, a key escaped, items first": `{"\\u0069tems":[${EVENTS.join(",")}],"kind":"EventList"}`,
  "EventList over lines": `{\n  "kind": "EventList",\n  "items": [\n    ${EVENTS.join(",\r\n    ")}\n  ]\n}\n`,
  "EventList with a byte order mark": `\uFEFF${eventList(EVENTS)}`,
  "an EventList a line": EVENTS.map((event) => eventList([event])).join(""),
  "EventLists one behind the other, some empty": `${eventList([EVENTS[0] ?? ""])}{"kind":"EventList","items":null}{"kind":"EventList","items":[]}${eventList(EVENTS.slice(1))}`,
  "a JSON list": `[${EVENTS.join(",")}]`,
  "a JSON list over lines": `[\n  ${EVENTS.join(",\n  ")}\n]\n`,
  "CloudWatch subscription": cloudWatchSubscription(EVENTS),
  "CloudWatch subscription through Firehose": EVENTS.map((event) => cloudWatchSubscription([event])).join(""),
  "CloudWatch export": cloudWatchExport(EVENTS),
  "CloudWatch tail": EVENTS.map((event) => `2026-11-24T00:13:26.471000+00:00 kube-apiserver-audit-01 ${event}\n`).join(
    "",
  ),
  "AKS records": aksRecords(EVENTS),
  "AKS diagnostic settings": EVENTS.map((event) => `${aksRecord(event)}\n`).join(""),
};

describe("EnvelopeReader", () => {
  test.each(Object.entries(SAME_EVENTS))("takes the events of %s out byte for byte", (_, input) => {
    expect(read(input)).toEqual({ lines: LINES, problem: undefined });
  });

  test("leaves a log of events a line in its buffers", () => {
    const chunks = [LINES, LINES, "torn", "\n\n"].map((text) => Buffer.from(text));
    const reader = new EnvelopeReader();
    for (const chunk of chunks) {
      expect(reader.write(chunk)).toBe(chunk);
    }
    expect(reader.isPlain).toBe(true);
    expect(reader.end()).toHaveLength(0);
  });

  test.each([
    ["nothing", ""],
    ["white space", " \n\n"],
    ["text", "no log\nat all"],
    ["a list of text", "[2026-11-24] started\n"],
    ["another object", '{"a":1}\n{"a":{"items":[1]}}\n'],
    ["an event whose body has items", `${EVENTS[0]}\n{"kind":"EventList","items":[]}\n`],
    ["a byte order mark before an event", `\uFEFF${LINES}`],
    ["an event without its newline", EVENTS[0] ?? ""],
    ["an event cut off", (EVENTS[0] ?? "").slice(0, 40)],
  ])("leaves %s as it is", (_, input) => {
    expect(read(input)).toEqual({ lines: input, problem: undefined });
  });

  test("makes one line of an event over lines, with nothing changed inside strings", () => {
    const pretty = '{\n  "level": "Metadata",\r\n\t"n": 1.10,\n  "s": "a  b\\n"\n}\n';
    expect(read(pretty + pretty).lines).toBe('{"level": "Metadata","n": 1.10,"s": "a  b\\n"}\n'.repeat(2));
  });

  test.each([
    ["by the line", `${gkeEntry()}\n${gkeEntry()}\n`],
    ["by the line, the last without a newline", `${gkeEntry()}\r\n${gkeEntry()}`],
    ["behind a torn line", `n","x":1}}\n${gkeEntry()}\n${gkeEntry()}\n`],
    ["in a JSON list", `[${gkeEntry()},${gkeEntry()}]`],
    ["in a JSON list over lines", `[\n  ${gkeEntry()},\n  ${gkeEntry()}\n]\n`],
    ["in an answer of Cloud Logging", `{"entries":[${gkeEntry()},${gkeEntry()}],"nextPageToken":"x"}`],
  ])("converts LogEntries %s", (_, input) => {
    const { lines, problem } = read(input);
    expect(problem).toBeUndefined();
    const events = lines.trimEnd().split("\n").slice(-2);
    expect(events.map(isEvent)).toEqual([true, true]);
    expect(events[0]).toBe(events[1]);
    expect(events[0]).toContain('"origin":{"envelope":"gke-log-entry"');
  });

  test.each<[string, string, string]>([
    ["the log of a component in CloudWatch", cloudWatchSubscription([EVENTS[1] ?? "", KLOG]), '{"id":"38181"'],
    ["a control message of CloudWatch", cloudWatchSubscription(["CWL CONTROL MESSAGE: Checking health"]), '{"id":'],
    ["the log of a component in AKS", aksRecords([EVENTS[1] ?? "", KLOG]), '{"operationName":'],
    ["the log of a component in AKS, by the line", `${aksRecord(KLOG)}\n`, '{"operationName":'],
    ["an escaped surrogate alone", `{"message":"{\\"a\\":\\"\\ud800\\"}"}\n`, '{"message":'],
    ["a message twice", `{"message":"{}","message":"{}"}\n`, '{"message":'],
    ["text in a list", eventList(["5", '"text"', "null", "{}", '{"kind":"Pod"}']), "5\n"],
    ["a LogEntry of something else", `${gkeEntry({ serviceName: "compute.googleapis.com" })}\n`, '{"protoPayload":'],
  ])("keeps %s as a line that no scanner takes for an event", (_, input, beginning) => {
    const { lines, problem } = read(input);
    expect(problem).toBeUndefined();
    const undecidable = lines
      .trimEnd()
      .split("\n")
      .filter((line) => !isEvent(line));
    expect(undecidable.length).toBeGreaterThan(0);
    expect(undecidable.join("\n").concat("\n").startsWith(beginning)).toBe(true);
  });

  test.each<[string, string, string, RegExp]>([
    ["cut off in an item", eventList(EVENTS).slice(0, -40), "cut-off", /after [0-9]+ bytes, in items\[2\]$/],
    ["cut off behind the list", eventList(EVENTS).slice(0, -2), "cut-off", /behind items\[2\]$/],
    ["cut off before the list", '{"kind":"EventList","metadata":{', "cut-off", /after 32 bytes, outside its list/],
    ["with a comma too many", `{"items":[${EVENTS[0]},]}`, "damaged", /behind items\[0\]: unexpected token '\]'$/],
    ["without a comma", `{"items":[${EVENTS[0]} ${EVENTS[1]}]}`, "damaged", /behind items\[0\]: expected ','$/],
    ["with a list that is none", '{"kind":"EventList","items":{"a":1}}', "wrong-type", /^"items" of the JSON document/],
    ["with something behind it", `${eventList(EVENTS).trimEnd()} tail`, "damaged", /neither an object nor a list/],
    [
      "with an event's fields behind its list",
      `{"items":[${EVENTS.join(",")}],"auditID":"x"}`,
      "wrong-type",
      /the fields of an event$/,
    ],
    [
      "torn in a string",
      `${eventList([EVENTS[0] ?? ""]).slice(0, 120)}\n${eventList(EVENTS)}`,
      "damaged",
      /line break$/,
    ],
  ])("says where a document %s is wrong, and loses nothing of it", (_, input, kind, message) => {
    const { lines, problem } = read(input);
    expect(problem?.kind).toBe(kind);
    expect(problem?.message).toMatch(message);
    expect(problem?.hint).not.toBe("");
    for (const event of EVENTS.filter((each) => input.includes(each))) {
      expect(lines).toContain(event);
    }
  });

  test("reads on with the next document behind a torn line", () => {
    const torn = eventList(EVENTS).slice(0, 120);
    const { lines } = read(`${torn}\n${eventList(EVENTS)}`);
    expect(lines.endsWith(LINES)).toBe(true);
    expect(lines).toContain(torn.slice(-30));
  });

  test("gives the same lines wherever the input is cut into chunks", () => {
    const inputs = [
      ...Object.values(SAME_EVENTS),
      eventList(EVENTS).slice(0, -40),
      `${gkeEntry()}\n${gkeEntry()}`,
      LINES,
    ];
    const whole = inputs.map((input) => read(input));
    for (const [i, input] of inputs.entries()) {
      const bytes = Buffer.from(input);
      // Every place, six at a time that are far from each other.
      const apart = Math.ceil((bytes.length + 1) / 6);
      const places = Array.from({ length: apart }, (_each, cut) => [0, 1, 2, 3, 4, 5].map((n) => cut + n * apart));
      expect(places.filter((cuts) => !isDeepStrictEqual(read(bytes, cuts), whole[i]))).toEqual([]);
    }
    fc.assert(
      fc.property(fc.nat(inputs.length - 1), fc.array(fc.nat(3000), { maxLength: 40 }), (i, cuts) => {
        expect(read(Buffer.from(inputs[i] ?? ""), cuts)).toEqual(whole[i]);
      }),
      { numRuns: 150 },
    );
  });

  test("gives back any JSON in a list, byte for byte", () => {
    fc.assert(
      fc.property(fc.array(fc.json({ maxDepth: 4 }), { minLength: 1, maxLength: 5 }), fc.nat(200), (items, cut) => {
        const input = Buffer.from(`{"kind":"EventList","items":[${items.join(",")}]}`);
        const expected = items.map((item) => `${item}\n`).join("");
        expect(read(input, [cut])).toEqual({ lines: expected, problem: undefined });
      }),
      { numRuns: 250 },
    );
  });

  test("loses no byte of damaged documents but what stands around the list", () => {
    const input = Buffer.from(eventList(EVENTS));
    fc.assert(
      fc.property(fc.nat(input.length - 1), fc.nat(255), (at, byte) => {
        const bytes = Buffer.from(input);
        bytes[at] = byte;
        const reader = new EnvelopeReader();
        const lines = Buffer.concat([Buffer.from(reader.write(bytes)), reader.end()]);
        // White space and commas may go, where what is damaged reads as several members of the list; nothing else inside the items may.
        const inItems = EVENTS.reduce((sum, event) => sum + saying(Buffer.from(event).toString("latin1")), 0);
        expect(saying(lines.toString("latin1"))).toBeGreaterThanOrEqual(inItems - 1);
      }),
      { numRuns: 1000 },
    );
  });

  test.each([1, 2])("loses nothing of the records where the list seems to end before record %i", (index) => {
    const at = EVENTS.slice(0, index).join(",").length;
    const items = EVENTS.join(",");
    const { lines, problem } = read(`{"kind":"EventList","items":[${items.slice(0, at)}]${items.slice(at + 1)}]}`);
    expect(lines).toContain(EVENTS.slice(index).join(","));
    expect(problem).toMatchObject({ message: expect.stringContaining("no comma") as string });
  });

  test("holds one record and one chunk, however long the document is", () => {
    const record = `${EVENTS[0]?.slice(0, -1)},"responseObject":"${"x".repeat(3000)}"},`;
    const chunk = Buffer.from(record.repeat(150));
    const reader = new EnvelopeReader();
    reader.write(Buffer.from('{"kind":"EventList","items":['));
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    let bytes = 0;
    for (let i = 0; i < 150; i++) {
      bytes += reader.write(chunk).length;
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }
    expect(bytes).toBe(chunk.length * 150);
    expect(bytes).toBeGreaterThan(60_000_000);
    expect(most).toBeLessThan(8_000_000);
  });

  test("passes a record over the limit on as one line, unread", () => {
    const long = `{"message":"${"x".repeat(5000)}"}`;
    const reader = new EnvelopeReader({ maxRecordBytes: 1000 });
    const parts = [
      Buffer.from(`[${EVENTS[0]},`),
      Buffer.from(long.slice(0, 3000)),
      Buffer.from(`${long.slice(3000)}]`),
    ];
    const lines = parts.map((part) => reader.write(part).toString("utf8")).join("") + reader.end().toString("utf8");
    expect(lines).toBe(`${EVENTS[0]}\n${long}\n`);
  });

  test("the recorded webhook body: its items, and each is an event", () => {
    const document = readFileSync(join(import.meta.dirname, "../../../../samples/webhook-eventlist.json"), "utf8");
    const { lines, problem } = read(document);
    expect(problem).toBeUndefined();
    expect(document).toContain(`"items":[${lines.trimEnd().split("\n").join(",")}]}`);
    expect(lines.trimEnd().split("\n").filter(isEvent)).toHaveLength(75);
  });
});

/** Bytes that are neither white space nor commas. */
function saying(text: string): number {
  return Buffer.byteLength(text.replaceAll(/[\s,]/g, ""), "latin1");
}

function read(
  input: string | Buffer,
  cuts: readonly number[] = [],
): { lines: string; problem: DocumentProblem | undefined } {
  const bytes = Buffer.from(input);
  const reader = new EnvelopeReader();
  let lines = Buffer.alloc(0);
  let at = 0;
  for (const cut of [...cuts].sort((a, b) => a - b).concat(bytes.length)) {
    const chunk = Buffer.from(bytes.subarray(at, Math.max(at, cut)));
    lines = Buffer.concat([lines, reader.write(chunk)]);
    at = Math.max(at, cut);
    // Whoever gave the chunk may use its memory again.
    chunk.fill(0x23);
  }
  return { lines: Buffer.concat([lines, reader.end()]).toString("utf8"), problem: reader.problem };
}

function isEvent(line: string): boolean {
  const bytes = Buffer.from(line);
  return new EventScan().scan(bytes, 0, bytes.length);
}
