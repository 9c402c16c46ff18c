import { documentId } from "@auditsieve/audit";
import type { EventScan, Field, Redactor } from "@auditsieve/audit";
import type { Held } from "../lines/ack-window.ts";
import type { LinePlaces } from "../lines/line-shape.ts";
import type { Delivery } from "../sink.ts";
import { isTimestamp } from "../timestamp.ts";

/**
 * What was left out of a sink: how often one actor did one thing to one kind of resource in a stretch of one input. All bytes
 * of `input[from, to)` are accounted for: each line of it was delivered, or counted in one receipt.
 */
export interface NoiseReceipt {
  readonly kind: "NoiseReceipt";
  readonly sink: string;
  readonly source: string;
  readonly input: string;
  readonly from: number;
  readonly to: number;
  /** As in the counters: index of the rule, null where none matched, `feed` where no policy was asked. */
  readonly rule: number | null | "feed";
  /** Who authenticated; absent with `resource` and `verb` for what did not fit into the bounds. */
  readonly actor?: string;
  readonly verb?: string;
  /** `pods/status`, `deployments.apps`; of other requests the beginning of the path. */
  readonly resource?: string;
  /** Times of the log. */
  readonly first: string;
  readonly last: string;
  readonly count: number;
  readonly bytes: number;
}

export interface ReceiptBookOptions {
  readonly sink: string;
  readonly source: string;
  readonly cluster: string;
  readonly idKey: Uint8Array;
  readonly redactor: Redactor;
}

/** A stretch of an input whose receipts are complete: `held` waits for them. */
export interface ClosedRange {
  readonly held: Held;
  readonly from: number;
  readonly to: number;
  readonly receipts: readonly Delivery[];
}

export interface Entry {
  readonly key: Uint8Array;
  readonly rule: NoiseReceipt["rule"];
  readonly first: string;
  readonly last: Uint8Array;
  lastLength: number;
  count: number;
  bytes: number;
}

/** Which receipt lines that are alike are counted in. */
export class KnownReceipt {
  readonly key: Uint8Array;
  /** By outlet: the entry in the range that was open last, and which that was. */
  readonly #entries: (Entry | undefined)[] = [];
  readonly #ranges: number[] = [];

  constructor(key: Uint8Array) {
    this.key = key;
  }

  entry(outlet: number, range: number): Entry | undefined {
    return this.#ranges[outlet] === range ? this.#entries[outlet] : undefined;
  }

  found(outlet: number, range: number, entry: Entry): void {
    this.#ranges[outlet] = range;
    this.#entries[outlet] = entry;
  }
}

/** "2026-11-24T00:13" */
const MINUTE_BYTES = 16;
const MAX_RANGE_BYTES = 16 * 1024 * 1024;
const MAX_ENTRIES = 10_000;
const MAX_KEY_BYTES = 1024;
const MAX_TIME_BYTES = 40;
const RESOURCE_FIELDS: readonly Field[] = ["objectRef.resource", "objectRef.subresource", "objectRef.apiGroup"];
const KEY_FIELDS: readonly Field[] = ["user.username", "verb", ...RESOURCE_FIELDS];
const SLASH = 47;
const QUESTION_MARK = 63;
const NO_TIME = "1970-01-01T00:00:00Z";

/**
 * Counts what is dropped at one sink. A range begins with the first dropped line and ends before the line whose time is in
 * a later minute, or when it has 16 MiB: where it ends follows from the log alone, so that reading it again after a crash
 * makes the same receipts with the same ids. A line like an earlier one of its range costs no allocation.
 */
export class ReceiptBook {
  readonly #options: ReceiptBookOptions;
  readonly #entries = new Map<number, Entry[]>();
  readonly #key = new Uint8Array(MAX_KEY_BYTES);
  readonly #minute = new Uint8Array(MINUTE_BYTES);
  #size = 0;
  #input = "";
  #from = 0;
  #held: Held | undefined;
  #openedAt = 0;
  /** Of the range; no other of any book has or had it. */
  #number = 0;

  constructor(options: ReceiptBookOptions) {
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.#held !== undefined;
  }

  /** When the range was begun, by the monotonic clock. */
  get openedAt(): number {
    return this.#openedAt;
  }

