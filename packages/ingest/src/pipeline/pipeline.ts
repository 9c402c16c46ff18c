import { setTimeout as delay } from "node:timers/promises";
import type { EventLines } from "@auditsieve/audit";
import { AckWindow } from "../lines/ack-window.ts";
import { NO_DOCUMENTS } from "../state/detection-state.ts";
import type { Mark } from "../state/detection-state.ts";
import type { IngestError } from "../errors.ts";
import { STATE_REFUSED } from "./line-findings.ts";
import { LineHandler } from "./line-handler.ts";
import { LogClock } from "./log-clock.ts";
import { Outlet } from "./outlet.ts";
import type { SinkFeed } from "./outlet.ts";
import { DEFAULT_LIMITS, LOOK_BACK_BYTES, MAX_OPEN_BYTES, SENT_STATE_FACTOR } from "./pipeline-limits.ts";
import type { PipelineLimits } from "./pipeline-limits.ts";
import type { PipelineOptions } from "./pipeline-options.ts";
import { PipelineState } from "../lines/pipeline-state.ts";
import { DEFAULT_BACKOFF } from "../backoff.ts";
import type { Backoff } from "../backoff.ts";
import { ReceiptCuts } from "./receipt-cuts.ts";
import { StateMarks } from "./state-marks.ts";
import { lineColumns } from "../lines/tally.ts";
import type { PipelineTally } from "../lines/tally.ts";
import { untilDone } from "./until-done.ts";

/**
 * Leads the lines of one source to its sinks: frame, scan, decide per sink, detect, strip, redact, batch, write, ack.
 *
 * Contract: a position of the source is acknowledged when every line before it is, at every sink, stored, dropped by a
 * rule or in the dead letter: at least once, and exactly once where a sink knows an id again. The source is not read
 * further while too much is under way or unacknowledged; so what an earlier run may have delivered without acknowledging is
 * bounded, and only that is marked for sinks to look up. `run` ends when the source does or `signal` aborts, after draining within the
 * bound; what is then still unacknowledged comes again at the next start, and `tally` counts it.
 *
 * @example
 * const pipeline = new Pipeline({ source, feeds: [{ sink, feed: "all" }], sideLogs, cluster: "prod", idKey, redactor });
 * await pipeline.run(signal);
 * const { lines, unacknowledged } = pipeline.tally();
 */
