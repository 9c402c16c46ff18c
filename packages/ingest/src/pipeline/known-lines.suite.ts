import { createRedactor } from "@auditsieve/audit";
import type { EventLines } from "@auditsieve/audit";
import { StreamPolicy } from "@auditsieve/policy";
import type { StreamRules } from "@auditsieve/policy";
import { shippedEngine } from "../filter/filter-findings.suite.ts";
import { firstDifference } from "../filter/filter-fuzz.suite.ts";
import type { Dice } from "../filter/line-mutator.suite.ts";
import { Ledger } from "../lines/tally-ledger.ts";
import { SinkCounter } from "../lines/tally.ts";
import { AckWindow } from "../lines/ack-window.ts";
import type { Held } from "../lines/ack-window.ts";
import { LineHandler } from "./line-handler.ts";
import type { Feed, ForDelivery } from "./outlet.ts";

/** What a handler is made with, and where receipts of an earlier run have ended. */
export interface DropSetup {
  readonly feeds: readonly { readonly feed: Feed; readonly rules?: StreamRules }[];
  readonly hasDetections: boolean;
  readonly hasReceipts: boolean;
  readonly cuts: readonly number[];
  readonly countedUntil: number;
  /** Whether the templates are another pipeline's after each chunk. */
  readonly hasRival: boolean;
}

/** Some sinks that do not get all, but for one now and then. */
export function dropSetup(policies: readonly StreamRules[], dice: Dice, bytes: number): DropSetup {
  const count = 1 + dice.below(3);
  const some: DropSetup["feeds"] = Array.from({ length: count }, () =>
    dice.below(4) === 0 ? { feed: "findings" } : { feed: "kept", rules: dice.of(policies) },
  );
  const setup = {
    hasDetections: dice.below(3) > 0,
    hasReceipts: dice.below(6) > 0,
    cuts: Array.from({ length: dice.below(3) }, () => dice.below(bytes)),
    countedUntil: dice.below(3) === 0 ? dice.below(bytes) : 0,
    hasRival: dice.below(4) === 0,
  };
  return { ...setup, feeds: dice.below(4) === 0 ? [{ feed: "all" }, ...some.slice(1)] : some };
}

/** The same lines with other times, and some under the auditID of another one. */
export function retimed(lines: readonly Buffer[], dice: Dice): Buffer[] {
  let seconds = 0;
  let auditID = "";
  return lines.map((line) => {
    seconds += dice.of([0, 0, 1, 5, 40, -30]);
    const time = new Date(Date.UTC(2026, 10, 24, 10, 0, seconds)).toISOString().slice(0, 19);
    const text = line
      .toString("latin1")
      .replace(
        /("(?:requestReceivedTimestamp|stageTimestamp)":\s*")\d{4}-[\d:T-]{14}/g,
        (_, key: string) => key + time,
      );
    const [, own = ""] = /"auditID":\s*"([^"\\]*)"/.exec(text) ?? [];
    const other = dice.below(8) === 0 && auditID !== "" ? auditID : `${own.slice(0, -4)}${dice.below(9000)}`;
    auditID = own === "" ? auditID : other;
    return Buffer.from(own === "" ? text : text.replace(own, () => other), "latin1");
  });
}

/** The same lines, some of them in envelopes: records of AKS, EventLists on a line and over lines. */
export function enveloped(lines: readonly Buffer[], dice: Dice): Buffer[] {
  const log: Buffer[] = [];
  for (let at = 0; at < lines.length;) {
    const form = dice.below(20);
    const texts = lines.slice(at, at + (form < 2 ? 2 : 1)).map((line) => line.toString("latin1"));
    at += texts.length;
    const items = texts.join(form === 0 ? "," : ",\n  ");
    const line =
      form < 2
        ? `{"kind":"EventList",${form === 0 ? "" : "\n"}"items":[${items}]}`
        : form === 2
          ? JSON.stringify({ operationName: "x", properties: { log: texts[0] } })
          : texts.join("");
    log.push(Buffer.from(line, "latin1"));
  }
  return log;
}

/**
 * What is different where lines like dropped ones are passed over, and where of those like delivered ones it is known what the detections want of
 * them and that nothing is redacted: in what goes to which sink, in counts, receipts, alarms, positions, in what is remembered. With the share of
 * lines that were looked at, and that of those in which something was looked for that has to be redacted.
 */
export function dropDifferences(
  chunks: readonly Buffer[],
  setup: DropSetup,
): {
  readonly differences: readonly string[];
  readonly shown: number;
  readonly searched: number;
  readonly delivered: number;
} {
  const known = handled(chunks, setup, false);
  const plain = handled(chunks, setup, true);
  const differences = Object.keys(plain.told).flatMap((key) => {
    const [a = "", b = ""] = [known.told[key], plain.told[key]];
    return a === b ? [] : [`${key}: ${firstDifference(Buffer.from(a), Buffer.from(b))}`];
  });
  return {
    differences,
    shown: known.looked / Math.max(1, plain.looked),
    searched: known.searched / Math.max(1, plain.searched),
    delivered: plain.delivered,
  };
}