  /** Whether the range ends before the line at `offset`, whose time stands in `bytes[time, timeEnd)`, with its quotes; nowhere where these are 0. */
  endsBefore(offset: number, bytes: Uint8Array, time: number, timeEnd: number): boolean {
    return (
      this.#held !== undefined &&
      (offset - this.#from >= MAX_RANGE_BYTES || (timeEnd > 0 && this.#isLaterMinute(bytes, time + 1, timeEnd)))
    );
  }

  /** Begins a range with the line at `offset`, whose time stands there; `held` is settled by the receipts. */
  open(bytes: Uint8Array, time: number, timeEnd: number, input: string, offset: number, held: Held): void {
    this.#held = held;
    this.#input = input;
    this.#from = offset;
    this.#number = ++lastRange;
    this.#openedAt = performance.now();
    this.#copyMinute(bytes, time, timeEnd);
  }

  /** Counts the line that `scan` holds in the open range. */
  add(scan: EventScan, rule: NoiseReceipt["rule"]): void {
    const length = this.#buildKey(scan);
    const entry = this.#find(length, rule) ?? this.#create(length, rule, scan.text("stageTimestamp"));
    const hasTime = scan.has("stageTimestamp");
    const start = hasTime ? scan.valueStart("stageTimestamp") : 0;
    this.#count(entry, scan.end - scan.start, scan.bytes, start, hasTime ? scan.valueEnd("stageTimestamp") : 0);
  }

  /** What {@link addKnown} needs for lines like the one that `scan` holds. */
  known(scan: EventScan): KnownReceipt {
    return new KnownReceipt(this.#key.slice(0, this.#buildKey(scan)));
  }

  /** Counts in the open range of this outlet a line of so many bytes that is like one that was counted before. */
  addKnown(known: KnownReceipt, outlet: number, rule: NoiseReceipt["rule"], places: LinePlaces, length: number): void {
    const { bytes, time, timeEnd } = places;
    let entry = known.entry(outlet, this.#number);
    if (entry === undefined) {
      this.#key.set(known.key);
      const keyLength = known.key.length;
      entry =
        this.#find(keyLength, rule) ?? this.#create(keyLength, rule, bytes.toString("latin1", time + 1, timeEnd - 1));
      known.found(outlet, this.#number, entry);
    }
    this.#count(entry, length, bytes, time, timeEnd);
  }

  /** Ends the range before `to` and gives its receipts. */
  close(to: number): ClosedRange | undefined {
    const held = this.#held;
    if (held === undefined) {
      return undefined;
    }
    const receipts = [...this.#entries.values()].flat().map((entry) => this.#receipt(entry, to));
    this.#held = undefined;
    this.#entries.clear();
    this.#size = 0;
    return { held, from: this.#from, to, receipts };
  }

  #receipt(entry: Entry, to: number): Delivery {
    const { sink, source, cluster, idKey } = this.#options;
    const { rule, first, count, bytes } = entry;
    const last = Buffer.from(entry.last.subarray(0, entry.lastLength)).toString("latin1");
    const receipt: NoiseReceipt = {
      kind: "NoiseReceipt",
      sink,
      source,
      input: this.#input,
      from: this.#from,
      to,
      rule,
      ...this.#readKey(entry.key),
      first,
      last: isTimestamp(last) ? last : first,
      count,
      bytes,
    };
    const identity = [source, receipt.input, receipt.from, to, sink, rule, Buffer.from(entry.key).toString("latin1")];
    return {
      id: documentId(idKey, cluster, Buffer.from(JSON.stringify(["receipt", ...identity]))),
      kind: "receipt",
      time: receipt.last,
      document: Buffer.from(JSON.stringify(receipt)),
    };
  }

  #isLaterMinute(bytes: Uint8Array, at: number, timeEnd: number): boolean {
    if (timeEnd - at < MINUTE_BYTES) {
      return false;
    }
    for (let i = 0; i < MINUTE_BYTES; i++) {
      const difference = (bytes[at + i] as number) - (this.#minute[i] as number);
      if (difference !== 0) {
        return difference > 0;
      }
    }
    return false;
  }

  #copyMinute(bytes: Uint8Array, time: number, timeEnd: number): void {
    this.#minute.fill(0xff);
    if (timeEnd - time - 1 > MINUTE_BYTES) {
      this.#minute.set(bytes.subarray(time + 1, time + 1 + MINUTE_BYTES));
    }
  }

  /** The bytes that tell one receipt from another, fields apart by 0, which stands in no JSON; 0 bytes when they are too many. */
  #buildKey(scan: EventScan): number {
    let length = 0;
    for (const field of KEY_FIELDS) {
      if (scan.has(field)) {
        length = this.#append(scan.bytes, scan.valueStart(field), scan.valueEnd(field), length);
      }
      length = length < MAX_KEY_BYTES ? length : 0;
      this.#key[length++] = 0;
    }
    if (!scan.has("objectRef.resource")) {
      length = this.#append(scan.bytes, scan.valueStart("requestURI") + 1, pathEnd(scan), length);
    }
    return length >= MAX_KEY_BYTES ? 0 : length;
  }

  #append(bytes: Uint8Array, start: number, end: number, length: number): number {
    if (length + end - start >= MAX_KEY_BYTES) {
      return MAX_KEY_BYTES;
    }
    for (let at = start; at < end; at++) {
      this.#key[length++] = bytes[at] as number;
    }
    return length;
  }

  #hash(seed: number, length: number): number {
    let hash = seed;
    for (let i = 0; i < length; i++) {
      hash = Math.imul(hash ^ (this.#key[i] as number), 0x01000193);
    }
    return hash;
  }

  /** The entry of the key that is built; that of what does not fit into the bounds where there is no room for another one. */
  #find(length: number, rule: NoiseReceipt["rule"]): Entry | undefined {
    const entry = this.#findOf(length, rule);
    return entry === undefined && this.#size >= MAX_ENTRIES ? this.#findOf(0, rule) : entry;
  }

  #findOf(length: number, rule: NoiseReceipt["rule"]): Entry | undefined {
    for (const entry of this.#entries.get(this.#hash(seedOf(rule), length)) ?? []) {
      if (entry.rule === rule && entry.key.length === length && this.#isKey(entry.key)) {
        return entry;
      }
    }
    return undefined;
  }

  #isKey(key: Uint8Array): boolean {
    for (let i = 0; i < key.length; i++) {
      if (key[i] !== this.#key[i]) {
        return false;
      }
    }
    return true;
  }

