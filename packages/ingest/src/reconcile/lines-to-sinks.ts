import { createRedactor } from "@auditsieve/audit";
import type { IngestConfig } from "../config/config.ts";
import { AckWindow } from "../lines/ack-window.ts";
import { LineHandler } from "../pipeline/line-handler.ts";
import type { SinkFeed } from "../pipeline/outlet.ts";
import type { NoiseReceipt } from "../receipts/receipt-book.ts";
import { Ledger } from "../lines/tally-ledger.ts";
import { SinkCounter } from "../lines/tally.ts";
import type { SinkExpectation } from "./sink-expectation.ts";

/** Those that the daemon ran with. */
export interface Keys {
  readonly id: Buffer;
  readonly redaction: Buffer;
}

/**
 * Decides of lines what each sink must have, with the daemon's own code, and tells `gathered`. `cutAfter`: where an input is
 * acknowledged to, because lines before and behind that must not share a receipt.
 */
export function linesToSinks(
  source: string,
  config: IngestConfig,
  keys: Keys,
  gathered: readonly SinkExpectation[],
  cutAfter: (input: string, offset: number) => number,
): LineHandler {
  const ledger = new Ledger();
  return new LineHandler({
    source,
    outlets: config.sinks.map(({ name, feed, policy }, i) => ({
      to: { sink: noSink(name), feed, ...(policy && { policy }) },
      counter: new SinkCounter(name, ledger),
      add: ({ delivery, offset, countedAs, isOnlyEvidence = false }) => {
        if (countedAs === "lines") {
          gathered[i]?.line(delivery, offset, isOnlyEvidence);
        } else if (countedAs === "salvaged") {
          gathered[i]?.salvage(delivery, offset, isOnlyEvidence);
        } else if (delivery.kind === "event") {
          gathered[i]?.besides(delivery);
        } else if (countedAs === "receipts") {
          gathered[i]?.receipt(JSON.parse(delivery.document.toString("utf8")) as NoiseReceipt);
        }
      },
    })),
    window: new AckWindow(),
    ledger,
    receipts: true,
    cutAfter,
    quarantine: () => undefined,
    cluster: config.cluster,
    idKey: keys.id,
    redactor: createRedactor({ key: keys.redaction }),
    detections: config.detections,
    maxLineBytes: config.limits.maxLineBytes,
  });
}

/** Stands for a sink that is only asked about. */
function noSink(name: string): SinkFeed["sink"] {
  return { name, write: async () => [], close: async () => undefined };
}