export class Pipeline {
  readonly #options: PipelineOptions;
  readonly #limits: PipelineLimits;
  readonly #backoff: Backoff;
  readonly #window: AckWindow;
  readonly #state: PipelineState;
  readonly #outlets: readonly Outlet[];
  readonly #handler: LineHandler;
  readonly #cuts: ReceiptCuts;
  readonly #clock: LogClock;
  /** Ends the tries of sinks and checkpoint after the drain. */
  readonly #end = new AbortController();
  #inFlightBytes = 0;
  #settledAt = performance.now();
  #ackedBytes = 0;
  #ackedLines = 0;
  #hurry: AbortController | undefined;
  #acking: Promise<void> | undefined;
  #isDraining = false;
  #isSettling = false;
  #progress: PromiseWithResolvers<void> | undefined;
  #hasEnded = false;
  readonly #marks: StateMarks | undefined;
  readonly #lineColumn: number;

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.#window = new AckWindow({ isMarked: options.detectionState !== undefined });
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#backoff = options.backoff ?? DEFAULT_BACKOFF;
    this.#state = new PipelineState(options.source.name, options.state);
    this.#lineColumn = lineColumns(this.#state.ledger).lines;
    this.#outlets = options.feeds.map((to) => this.#outlet(to));
    this.#handler = new LineHandler({
      ...options,
      source: options.source.name,
      outlets: this.#outlets.map((outlet) => ({
        to: outlet.to,
        counter: outlet.counter,
        prepares: outlet.prepares,
        add: (delivery, scan) => {
          this.#settledAt = this.#inFlightBytes === 0 ? performance.now() : this.#settledAt;
          this.#inFlightBytes += outlet.add(delivery, scan);
        },
      })),
      window: this.#window,
      ledger: this.#state.ledger,
      cutAfter: (input, offset) => this.#state.cutAfter(input, offset),
      countedUntil: (input, sink, offset) => this.#state.countedUntil(input, sink, offset),
      onCounted: (range) => this.#state.note(range),
      maxLineBytes: this.#limits.maxLineBytes,
      lookBackBytes: this.#isFirstRun ? 0 : LOOK_BACK_BYTES + this.#limits.maxLineBytes,
      remembered: () => options.detectionState?.take(),
      skipsRemembered: options.source.isApart === true,
      states: options.detectionState && options.source.states,
      quarantine: (line, settled, keep) => {
        const attempt = async (): Promise<void> => {
          await keep?.();
          await options.sideLogs.quarantine([line]);
        };
        void this.#untilDone("write the quarantine", attempt).then((isDone) => {
          if (isDone) {
            settled();
            this.#moved();
          }
        });
      },
    });
    const { now, onAlarm } = options;
    this.#clock = new LogClock({ handler: this.#handler, now, onAlarm, isFull: () => this.#isFull() });
    this.#cuts = new ReceiptCuts({
      handler: this.#handler,
      state: this.#state,
      source: options.source,
      idleMs: this.#limits.idleMs,
      save: (attempt) => this.#untilDone("write the checkpoint", attempt),
    });
    this.#marks =
      options.detectionState &&
      new StateMarks({
        handler: this.#handler,
        window: this.#window,
        // Each is sent through brokers, and comes to whoever reads next.
        leastMs: this.#limits.ackIntervalMs * (options.source.states === undefined ? 1 : SENT_STATE_FACTOR),
        isApart: options.source.isApart === true,
        onMarked: () => this.#moved(),
        onTooLarge: () => this.#refused("it is too large now"),
      });
  }

  #refused(reason: string | undefined): void {
    if (reason !== undefined) {
      this.#options.onAlarm?.({ kind: "state-refused", message: `${STATE_REFUSED}${reason}` });
    }
  }

  async run(signal: AbortSignal): Promise<void> {
    const watch = setInterval(() => {
      this.#cuts.look(this.#clock.readAt, this.#isFull());
      this.#clock.watchSilence();
      if (this.#clock.tell()) {
        this.#marks?.moved();
        this.#moved();
      }
    }, 1000);
    const { detectionState, watched } = this.#options;
    [detectionState?.problem, ...(watched?.problems ?? [])].forEach((problem) => this.#refused(problem));
    try {
      if (await this.#begin(signal)) {
        await this.#read(signal);
        this.#hasEnded = !signal.aborted;
        if (this.#hasEnded) {
          this.#cuts.sourceEnded();
        }
      }
    } finally {
      clearInterval(watch);
      await this.#drain(signal);
    }
  }

  /** Before anything can be delivered: whoever starts after a crash must look back, and know that there was none before. */
  async #begin(signal: AbortSignal): Promise<boolean> {
    if (this.#isFirstRun) {
      return this.#untilDone("write the checkpoint", () => this.#state.begin(), signal);
    }
    // A disk that is full at the start must not stop later runs: their next checkpoint says the same.
    await this.#state.begin().catch(() => undefined);
    return true;
  }

  get #isFirstRun(): boolean {
    return this.#options.readsAlone === true && this.#state.isNew;
  }

  tally(): PipelineTally {
    const counts = this.#handler.counts();
    return {
      source: this.#options.source.name,
      ...counts,
      unacknowledged: counts.lines - this.#ackedLines,
      acknowledged: this.#state.ledger.totals(),
      sinks: this.#outlets.map((outlet) => outlet.counter.tally(counts.lines)),
    };
  }

  /** How far behind the pipeline is, by the log's own time and by what waits for sinks. */
  delays(): { readonly lagSeconds: number | undefined; readonly stalledSeconds: number } {
    return {
      lagSeconds: this.#clock.lagSeconds,
      stalledSeconds: this.#inFlightBytes === 0 ? 0 : (performance.now() - this.#settledAt) / 1000,
    };
  }

  async #read(signal: AbortSignal): Promise<void> {
    // Chunks of several inputs may alternate, in the middle of a line too.
    const inputs = new Map<string, EventLines>();
    let input: string | undefined;
    for await (const chunk of this.#options.source.open(signal, (limit) => this.#settle(limit))) {
      const log = inputs.get(chunk.input) ?? this.#handler.read(chunk.input, chunk.offset);
      if (chunk.input !== input) {
        input = chunk.input;
        inputs.set(input, log);
        this.#handler.begin(input, chunk.offset);
      }
      log.write(chunk.bytes);
      this.#window.endChunk();
      this.#clock.read();
      this.#handler.noteNewest();
      if (chunk.isLast) {
        log.end();
        this.#handler.finish();
        inputs.delete(chunk.input);
        input = undefined;
      }
      this.#marks?.moved();
      this.#moved();
      while (this.#isFull() && !signal.aborted) {
        this.#hurry?.abort();
        await this.#nextProgress(signal);
      }
    }
  }

  #isFull(): boolean {
    return (
      this.#inFlightBytes > this.#limits.maxInFlightBytes || this.#handler.bytes - this.#ackedBytes > MAX_OPEN_BYTES
    );
  }

  /** What comes next may be read by another process: all that was read here is delivered and acknowledged, unless that takes too long. */
  async #settle(limit: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([limit, this.#end.signal]);
    const isLate = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    this.#isSettling = true;
    this.#hurry?.abort();
    await this.#deliver(() => this.#inFlightBytes > 0, signal);
    this.#marks?.mark();
    this.#moved();
    while (this.#acking !== undefined && !signal.aborted) {
      await Promise.race([this.#acking, isLate]);
    }
    this.#isSettling = false;
  }

  /** Nothing waits for a full batch until nothing is open. */
  async #deliver(isOpen: () => boolean, signal: AbortSignal): Promise<void> {
    while (isOpen() && !signal.aborted) {
      this.#outlets.forEach((outlet) => outlet.flush());
      await this.#nextProgress(signal);
    }
  }

  /** After an abort within the bound; after the end of the source as long as it takes. */
  async #drain(signal: AbortSignal): Promise<void> {
    this.#isDraining = true;
    this.#hurry?.abort();
    this.#marks?.stop();
    if (this.#hasEnded || this.#options.detectionState === undefined) {
      this.#handler.end();
    }
    let timer: NodeJS.Timeout | undefined;
    const startTimer = (): void => {
      timer ??= setTimeout(() => this.#end.abort(), this.#limits.drainMs);
    };
    signal.addEventListener("abort", startTimer);
    if (signal.aborted) {
      startTimer();
    }
    try {
      const isCut = await this.#cuts.cut();
      await this.#deliver(() => (isCut ? this.#window.open : this.#inFlightBytes) > 0, this.#end.signal);
      this.#marks?.mark();
      this.#moved();
      while (this.#acking !== undefined) {
        await this.#acking;
      }
      if (isCut && this.#window.open === 0) {
        await this.#untilDone("write the checkpoint", () => this.#state.end());
      }
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", startTimer);
      this.#end.abort();
    }
  }

  #outlet(to: SinkFeed): Outlet {
    const { source, sideLogs, onFailure, redactor } = this.#options;
    return new Outlet({
      source: source.name,
      to,
      ledger: this.#state.ledger,
      limits: this.#limits,
      backoff: this.#backoff,
      signal: this.#end.signal,
      isDeadLettered: (id) => sideLogs.isDeadLettered?.(to.sink.name, id) === true,
      deadLetter: (letters) =>
        sideLogs.deadLetter(
          letters.map((letter) =>
            letter.detail === undefined ? letter : { ...letter, detail: redactor.redactText(letter.detail) },
          ),
        ),
      onFailure: (error) => onFailure?.(error),
      onSettled: (settled) => {
        this.#settledAt = performance.now();
        for (const { held, weight } of settled) {
          this.#inFlightBytes -= weight;
          this.#window.settle(held);
        }
        this.#moved();
      },
    });
  }

  /** Something was settled or covered: acknowledge what is ready, one write of the checkpoint at a time. */
  #moved(): void {
    this.#progress?.resolve();
    this.#acking ??= this.#acknowledge().finally(() => {
      this.#acking = undefined;
      // Something may have become ready after the last look.
      if (this.#window.hasReady && !this.#end.signal.aborted) {
        this.#moved();
      }
    });
  }

  async #acknowledge(): Promise<void> {
    for (let ready = this.#window.take(); ready !== undefined; ready = this.#window.take()) {
      const { input, offset, total, mark, counts } = ready;
      const { detectionState, watched } = this.#options;
      const remember = async (): Promise<void> => {
        await this.#keep(mark ?? "");
        await watched?.write(total);
      };
      if (mark !== undefined && !(await this.#untilDone("write what the detections remember", remember))) {
        break;
      }
      this.#state.pass(ready, detectionState?.reference, watched?.reference);
      if (await this.#untilDone("write the checkpoint", () => this.#options.source.ack(input, offset))) {
        this.#ackedBytes = total;
        this.#ackedLines += counts[this.#lineColumn] ?? 0;
        this.#progress?.resolve();
      }
      if (!this.#isDraining && !this.#isSettling && !this.#isFull()) {
        this.#hurry = new AbortController();
        const either = AbortSignal.any([this.#end.signal, this.#hurry.signal]);
        await delay(this.#limits.ackIntervalMs, undefined, { signal: either }).catch(() => undefined);
        this.#hurry = undefined;
      }
    }
  }

  /** Findings in it are delivered: after this the position behind it may be acknowledged. */
  async #keep(mark: Mark): Promise<void> {
    const { detectionState, source } = this.#options;
    if (mark === "") {
      await detectionState?.write(mark);
    } else if ("documents" in mark) {
      await detectionState?.write(mark.state, mark.documents);
      mark.documents = NO_DOCUMENTS;
    } else {
      await source.states?.write(mark.inputs);
      await detectionState?.write(mark.shared);
    }
  }

  async #untilDone(doing: string, attempt: () => Promise<void>, signal = this.#end.signal): Promise<boolean> {
    const onFailure = (error: IngestError): void => this.#options.onFailure?.(error);
    const options = { doing, code: "checkpoint-write", backoff: this.#backoff, signal, onFailure } as const;
    return (await untilDone(options, () => attempt().then(() => true))) === true;
  }

  async #nextProgress(signal: AbortSignal): Promise<void> {
    const progress = (this.#progress ??= Promise.withResolvers());
    const done = (): void => progress.resolve();
    signal.addEventListener("abort", done);
    await progress.promise;
    signal.removeEventListener("abort", done);
    this.#progress = this.#progress === progress ? undefined : this.#progress;
  }
}
