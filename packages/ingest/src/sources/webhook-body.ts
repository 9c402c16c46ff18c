import { EnvelopeReader, readEventLines } from "@auditsieve/audit";

/** The events of a body, a line each (without the last newline), or what is wrong with it. */
export type WebhookBody =
  | { readonly ok: true; readonly lines: Buffer; readonly events: number }
  | { readonly ok: false; readonly reason: string };

const NEWLINE = 10;

/**
 * Takes the events out of what was posted: an EventList as the apiserver's webhook backend sends it, or any envelope that logs
 * come in, or a log itself. A body without a single event is refused; an item that is none beside others is passed on, and
 * the pipeline keeps it as undecidable.
 *
 * @example
 * const body = readWebhookBody(Buffer.from('{"kind":"EventList","items":[]}'));
 * assert.deepEqual(body, { ok: true, lines: Buffer.alloc(0), events: 0 });
 */
export function readWebhookBody(body: Buffer): WebhookBody {
  const reader = new EnvelopeReader();
  // What is written may stand in memory that the reader uses again.
  const written = Buffer.from(reader.write(body));
  const whole = Buffer.concat([written, reader.end()]);
  if (reader.problem !== undefined) {
    return { ok: false, reason: reader.problem.message };
  }
  const lines = whole.at(-1) === NEWLINE ? whole.subarray(0, -1) : whole;
  if (lines.length === 0) {
    return reader.isPlain || body.length === 0
      ? { ok: false, reason: "it is empty" }
      : { ok: true, lines: Buffer.alloc(0), events: 0 };
  }
  const events = countEvents(lines);
  return events === 0 ? { ok: false, reason: "it holds no audit event" } : { ok: true, lines, events };
}

function countEvents(lines: Buffer): number {
  let events = 0;
  const log = readEventLines({
    event: () => void events++,
    undecidable: () => undefined,
    oversize: () => undefined,
  });
  log.write(lines);
  log.end();
  return events;
}
