import type { EventScan } from "@auditsieve/audit";
import type { Finding } from "@auditsieve/detect";
import type { AlarmWatch } from "../alarms/alarm-watch.ts";
import type { ClosedRange } from "../receipts/receipt-book.ts";
import type { CountedAs } from "../lines/tally.ts";
import type { Delivery } from "../sink.ts";
import type { EvidenceEvent } from "../lines/evidence-event.ts";
import type { LineDeliveries } from "../lines/line-deliveries.ts";
import type { HandledLine as Line, LineHandlerOptions } from "./line-handler-options.ts";

/** What goes out is made with. */
export interface LineOutputParts {
  readonly deliveries: LineDeliveries;
  /** Events whose finding has just been written: they are taken out. */
  readonly evidence: Map<string, EvidenceEvent>;
  readonly watch: AlarmWatch;
  /** Of the lines so far. */
  readonly read: { readonly bytes: number };
}

/** The way out of what is made of lines: to one outlet or to all, each with the line that waits for it. */
export class LineOutput {
  /** Whether anything has gone out since this was last set to false. */
  hasDelivered = false;
  readonly #options: LineHandlerOptions;
  readonly #parts: LineOutputParts;
  #input = "";

  constructor(options: LineHandlerOptions, parts: LineOutputParts) {
    this.#options = options;
    this.#parts = parts;
  }

  /** The lines that follow are of `input`. */
  begin(input: string): void {
    this.#input = input;
  }

  /** Receipts of a range go to the outlet whose drops they count. */
  receipts({ held, from, to, receipts }: ClosedRange, outlet: number): void {
    const sink = this.#options.outlets[outlet]?.to.sink.name ?? "";
    this.#options.onCounted?.({ input: held.input, sink, from, to });
    this.#parts.watch.receipts(receipts, sink);
    // The first line of the range waited for all of them.
    this.#options.window.extend(held, receipts.length - 1);
    for (const receipt of receipts) {
      const delivery = this.#parts.deliveries.marked(receipt);
      this.#options.outlets[outlet]?.add({ delivery, held, offset: from, countedAs: "receipts", weight: 0 });
    }
  }

  /** Findings go to every sink, and events that a finding of an earlier line rests on to those that have not got them. */
  findings(findings: readonly Finding[], line: Line): void {
    // Asked after every line.
    if (findings.length > 0 || this.#parts.evidence.size > 0) {
      this.#findings(findings, line);
    }
  }

  #findings(findings: readonly Finding[], line: Line): void {
    for (const finding of findings) {
      const delivery = this.#parts.deliveries.finding(finding);
      this.#options.outlets.forEach((_, i) => this.deliver(i, delivery, line, "findings"));
    }
    for (const [id, event] of this.#parts.evidence) {
      const { document, time } = event;
      const evidence: Delivery = { id, kind: "event", document, time, mayBeStored: true };
      this.#options.outlets.forEach((_, i) => {
        if (event.goesTo(i)) {
          this.deliver(i, evidence, line, "findings");
        }
      });
      this.#parts.evidence.delete(id);
    }
  }

  toAll(delivery: Delivery, line: Line): void {
    this.#options.outlets.forEach((_, i) => this.deliver(i, delivery, line, "lines"));
  }

  /** `isExtra`: only because a finding rests on it. A `scan` holds the very event that the document is. */
  deliver(i: number, delivery: Delivery, line: Line, as: CountedAs, isExtra = false, scan?: EventScan): void {
    this.hasDelivered = true;
    const held = this.#options.window.hold(this.#input, line.end, this.#parts.read.bytes);
    const underway = { delivery, held, offset: line.offset, countedAs: as, isOnlyEvidence: isExtra, weight: 0 };
    this.#options.outlets[i]?.add(underway, scan);
  }
}
