import { slotOf } from "@auditsieve/audit";
import type { EventScan, Redactor } from "@auditsieve/audit";
import { findingJson } from "@auditsieve/detect";
import type { Finding } from "@auditsieve/detect";
import type { Delivery } from "../sink.ts";
import type { EvidenceEvent } from "./evidence-event.ts";
import { isTimestamp } from "../timestamp.ts";

/** Asked of every line. */
const STAGED = slotOf("stageTimestamp");

export interface LineDeliveriesOptions {
  readonly source: string;
  readonly redactor: Redactor;
  /** Bytes of lines from the start on that an earlier run may have delivered already. Default 0. */
  readonly lookBackBytes?: number;
  readonly now?: () => Date;
}

/** What is handed to sinks of a line: redacted, with its time, and marked when an earlier run may have delivered it. */
export class LineDeliveries {
  readonly #options: LineDeliveriesOptions;
  #lookBackBytes: number;
  /** Bytes of all lines so far, with that in hand. */
  #bytes = 0;

  constructor(options: LineDeliveriesOptions) {
    this.#options = options;
    this.#lookBackBytes = options.lookBackBytes ?? 0;
  }

  /** The next line is in hand: with it `bytes` were read. */
  begin(bytes: number): void {
    this.#bytes = bytes;
  }

  /** Whether an earlier run may have delivered what is in hand. */
  get isLookingBack(): boolean {
    return this.#bytes <= this.#lookBackBytes;
  }

  /** An earlier run may have delivered what is in hand: it is of a document whose beginning it may. */
  lookBackHere(): void {
    this.#lookBackBytes = Math.max(this.#lookBackBytes, this.#bytes);
  }

  /** Of the event that `scan` holds, whose bytes are `line`: where nothing is redacted, as may be known, these are the document. */
  event(scan: EventScan, line: Buffer, id: string, isUnredacted = false): Delivery {
    return this.#event(scan, isUnredacted ? line : this.#options.redactor.redactScanned(scan, line), id);
  }

  /** Of what is left of the event that `scan` holds. */
  stripped(scan: EventScan, rest: Buffer, id: string): Delivery {
    return this.#event(scan, this.#options.redactor.redactLine(rest), id);
  }

  /** Of the event in hand, which a finding rests on. */
  evidence({ id, document, time }: EvidenceEvent): Delivery {
    return this.marked({ id, kind: "event", document, time });
  }

  finding(finding: Finding): Delivery {
    return {
      id: finding.id,
      kind: "finding",
      document: Buffer.from(findingJson(finding)),
      time: this.timeOf(finding.time),
      // The stages of a request may lie on both sides of a restart: its finding may be from before, wherever the line stands.
      mayBeStored: true,
    };
  }

  /** Of a line that no event can be made of: where it stands, and nothing of what it says. */
  undecidable(
    line: Buffer,
    id: string,
    place: { readonly input: string; readonly offset: number; readonly bytes: number },
    reason: string,
  ): Delivery {
    const { source, redactor } = this.#options;
    const { input, offset, bytes } = place;
    const note = redactor.redactUndecodable(line).toString("utf8");
    const document = { kind: "UndecidableLine", source, input, offset, bytes, reason, note };
    return this.marked({
      id,
      kind: "undecidable",
      document: Buffer.from(JSON.stringify(document)),
      time: this.timeOf(),
    });
  }

  /** Says of a delivery whether an earlier run may have made it. */
  marked(delivery: Delivery): Delivery {
    return this.isLookingBack ? { ...delivery, mayBeStored: true } : delivery;
  }

  /** The first of the texts that is a time; without one, now. */
  timeOf(...candidates: readonly (string | undefined)[]): string {
    return candidates.find(isTimestamp) ?? (this.#options.now?.() ?? new Date()).toISOString();
  }

  #event(scan: EventScan, document: Buffer, id: string): Delivery {
    const staged = scan.slotText(STAGED);
    const time = isTimestamp(staged) ? staged : this.timeOf(scan.text("requestReceivedTimestamp"));
    return this.marked({ id, kind: "event", document, time });
  }
}
