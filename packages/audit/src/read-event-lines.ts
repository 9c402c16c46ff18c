import { LongDocument } from "./event-list/long-document.ts";
import { EventLines } from "./event-lines.ts";
import type { EventLinesOptions, EventLineVisitor } from "./event-lines.ts";

/**
 * Reads a log line by line, whatever the lines stand in: {@link EventLines}, which see, that take documents of any length, too.
 *
 * @example
 * const seen: string[] = [];
 * const lines = readEventLines({
 *   event: ({ standsIn }) => void seen.push(`${lines.scan.text("verb")} in ${standsIn}`),
 *   undecidable: () => void seen.push(lines.scan.reason ?? ""),
 *   oversize: () => {},
 * });
 * const event = '{"level":"Metadata","stage":"Panic","requestURI":"/","verb":"get","user":{}}';
 * lines.write(Buffer.from(`${event}\n{"kind":"EventList","items":[${event}]}\nno event\n`));
 * lines.end();
 * assert.deepEqual(seen, ["get in input", "get in envelope", "not-json"]);
 */
export function readEventLines(visitor: EventLineVisitor, options: EventLinesOptions = {}): EventLines {
  const lines = new EventLines(visitor, options);
  lines.LongDocument = LongDocument;
  return lines;
}
