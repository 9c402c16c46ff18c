import { bytesText } from "./table.ts";

const EVERY_MS = 500;

/** One line on a terminal that says how far long work is; silent everywhere else. */
export class Progress {
  readonly #doing: string;
  readonly #startedMs = Date.now();
  #shownMs = 0;
  #bytes = 0;
  #skipped = 0;
  #expected: number | undefined;
  readonly #reached = new Map<string, number>();
  #isShown = false;

  constructor(doing: string) {
    this.#doing = doing;
  }

  /** So many bytes are to come in all; undefined where nobody knows. */
  expect(bytes: number | undefined): void {
    this.#expected = bytes;
  }

  /** So many bytes of that input are done; fewer than before when it is read again. */
  reached(input: string, bytes: number): void {
    const before = this.#reached.get(input) ?? 0;
    this.#reached.set(input, bytes);
    this.add(bytes - before);
  }

  /** So many bytes of that input were done before: they say nothing of the rate. */
  skip(input: string, bytes: number): void {
    this.#reached.set(input, bytes);
    this.#bytes += bytes;
    this.#skipped += bytes;
  }

  /** How far it is, for a sentence. */
  get done(): string {
    return `${bytesText(this.#bytes)}${this.#expected === undefined ? "" : ` of ${bytesText(this.#expected)}`}`;
  }

  add(bytes: number): void {
    this.#bytes += bytes;
    const now = Date.now();
    if (now - this.#shownMs < EVERY_MS || now - this.#startedMs < EVERY_MS) {
      return;
    }
    this.#shownMs = now;
    // Asked only now: making the stream takes as long as filtering 40 MB.
    if (!process.stderr.isTTY) {
      return;
    }
    this.#isShown = true;
    const rate = (this.#bytes - this.#skipped) / ((now - this.#startedMs) / 1000);
    const expected = this.#expected;
    const share =
      expected === undefined || expected === 0
        ? ""
        : ` of ${bytesText(expected)}, ${timeText((expected - this.#bytes) / Math.max(1, rate))} to go`;
    process.stderr.write(`\r\u001b[2K${this.#doing} ${bytesText(this.#bytes)}${share}, ${bytesText(rate)}/s`);
  }

  finish(): void {
    if (this.#isShown) {
      process.stderr.write("\r\u001b[2K");
    }
  }
}

/** 1:05 */
function timeText(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  const minutes = Math.floor(whole / 60);
  const clock = `${minutes % 60}:${String(whole % 60).padStart(2, "0")}`;
  return minutes < 60 ? clock : `${Math.floor(minutes / 60)}:${clock.padStart(5, "0")}`;
}
