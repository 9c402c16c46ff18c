import { describe, expect, test } from "vitest";
import { gzipSync } from "node:zlib";
import { packedText } from "./packed-record.ts";
import { awsLogs, firehoseRecords, kinesisRecords } from "./wrapped.suite.ts";

const TEXT = Array.from({ length: 300 }, (_, i) => `{"line":${i},"noise":"${(i * 2654435761) % 4294967296}"}`).join(
  "\n",
);
const MOST = 1_000_000;

function unpacked(record: string, most: number = MOST): readonly [text: string, isDamaged: boolean] | undefined {
  const bytes = Buffer.from(`xx${record}yy`);
  const packed = packedText(bytes, 2, bytes.length - 2, most);
  return packed && [packed.text.toString(), packed.isDamaged];
}

const DATA = (record: string): string => /"H4sI[^"]*"/.exec(record)?.[0] ?? "";
const base64 = (bytes: Buffer): string => `{"awslogs":{"data":"${bytes.toString("base64")}"}}`;

describe("packedText", () => {
  test.each([
    ["a Lambda function's event", awsLogs(TEXT)],
    ["members one behind the other", awsLogs(TEXT.slice(0, 500), TEXT.slice(500))],
    ["a record of Firehose", `{"recordId":"1","data":${DATA(firehoseRecords([TEXT]))}}`],
    ["a record of Kinesis", kinesisRecords([TEXT]).slice('{"Records":['.length, -2)],
    ["a record of the command line", `{ "SequenceNumber": "1", "Data": ${DATA(awsLogs(TEXT))}, "PartitionKey": "p" }`],
    ["escaped slashes", awsLogs(TEXT).replaceAll("/", "\\/")],
    ["what is not packed", base64(Buffer.from(`{"a":1}${TEXT}`)), `{"a":1}${TEXT}`],
  ])("packedText unpacks %s", (_what, record, expected = TEXT) => {
    expect(unpacked(record)).toEqual([expected, false]);
  });

  test("packedText unpacks what stands before the damage, and says that it is damaged", () => {
    const whole = gzipSync(TEXT);
    const changed = Buffer.from(whole);
    changed.fill(0xff, whole.length >> 1, (whole.length >> 1) + 8);
    const [text, isDamaged] = unpacked(base64(changed)) ?? ["", false];
    expect(isDamaged).toBe(true);
    expect(TEXT.startsWith(text.slice(0, TEXT.length / 3))).toBe(true);
    expect(text.length).toBeGreaterThan(TEXT.length / 3);
    const sum = Buffer.from(whole);
    sum.fill(0xff, whole.length - 8);
    expect(unpacked(base64(sum))).toEqual([TEXT, true]);
    expect(unpacked(base64(Buffer.concat([whole, Buffer.from("rest")])))).toEqual([TEXT, true]);
    expect(unpacked(awsLogs(TEXT).replace(/(.{40})"\}\}$/, '*$1"}}'))?.[1]).toBe(true);
  });

  test("packedText unpacks of a record that is torn what stands before the tear", () => {
    const record = awsLogs(TEXT);
    for (const cut of [record.length >> 1, record.length - 30, record.length - 3]) {
      const [text, isDamaged] = unpacked(record.slice(0, cut)) ?? ["", false];
      expect([isDamaged, TEXT.startsWith(text)]).toEqual([true, true]);
      expect(text.length).toBeGreaterThan(TEXT.length / 4);
    }
  });

  test.each([
    ["more than there is room for", base64(gzipSync(Buffer.alloc(MOST + 1)))],
    ["a text that is no archive", base64(Buffer.from("text"))],
    ["nothing", '{"awslogs":{"data":""}}'],
    ["no string", '{"awslogs":{"data":{}}}'],
    ["two of them", awsLogs(TEXT).replace('"data"', '"data":"x","data"')],
    ["an event that says so too", awsLogs(TEXT).replace("{", '{"auditID":"x",')],
    ["an event that says it behind", awsLogs(TEXT).replace(/\}$/, ',"verb":"get"}')],
    ["the record of another provider", awsLogs(TEXT).replace("{", '{"message":"x",')],
    ["a list", `[${awsLogs(TEXT)}]`],
  ])("packedText unpacks nothing of %s", (_what, record) => {
    expect(unpacked(record)).toBeUndefined();
  });
});
