import { LineTemplates } from "@auditsieve/audit";
import type { DecidedBy, EventScan, Field, Redactor, Span, Standing, ToldLine } from "@auditsieve/audit";
import type { QuietAnswer } from "@auditsieve/detect";
import { StreamPolicy } from "@auditsieve/policy";
import type { StreamDecision } from "@auditsieve/policy";
import type { AlikeEvents } from "../alarms/alarm-watch.ts";
import type { KnownLine } from "../detections/line-detections.ts";
import { withHead, withKept } from "../detections/event-watch.ts";
import type { KnownReceipt } from "../receipts/receipt-book.ts";
import { LineShape } from "../lines/line-shape.ts";
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

/** What is known of a line that goes to some sink, because it is like one before. One object for all. */
export class LikeDelivered implements KnownLine {
  #kind: DeliveredKind | undefined;
  told: ToldLine | undefined;
  /** Whether nothing in it has to be redacted. */
  isUnredacted = false;

  get answer(): QuietAnswer {
    return (this.#kind as DeliveredKind).answer;
  }

  set(kind: DeliveredKind, told: ToldLine | undefined, isUnredacted: boolean): this {
    this.#kind = kind;
    this.told = told;
    this.isUnredacted = isUnredacted;
    return this;
  }
}

/** Lines that are alike and go to some sink. */
class DeliveredKind implements Standing {
  readonly answer: QuietAnswer;
  /** Whether only those are taken of which nothing has to be redacted. */
  readonly isSearched: boolean;
  readonly form: string;

  constructor(answer: QuietAnswer, isSearched: boolean) {
    this.answer = answer;
    this.isSearched = isSearched;
    this.form = `${isSearched ? "searched" : "delivered"} ${answer.form}`;
  }

  get stands(): boolean {
    return this.answer.stands;
  }
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

/** What lines are known for. */
export interface KnownLinesOptions {
  readonly feeds: readonly SinkFeed[];
  readonly redactor: Redactor;
  /** Whether detections ask about each line that is delivered. */
  readonly hasDetections: boolean;
}

/**
 * Knows lines again that are like one before: control loops repeat themselves. A line like one that was dropped is taken as a whole without being
 * scanned, byte by byte, by what was proven of the one before, as `Filter` does with `verify`. Of one like a line that was delivered the
 * head is compared, which tells what the detections want of it, and the rest is searched for what has to be redacted: that is right if it is
 * an event that `isHeadFirst`.
 */
export class KnownLines {
  readonly #feeds: readonly SinkFeed[];
  readonly #heads: Redactor["heads"];
  readonly #templates = new LineTemplates<object, QuietAnswer | DeliveredKind>(() => {}, { isExact: true });
  #kinds: (DroppedKind | DeliveredKind | undefined)[] = [];
  readonly #like = new LikeDelivered();
  readonly #searched = new WeakMap<QuietAnswer, DeliveredKind>();
  readonly #unsearched = new WeakMap<QuietAnswer, DeliveredKind>();
  /** In the place of a policy: which part of a path is a name. */
  readonly #paths = new StreamPolicy({ policy: { rules: [] }, keep: [], conditions: [] });
  readonly #fields = new WeakMap<readonly Field[], readonly Field[]>();
  #epoch: number | undefined;
  #loads = 0;
  #owned = 0;

  private constructor({ feeds, redactor }: KnownLinesOptions) {
    this.#feeds = feeds;
    this.#heads = redactor.heads;
  }

  /** None where that would save nothing: some sink gets all, and no detection asks about it. */
  static of(options: KnownLinesOptions): KnownLines | undefined {
    const { feeds, hasDetections } = options;
    const isDropping = feeds.every(
      ({ feed, policy }) => feed === "findings" || (feed === "kept" && policy !== undefined),
    );
    return feeds.length > 0 && (isDropping || hasDetections) ? new KnownLines(options) : undefined;
  }

  /** Begins with the whole lines of `bytes[start, end)`, as many as there is room for. Gives where they end: `start` for none. */
  load(bytes: Buffer, start: number, end: number): number {
    if (this.#owned > FEW_OWNED && LOADS_OWNED * this.#owned > this.#loads) {
      return start;
    }
    this.#loads++;
    this.#heads?.prepare();
    const to = this.#templates.load(bytes, start, end);
    if (this.#templates.owned !== this.#owned) {
      this.#owned = this.#templates.owned;
      this.#kinds = [];
    }
    return to;
  }

  /** What is known of the next line, which ends before `behind`; it holds until the one behind it. `epoch` grows whenever an answer of the detections has ended. */
  take(behind: number, epoch: number | undefined): DroppedKind | LikeDelivered | undefined {
    const templates = this.#templates;
    if (epoch !== this.#epoch) {
      this.#epoch = epoch;
      templates.sync();
    }
    const number = templates.takeOne(behind);
    if (number === 0) {
      const { standing } = templates;
      return standing instanceof DeliveredKind ? this.#like.set(standing, undefined, false) : undefined;
    }
    const kind = this.#kinds[number];
    return kind instanceof DeliveredKind
      ? this.#like.set(kind, templates.teller && templates.told, kind.isSearched)
      : kind;
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
  learnDropped(
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

  /** The next ones like the line that was not known, which `scan` holds and which goes to some sink, are of a kind; nothing rests on what is `unasked`. */
  learnDelivered(scan: EventScan, answer: QuietAnswer, unasked: readonly Span[]): void {
    const kept = this.#heads?.about(scan);
    const isSearched = kept !== undefined;
    const by = withHead(this.#paths.decidedBy(scan), scan, answer, unasked);
    const standing = this.#deliveredKind(answer, isSearched);
    // The scan gives the rest of what is asked for.
    const isTold = typeof answer.tells === "string";
    const taken = { isKept: false, isSearched, standing, isTold, isHeadOnly: true };
    const number = this.#templates.learn(scan, TAKEN, taken, isSearched ? withKept(by, kept) : by);
    if (number > 0) {
      this.#kinds[number] = standing;
    }
  }

  #deliveredKind(answer: QuietAnswer, isSearched: boolean): DeliveredKind {
    const kinds = isSearched ? this.#searched : this.#unsearched;
    const kind = kinds.get(answer) ?? new DeliveredKind(answer, isSearched);
    kinds.set(answer, kind);
    return kind;
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
