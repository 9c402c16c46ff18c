import type { EventScan, Field } from "@auditsieve/audit";

const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?Z$/;
/** As the apiserver writes all its times, in quotes. */
const USUAL_LENGTH = '"2006-01-02T15:04:05.000000Z"'.length;

/**
 * The time that a log is about: from the first event that was written to the last request that came in. A watch may have come in
 * long before the log begins, and its end may be written long after the log's last request; neither widens it.
 */
export class TimeSpan {
  readonly #from = new Bound(-1);
  readonly #to = new Bound(1);

  event(scan: EventScan): void {
    const received: Field = "requestReceivedTimestamp";
    const written: Field = "stageTimestamp";
    const hasReceived = scan.has(received);
    const hasWritten = scan.has(written);
    if (hasReceived || hasWritten) {
      this.#from.take(scan, hasWritten ? written : received);
      this.#to.take(scan, hasReceived ? received : written);
    }
  }

  result(): { readonly from: string; readonly to: string; readonly seconds: number } | undefined {
    const [from, to] = [this.#from.text, this.#to.text];
    if (from === undefined || to === undefined) {
      return undefined;
    }
    return { from, to, seconds: Math.max(0, (Date.parse(to) - Date.parse(from)) / 1000) };
  }
}

/** The least or the greatest of the times that it is given. Decoding each of them costs a tenth of a simulation. */
class Bound {
  readonly #sign: -1 | 1;
  /** Of {@link text}, where that is of the usual length. */
  readonly #bytes: Buffer = Buffer.alloc(USUAL_LENGTH);
  #isUsual = false;
  #text: string | undefined;

  constructor(sign: -1 | 1) {
    this.#sign = sign;
  }

  get text(): string | undefined {
    return this.#isUsual ? this.#bytes.toString("latin1", 1, USUAL_LENGTH - 1) : this.#text;
  }

  take(scan: EventScan, field: Field): void {
    const start = scan.valueStart(field);
    const isUsual = scan.valueEnd(field) - start === USUAL_LENGTH;
    if (isUsual && this.#isUsual) {
      if (this.#compare(scan.bytes, start) * this.#sign > 0 && isTime(scan.bytes, start)) {
        scan.bytes.copy(this.#bytes, 0, start, start + USUAL_LENGTH);
      }
      return;
    }
    const text = scan.text(field) ?? "";
    const current = this.text;
    const isBeyond = current === undefined || (this.#sign > 0 ? text > current : text < current);
    if (isBeyond && TIME.test(text)) {
      this.#text = text;
      this.#isUsual = isUsual;
      if (isUsual) {
        scan.bytes.copy(this.#bytes, 0, start, start + USUAL_LENGTH);
      }
    }
  }

  #compare(bytes: Buffer, start: number): number {
    for (let at = 1; at < USUAL_LENGTH; at++) {
      const difference = (bytes[start + at] as number) - (this.#bytes[at] as number);
      if (difference !== 0) {
        return difference;
      }
    }
    return 0;
  }
}

const PATTERN: readonly number[] = [...Buffer.from('"dddd-dd-ddTdd:dd:dd.ddddddZ"')];
const DIGIT = 0x64;

function isTime(bytes: Buffer, start: number): boolean {
  for (let at = 0; at < USUAL_LENGTH; at++) {
    const byte = bytes[start + at] as number;
    const wanted = PATTERN[at] as number;
    if (wanted === DIGIT ? byte < 0x30 || byte > 0x39 : byte !== wanted) {
      return false;
    }
  }
  return true;
}
