import { EventScan } from "@auditsieve/audit";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Dice, mutateBytes, varyValues } from "../filter/line-mutator.suite.ts";
import type { Delivery } from "../sink.ts";
import { BulkBodies } from "./bulk-body.ts";
import { joined } from "./bulk-item.ts";
import { hostileDeliveries } from "./hostile-deliveries.suite.ts";

const context = { cluster: "prod", namespace: "default", now: () => Date.parse("2026-11-24T00:13:27Z") };
const LINES = readFileSync(new URL("../../../../samples/small.log", import.meta.url), "utf8")
  .trim()
  .split("\n");
const BLANKS = Buffer.from(
  '{"level":"Metadata",\t"stage":"Panic" ,\r "requestURI":"/a\\"\\\\\\t","verb":"get","user":{ },"annotations":{"original":"\\"original\\":\\""}}',
);

function deliveryOf(document: Buffer): Delivery {
  return { id: "0123456789abcdef0123456789abcdef", kind: "event", time: "2026-11-24T00:13:26.471919Z", document };
}

/** Real lines, others made of them, broken ones, and what is made to break something. */
function documents(): readonly Buffer[] {
  const dice = new Dice(11);
  const real = LINES.map((line) => Buffer.from(line));
  const varied = Array.from({ length: 200 }, (_, i) =>
    i % 2 === 0 ? varyValues(dice.of(real), dice) : mutateBytes(dice.of(real), dice),
  );
  return [...real, ...varied, BLANKS, ...hostileDeliveries().map(({ document }) => document)];
}

describe("BulkBodies", () => {
  test("makes the same of an event whether it reads it or a scan holds it, and gives its document back byte for byte", () => {
    const bodies = new BulkBodies(context);
    const scan = new EventScan();
    const other = new EventScan();
    let held = 0;
    documents().forEach((document, i) => {
      // The bytes are overwritten as soon as the batch has the event.
      const chunk = Buffer.concat([Buffer.from("before\n"), document, Buffer.from("\nbehind")]);
      const isEvent = scan.scan(chunk, 7, 7 + document.length);
      if (i % 3 === 0) {
        other.scan(BLANKS, 0, BLANKS.length);
      }
      const bytes = chunk.subarray(7, 7 + document.length);
      const { id, time } = deliveryOf(bytes);
      const taken = bodies.begin().add(deliveryOf(bytes), isEvent ? scan : undefined);
      const read = bodies.begin().add(deliveryOf(document), undefined);
      expect(joined([taken]).equals(joined([read]))).toBe(true);
      if (isEvent) {
        held++;
        chunk.fill(0);
        expect(taken.document.equals(document)).toBe(true);
        expect([taken.id, taken.time, taken.kind]).toEqual([id, time, "event"]);
      }
      bodies.release([taken, read]);
    });
    expect(held).toBeGreaterThan(100);
  });

  test("puts the items of a batch one behind the other, however many there are, and writes that memory again", () => {
    const bodies = new BulkBodies(context);
    const scan = new EventScan();
    const batchOf = (count: number): readonly ReturnType<ReturnType<BulkBodies["begin"]>["add"]>[] => {
      const batch = bodies.begin();
      return Array.from({ length: count }, (_, i) => {
        const document = Buffer.from(LINES[i % LINES.length] ?? "");
        scan.scan(document, 0, document.length);
        return batch.add(deliveryOf(document), i % 7 === 0 ? undefined : scan);
      });
    };
    const items = batchOf(3000);
    const body = joined(items);
    expect(body.buffer).toBe(items[0]?.room.bytes.buffer);
    expect(body.equals(Buffer.concat(items.map((item) => joined([item]))))).toBe(true);
    expect(items.every(({ document }, i) => document.toString("utf8") === LINES[i % LINES.length])).toBe(true);
    expect(joined([...items.slice(5, 9), ...items.slice(20, 22)]).length).toBe(
      [...items.slice(5, 9), ...items.slice(20, 22)].reduce((sum, { bytes }) => sum + bytes, 0),
    );
    const small = batchOf(2);
    bodies.release(small);
    expect(batchOf(1)[0]?.room.bytes).toBe(small[0]?.room.bytes);
  });

  test("delivers what was replaced as a whole because it could not be redacted in part", () => {
    const document = Buffer.from("undecodable line of 300 bytes redacted:0123456789abcdef");
    const body = joined([new BulkBodies(context).begin().add(deliveryOf(document), undefined)]).toString("utf8");
    expect(JSON.parse(body.split("\n")[1] ?? "")).toMatchObject({ event: { original: document.toString("utf8") } });
  });

  test("never writes memory again of which a request may still be on its way", () => {
    const bodies = new BulkBodies(context);
    const [document] = documents();
    const item = bodies.begin().add(deliveryOf(document ?? BLANKS), undefined);
    bodies.withhold([item]);
    bodies.release([item]);
    expect(bodies.begin().add(deliveryOf(BLANKS), undefined).room.bytes).not.toBe(item.room.bytes);
  });
});