  #create(wanted: number, rule: NoiseReceipt["rule"], time: string | undefined): Entry {
    const length = this.#size >= MAX_ENTRIES ? 0 : wanted;
    const entry: Entry = {
      key: this.#key.slice(0, length),
      rule,
      first: isTimestamp(time) ? time : NO_TIME,
      last: new Uint8Array(MAX_TIME_BYTES),
      lastLength: 0,
      count: 0,
      bytes: 0,
    };
    const hash = this.#hash(seedOf(rule), length);
    const alike = this.#entries.get(hash);
    if (alike === undefined) {
      this.#entries.set(hash, [entry]);
    } else {
      alike.push(entry);
    }
    this.#size++;
    return entry;
  }

  /** Counts a line of so many bytes whose time stands in `bytes[time, timeEnd)`, with its quotes; it has none where these are 0. */
  #count(entry: Entry, length: number, bytes: Uint8Array, time: number, timeEnd: number): void {
    entry.count++;
    entry.bytes += length;
    const timeLength = timeEnd - time - 2;
    if (timeLength > 0 && timeLength <= MAX_TIME_BYTES) {
      for (let i = 0; i < timeLength; i++) {
        entry.last[i] = bytes[time + 1 + i] as number;
      }
      entry.lastLength = timeLength;
    }
  }

  #readKey(key: Uint8Array): Pick<NoiseReceipt, "actor" | "verb" | "resource"> {
    if (key.length === 0) {
      return {};
    }
    const parts = Buffer.from(key).toString("utf8").split("\0");
    const [actor = "", verb = "", resource = "", subresource = "", group = ""] = parts.map(textOf);
    const path = parts.at(-1) ?? "";
    const name = `${resource}${group === "" ? "" : `.${group}`}${subresource === "" ? "" : `/${subresource}`}`;
    const { redactor } = this.#options;
    return {
      actor: redactor.redactText(actor),
      verb: redactor.redactText(verb),
      resource: redactor.redactText(resource === "" ? path : name),
    };
  }
}

let lastRange = 0;

function seedOf(rule: NoiseReceipt["rule"]): number {
  return typeof rule === "number" ? rule : rule === null ? -1 : -2;
}

/** Behind the first two segments of the path: the rest may be as manifold as names are. */
function pathEnd(scan: EventScan): number {
  const end = scan.valueEnd("requestURI") - 1;
  let slashes = 0;
  for (let at = scan.valueStart("requestURI") + 1; at < end; at++) {
    const byte = scan.bytes[at];
    if (byte === QUESTION_MARK || (byte === SLASH && ++slashes === 3)) {
      return at;
    }
  }
  return end;
}

function textOf(json: string): string {
  if (json === "") {
    return "";
  }
  try {
    return String(JSON.parse(json));
  } catch {
    // The path stands here without its quotes.
    return json;
  }
}