interface Handled {
  readonly told: Readonly<Record<string, string>>;
  readonly looked: number;
  readonly searched: number;
  readonly delivered: number;
}

/** A handler with all that is told of what it does. */
class Run {
  readonly #window = new AckWindow();
  readonly #deliveries: string[] = [];
  readonly #alarms: string[] = [];
  readonly #held: Held[] = [];
  readonly #newest: string[] = [];
  readonly #counters: readonly SinkCounter[];
  readonly #handler: LineHandler;
  #looked = 0;
  #searched = 0;
  readonly #log: EventLines;

  constructor({ feeds, hasDetections, hasReceipts, cuts, countedUntil }: DropSetup, isPlain: boolean) {
    const ledger = new Ledger();
    const redactor = createRedactor({ key: Buffer.alloc(32, 1) });
    const outlets = feeds.map(({ feed, rules }, i) => ({
      to: {
        sink: { name: `sink-${i}`, write: () => Promise.resolve([]), close: () => Promise.resolve() },
        feed,
        ...(rules !== undefined && { policy: new StreamPolicy(rules) }),
      },
      counter: new SinkCounter(`sink-${i}`, ledger),
      prepares: i % 2 === 0,
      add: ({ delivery, held, ...rest }: ForDelivery) => {
        this.#held.push(held);
        const document = delivery.document.toString("latin1");
        this.#deliveries.push(JSON.stringify({ i, ...delivery, document, ...rest }));
      },
    }));
    this.#counters = outlets.map(({ counter }) => counter);
    this.#handler = new LineHandler({
      maxLineBytes: 1024 * 1024,
      source: "audit",
      cluster: "test",
      idKey: Buffer.alloc(32, 2),
      redactor: {
        ...redactor,
        redactScanned: (scan, line) => {
          this.#searched++;
          return redactor.redactScanned(scan, line);
        },
      },
      ledger,
      window: this.#window,
      outlets,
      receipts: hasReceipts,
      now: () => new Date(0),
      cutAfter: (_input, offset) => cuts.filter((cut) => cut > offset).reduce((a, b) => Math.min(a, b), Infinity),
      countedUntil: () => countedUntil,
      quarantine: (line, settled) => {
        this.#alarms.push(JSON.stringify(line));
        settled();
      },
      onAlarm: (alarm) => this.#alarms.push(JSON.stringify(alarm)),
      onLineAlarm: (alarm) => this.#alarms.push(JSON.stringify(alarm)),
      ...(hasDetections && { detections: shippedEngine() }),
      // Whoever wants to see every event gets each.
      ...(isPlain && { onEvent: () => {} }),
    });
    this.#handler.begin("audit.log", 0);
    this.#log = this.#handler.read("audit.log", 0);
    const take = this.#log.take.bind(this.#log);
    this.#log.take = (...line) => {
      this.#looked++;
      return take(...line);
    };
  }

  write(chunk: Buffer): void {
    this.#log.write(chunk);
    this.#window.endChunk();
    this.#handler.noteNewest();
    this.#newest.push(`${this.#handler.newest} ${this.#window.open}`);
  }

  end(): Handled {
    const handler = this.#handler;
    this.#log.end();
    const remembered = JSON.stringify(handler.encodeRemembered(), (_, value: unknown) =>
      value instanceof Map ? [...(value as Iterable<unknown>)] : value,
    );
    handler.end();
    handler.finish();
    const { open } = this.#window;
    this.#held.forEach((each) => this.#window.settle(each));
    return {
      told: {
        deliveries: this.#deliveries.join("\n"),
        alarms: this.#alarms.join("\n"),
        counts: JSON.stringify(handler.counts()),
        sinks: JSON.stringify(this.#counters.map((counter) => counter.tally(handler.counts().lines))),
        position: JSON.stringify({ ...this.#window.take(), open }),
        newest: JSON.stringify(this.#newest),
        remembered,
      },
      looked: this.#looked,
      searched: this.#searched,
      delivered: this.#deliveries.length,
    };
  }
}

function handled(chunks: readonly Buffer[], setup: DropSetup, isPlain: boolean): Handled {
  const run = new Run(setup, isPlain);
  const rival = setup.hasRival && !isPlain ? new Run(setup, false) : undefined;
  for (const chunk of chunks) {
    run.write(chunk);
    rival?.write(chunk);
  }
  return run.end();
}
