import type { EventScan } from "@auditsieve/audit";

const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?Z$/;

/**
 * The time that a log is about: from the first event that was written to the last request that came in. A watch may have come in
 * long before the log begins, and its end may be written long after the log's last request; neither widens it.
 */
export class TimeSpan {
  #from: string | undefined;
  #to: string | undefined;

  event(scan: EventScan): void {
    const received = scan.text("requestReceivedTimestamp");
    const written = scan.text("stageTimestamp") ?? received;
    if (written !== undefined && (this.#from === undefined || written < this.#from) && TIME.test(written)) {
      this.#from = written;
    }
    const came = received ?? written;
    if (came !== undefined && (this.#to === undefined || came > this.#to) && TIME.test(came)) {
      this.#to = came;
    }
  }

  result(): { readonly from: string; readonly to: string; readonly seconds: number } | undefined {
    if (this.#from === undefined || this.#to === undefined) {
      return undefined;
    }
    const seconds = Math.max(0, (Date.parse(this.#to) - Date.parse(this.#from)) / 1000);
    return { from: this.#from, to: this.#to, seconds };
  }
}
