import { bytesText } from "./table.ts";

const EVERY_MS = 500;

/** One line on a terminal that says how far long work is; silent everywhere else. */
export class Progress {
  readonly #doing: string;
  readonly #startedMs = performance.now();
  #shownMs = 0;
  #bytes = 0;
  #isShown = false;

  constructor(doing: string) {
    this.#doing = doing;
  }

  add(bytes: number): void {
    this.#bytes += bytes;
    if (!process.stderr.isTTY) {
      return;
    }
    const now = performance.now();
    if (now - this.#shownMs < EVERY_MS || now - this.#startedMs < EVERY_MS) {
      return;
    }
    this.#shownMs = now;
    this.#isShown = true;
    const rate = this.#bytes / ((now - this.#startedMs) / 1000);
    process.stderr.write(`\r\u001b[2K${this.#doing} ${bytesText(this.#bytes)}, ${bytesText(rate)}/s`);
  }

  finish(): void {
    if (this.#isShown) {
      process.stderr.write("\r\u001b[2K");
    }
  }
}
