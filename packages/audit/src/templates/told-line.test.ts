import { expect, test } from "vitest";
import { microseconds } from "../event-time.ts";
import { EventScan } from "../scan.ts";
import { LineTemplates } from "./line-templates.ts";

const line = (time: string): string =>
  `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"1b9ee3e5-8982-4b58-a2cd-0384840d7e4f",` +
  `"stage":"ResponseComplete","requestURI":"/healthz","verb":"get","user":{"username":"a"},"sourceIPs":["127.0.0.1"],"userAgent":"a","responseStatus":{"metadata":{},"code":200},` +
  `"requestReceivedTimestamp":"2026-11-24T00:19:02.482341Z","stageTimestamp":"${time}"}\n`;

/** Of a line with each of these times what its time is, in microseconds, and what the module alone says of it. */
function told(times: readonly string[]): { micros: number; ofModule: number }[] {
  const templates = new LineTemplates<object>(() => {}, { isExact: true });
  const scan = new EventScan();
  const [learned = "", ...lines] = [times[0] ?? "", ...times].map((time) => Buffer.from(line(time)));
  templates.load(learned as Buffer, 0, learned.length);
  templates.take();
  scan.scan(learned as Buffer, 0, learned.length - 1);
  const by = {
    fields: ["level", "stage", "requestURI", "verb", "user"] as const,
    uriEnd: scan.valueEnd("requestURI"),
    name: undefined,
  };
  expect(templates.learn(scan, {}, { isKept: false, isTold: true, standing: { stands: true } }, by)).toBeGreaterThan(0);
  return lines.map((bytes) => {
    templates.load(bytes, 0, bytes.length);
    expect(templates.take()).toBe(bytes.length);
    return { micros: templates.told.micros, ofModule: templates.memory.readDoubleLE(0x1_0080) };
  });
}

test("ToldLine knows its time by the module, whatever minute the line before was of", () => {
  const times = [
    "2026-11-24T00:13:26.471919Z",
    "2026-11-24T00:13:59.999999Z",
    "2026-11-24T00:14:00.000000Z",
    "2026-11-23T23:59:59.000001Z",
    "2027-01-01T00:00:00.000000Z",
    "2028-02-29T12:00:00.500000Z",
    "2028-03-01T00:00:00.000000Z",
    "2000-02-29T23:59:59.999999Z",
    "2100-02-28T23:59:59.999999Z",
    "2100-03-01T00:00:00.000000Z",
    "1970-01-01T00:00:00.000000Z",
    "1970-01-01T00:00:00.000001Z",
    "2255-06-05T23:47:34.740991Z",
    ...Array.from({ length: 800 }, (_, i) => new Date(i * 5.1 * 86_400_000).toISOString().replace("Z", "001Z")),
  ];
  const micros = times.map(microseconds);
  expect(told(times)).toEqual(micros.map((each) => ({ micros: each, ofModule: each })));
});

test("ToldLine: what is no time as an apiserver writes it, or none that a number holds, the module says nothing of", () => {
  const times = [
    "2026-11-24T00:13:60.471919Z",
    "2026-11-24T00:60:00.471919Z",
    "2026-11-24T24:00:00.000000Z",
    "2026-02-30T00:00:00.000000Z",
    "1969-12-31T23:59:59.999999Z",
    "2255-06-05T23:47:34.740992Z",
    "2026-11-24T00:13:26.47191xZ",
    "2026-11-24t00:13:26.471919Z",
    "2026-11-24T00:13:26.471919z",
    "2026-11-24T00:13:26.471Z",
  ];
  expect(told(times).map(({ ofModule }) => ofModule)).toEqual(times.map(() => -1));
  expect(told(times).map(({ micros }) => micros)).toEqual(times.map(microseconds));
});
