import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LongDocument } from "../event-list/long-document.ts";
import { EventLines } from "../event-lines.ts";
import { EnvelopeReader } from "../event-list/envelope-reader.ts";
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
} from "./wrapped.suite.ts";

/** One of the things that a log may be mixed of: its text with the newline behind it. */
interface Ingredient {
  readonly text: string;
}

/** Gives the next event, as a line without its newline: each is another one. */
type Next = () => string;

const KLOG = 'I1124 00:13:26.471919       1 controller.go:615] "quota admission added evaluator" resource="pods"';

const WHOLE_LINES: readonly ((next: Next) => string)[] = [
  (next) => next(),
  (next) => next(),
  (next) => aksRecord(next()),
  (next) => aksRecords([next(), KLOG, next()]),
  (next) => gkeEntry(gkePayload({ resourceName: `core/v1/pods/${next().length}` })),
  (next) => `{"entries":[${gkeEntry(gkePayload({ methodName: `io.k8s.core.v1.pods.x${next().length}` }))}]}`,
  (next) => cloudWatchExport([next()]).trimEnd(),
  (next) => cloudWatchSubscription([next(), next()]),
  (next) => cloudWatchSubscription([next()]) + cloudWatchSubscription([next()]),
  (next) => awsLogs(cloudWatchSubscription([next(), KLOG])),
  (next) => firehoseRecords([cloudWatchSubscription([next()]), `${next()}\n${next()}\n`]),
  (next) => eventList([next(), next()]).trimEnd(),
  (next) => eventList([next(), next(), next(), next()]).trimEnd(),
  () => eventList([]).trimEnd(),
  (next) => `[${next()},${next()}]`,
  () => KLOG,
  () => aksRecord(KLOG),
  () => '{"a":{"items":[1]}}',
];
const OVER_LINES: readonly ((next: Next) => string)[] = [
  (next) => `{\n  "kind": "EventList",\n  "items": [\n    ${next()},\n    ${next()}\n  ]\n}`,
  (next) => `[\n${next()},\n${next()}\n]`,
  (next) => JSON.stringify(JSON.parse(next()), undefined, 2),
  (next) => JSON.stringify(JSON.parse(eventList([next(), next()])), undefined, 4),
];

/** How many ingredients there are. */
const INGREDIENTS: number = 2 * WHOLE_LINES.length + OVER_LINES.length;

/** Plain lines, all envelopes, other things, and what is left of lines of all these that are cut off. */
function ingredient(which: number, cut: number, next: Next): Ingredient {
  const whole = WHOLE_LINES[which % WHOLE_LINES.length] as (next: Next) => string;
  if (which < WHOLE_LINES.length) {
    return { text: `${whole(next)}\n` };
  }
  if (which < 2 * WHOLE_LINES.length) {
    const text = whole(next);
    return { text: `${text.slice(0, 1 + (cut % (text.length - 1)))}\n` };
  }
  const over = OVER_LINES[which - 2 * WHOLE_LINES.length] as (next: Next) => string;
  return { text: `${over(next)}\n` };
}

/** Lines may not be long here, but records may. */
class LongDocumentOfAnyRecords extends LongDocument {
  constructor(...[offset, visitor]: ConstructorParameters<typeof LongDocument>) {
    super(offset, visitor);
  }
}

/** The events of a log, as whoever reads it has them: out of the reader, then line by line. */
function eventsOf(log: string, chunkBytes = Infinity, maxLineBytes = Infinity): readonly string[] {
  const reader = new EnvelopeReader();
  const events: string[] = [];
  const lines = new EventLines(
    {
      event: () => void events.push(lines.scan.bytes.toString("utf8", lines.scan.start, lines.scan.end)),
      undecidable: () => undefined,
      // What is left of a record that is cut off.
      oversize: (_line, { standsIn }) => expect(standsIn).toBe("input"),
      behindLongDocument: (document) => expect(document.offset + document.bytes).toBeLessThanOrEqual(bytes.length),
    },
    { maxLineBytes },
  );
  lines.LongDocument = LongDocumentOfAnyRecords;
  const bytes = Buffer.from(log);
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    lines.write(Buffer.from(reader.write(bytes.subarray(at, Math.min(bytes.length, at + chunkBytes)))));
  }
  lines.write(reader.end());
  lines.end();
  return events;
}

function eventOf(number: number): string {
  return `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Request","auditID":"id-${number}","stage":"ResponseComplete","requestURI":"/api/v1/x?a=\\"{","verb":"get","user":{"username":"jane","groups":["a","b"]},"responseStatus":{"code":200},"requestObject":{"n":1.10,"list":[{},{"a":[1,true,null]}]}}`;
}

const arbitraryMixture = fc
  .record({
    picks: fc.array(fc.tuple(fc.nat(INGREDIENTS - 1), fc.nat()), { minLength: 1, maxLength: 12 }),
    chunkBytes: fc.constantFrom(Infinity, 7, 64, 1000),
  })
  .map(({ picks, chunkBytes }) => {
    let number = 0;
    return { parts: picks.map(([which, cut]) => ingredient(which, cut, () => eventOf(number++))), chunkBytes };
  });

/** Mixes logs at random: the events of each part come out, whatever stands around it and however the log is cut into chunks. */
export function testMixtures(numRuns: number): void {
  describe("a mixture of plain lines, envelopes and damage", () => {
    test("an envelope at the beginning: the events of each part", () => {
      fc.assert(
        fc.property(arbitraryMixture, ({ parts, chunkBytes }) => {
          const log = `{"kind":"EventList","items":[]}\n${parts.map(({ text }) => text).join("")}`;
          expect(eventsOf(log, chunkBytes)).toEqual(parts.flatMap(({ text }) => eventsOf(text)));
        }),
        { numRuns },
      );
    });

    test("plain lines at the beginning: the events of each part", () => {
      fc.assert(
        fc.property(arbitraryMixture, ({ parts, chunkBytes }) => {
          const log = `${eventOf(1)}\n${parts.map(({ text }) => text).join("")}`;
          expect(eventsOf(log, chunkBytes)).toEqual([eventOf(1), ...parts.flatMap(({ text }) => eventsOf(text))]);
        }),
        { numRuns },
      );
    });

    test("plain lines at the beginning, and lines and documents too long to be held: the events of each part", () => {
      fc.assert(
        fc.property(arbitraryMixture, fc.constantFrom(1000, 1300), ({ parts, chunkBytes }, maxLineBytes) => {
          const log = `${eventOf(1)}\n${parts.map(({ text }) => text).join("")}`;
          const events = eventsOf(log, chunkBytes, maxLineBytes);
          expect(events).toEqual([eventOf(1), ...parts.flatMap(({ text }) => eventsOf(text))]);
        }),
        { numRuns },
      );
    });
  });
}
