import { LineTemplates } from "@auditsieve/audit";
import type { DecidedBy, EventScan, Field } from "@auditsieve/audit";
import type { QuietAnswer } from "@auditsieve/detect";
import { StreamPolicy } from "@auditsieve/policy";
import type { StreamDecision } from "@auditsieve/policy";
import type { AlikeEvents } from "../alarms/alarm-watch.ts";
import { withHead } from "../filter/event-watch.ts";
import type { KnownReceipt } from "../receipts/receipt-book.ts";
import { LineShape } from "./line-shape.ts";
import type { SinkFeed } from "./outlet.ts";

/** Lines that are alike and that no sink wants: what is to be done about each of them. */
export interface DroppedKind {
  readonly shape: LineShape;
  /** What the alarms need to note one. */
  readonly watched: AlikeEvents;
  readonly receipt: KnownReceipt;
  /** By outlet: what drops it. */
  readonly by: readonly (StreamDecision | "feed")[];
}

/** What is found about a line that was dropped, by who asks the detections and alarms. */
export interface Passable {
  /** That the detections want nothing of such lines; undefined where there are none. */
  readonly standing: QuietAnswer | undefined;
  readonly watched: AlikeEvents;
}

const TAKEN = {};
/** What receipts tell apart, and what a {@link LineShape} rests on. */
const COUNTED: readonly Field[] = [
  "kind",
  "apiVersion",
  "level",
  "stage",
  "user.username",
  "verb",
  "objectRef.resource",
  "objectRef.subresource",
  "objectRef.apiGroup",
  "annotations",
];
/** Where the memory of templates belongs to another pipeline that often, remembering costs more than it saves. */
const FEW_OWNED = 8;
const LOADS_OWNED = 8;

/**
 * Knows lines again that are like one that was dropped, without scanning them: control loops repeat themselves. A line is taken as a whole,
 * byte by byte, by what was proven of the one before, as `Filter` does with `verify`.
 */
export class KnownDrops {
  readonly #feeds: readonly SinkFeed[];
  readonly #templates = new LineTemplates<object, QuietAnswer>(() => {}, { isExact: true });
  #kinds: (DroppedKind | undefined)[] = [];
  /** In the place of a policy: which part of a path is a name. */
  readonly #paths = new StreamPolicy({ policy: { rules: [] }, keep: [], conditions: [] });
  readonly #fields = new WeakMap<readonly Field[], readonly Field[]>();
  #epoch: number | undefined;
  #loads = 0;
  #owned = 0;

  private constructor(feeds: readonly SinkFeed[]) {
    this.#feeds = feeds;
  }

  /** None where some sink gets all. */
  static of(feeds: readonly SinkFeed[]): KnownDrops | undefined {
    const isDropping = feeds.every(
      ({ feed, policy }) => feed === "findings" || (feed === "kept" && policy !== undefined),
    );
    return feeds.length > 0 && isDropping ? new KnownDrops(feeds) : undefined;
  }

  /** Begins with the whole lines of `bytes[start, end)`, as many as there is room for. Gives where they end: `start` for none. */
  load(bytes: Buffer, start: number, end: number): number {
    if (this.#owned > FEW_OWNED && LOADS_OWNED * this.#owned > this.#loads) {
      return start;
    }
    this.#loads++;
    const to = this.#templates.load(bytes, start, end);
    if (this.#templates.owned !== this.#owned) {
      this.#owned = this.#templates.owned;
      this.#kinds = [];
    }
    return to;
  }

  /** The kind of the next line, which ends before `behind`, if it is known. `epoch` grows whenever an answer of the detections has ended. */
  take(behind: number, epoch: number | undefined): DroppedKind | undefined {
    if (epoch !== this.#epoch) {
      this.#epoch = epoch;
      this.#templates.sync();
    }
    return this.#kinds[this.#templates.takeOne(behind)];
  }

  /** The next line begins at `at`. */
  goOn(at: number): void {
    this.#templates.goOn(at);
  }

  /** Whether the line that was not known can be learned, so that it is worth asking what is needed for that. */
  get isLearnable(): boolean {
    return this.#templates.isLearnable;
  }

  /** The next ones like the line that was not known, which `scan` holds and which is dropped at every outlet, are of a kind. */
  learn(
    scan: EventScan,
    { standing, watched }: Passable,
    decisions: readonly (StreamDecision | undefined)[],
    receipt: () => KnownReceipt,
  ): void {
    const shape = LineShape.of(scan);
    if (shape === undefined) {
      return;
    }
    const by = this.#decidedBy(scan);
    const rests = standing === undefined ? by : withHead(by, scan, standing);
    const number = this.#templates.learn(scan, TAKEN, { isKept: false, standing }, rests);
    if (number > 0) {
      const reasons = this.#feeds.map((_, outlet) => decisions[outlet] ?? "feed");
      this.#kinds[number] = { shape, watched, receipt: receipt(), by: reasons };
    }
  }

  /** What the decisions of all policies rest on, with what receipts and shape do. */
  #decidedBy(scan: EventScan): DecidedBy {
    const policies = this.#feeds.flatMap(({ feed, policy }) =>
      feed === "kept" && policy !== undefined ? [policy] : [],
    );
    const [first = this.#paths.decidedBy(scan), ...others] = policies.map((policy) => policy.decidedBy(scan));
    let { uriEnd, name } = first;
    for (const other of others) {
      uriEnd = Math.max(uriEnd, other.uriEnd);
      name = other.name?.start === name?.start && other.name?.end === name?.end ? name : undefined;
    }
    const fields = others.length === 0 ? first.fields : [...first.fields, ...others.flatMap((other) => other.fields)];
    return { fields: this.#counted(fields), uriEnd, name };
  }

  #counted(fields: readonly Field[]): readonly Field[] {
    const known = this.#fields.get(fields);
    const all = known ?? [...new Set([...fields, ...COUNTED])];
    if (known === undefined) {
      this.#fields.set(fields, all);
    }
    return all;
  }
}
