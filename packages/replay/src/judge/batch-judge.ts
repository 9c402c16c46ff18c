import { findingOfJson } from "@auditsieve/detect";
import type { Detection, Finding, FindingStreamCounts } from "@auditsieve/detect";
import { AuditIdWatch } from "@auditsieve/ingest/findings";
import type { JudgeSnapshot } from "./finding-judge.ts";
import { LineMemory } from "../lines/line-memory.ts";
import type { LogLine } from "../lines/log-line.ts";
import type { ReplayedEvent } from "../replayed-event.ts";
import type { Answer, Asked } from "./judge-desk.ts";
import type { JudgeThread } from "./judge-thread.ts";
import { LineBatch, WORD_BYTES } from "./line-batch.ts";
import type { RunJudge } from "./run-judge.ts";

/** Bytes of lines that may wait to be judged: in one stretch of a log the detections take longer than reading does, in another one less. */
const MOST_BYTES = 96 * 1024 * 1024;
/** And where much is found in them, which may be ten times as much as they are. */
const MOST_BYTES_OF_MANY = 4 * 1024 * 1024;
/** In a batch; so many are taken before more is waited for. */
const MANY_FINDINGS = 256;

/** Hands events over to a thread in batches, and gives the findings as they come back. */
export class BatchJudge implements RunJudge {
  readonly #thread: Pick<JudgeThread, "ask">;
  readonly #auditIds: AuditIdWatch | undefined;
  readonly #redactionKey: Uint8Array;
  readonly #memory = new LineMemory({ isShared: true });
  readonly #freeWords: SharedArrayBuffer[] = [];
  #batch: LineBatch | undefined;
  #isBegun = false;
  /** Bytes that were handed over and are not judged. */
  #outstanding = 0;
  /** Bytes that may be, as the last answer has it. */
  #most = MOST_BYTES;
  #ready: Finding[] = [];
  #counts: FindingStreamCounts | undefined;
  #failure: { readonly error: unknown } | undefined;
  #woken: (() => void) | undefined;

  /**
   * `detections` are those that the thread has loaded. It judges one run at a time. Audit-IDs are watched here where there is time for
   * it: `isBusy` says that there is none.
   */
  constructor(
    thread: Pick<JudgeThread, "ask">,
    detections: readonly Detection[],
    { redactionKey, isBusy }: { readonly redactionKey: Uint8Array; readonly isBusy: boolean },
  ) {
    this.#thread = thread;
    this.#auditIds = isBusy ? undefined : AuditIdWatch.of(detections);
    this.#redactionKey = redactionKey;
  }

  event(event: ReplayedEvent, line: LogLine): readonly Finding[] {
    if (this.#failure !== undefined) {
      throw this.#failure.error;
    }
    const batch = (this.#batch ??= new LineBatch(this.#freeWords.pop() ?? new SharedArrayBuffer(WORD_BYTES)));
    const isUsedAgain = this.#auditIds?.isUsedAgain(event.scan) ?? false;
    batch.add(event.scan, line, { head: event.head?.number ?? 0, isUsedAgain }, this.#memory);
    if (batch.isFull) {
      this.#handOver();
    }
    return this.#ready.length === 0 ? NONE : this.#takeReady();
  }

  get isFull(): boolean {
    return this.#outstanding >= this.#most;
  }

  async room(): Promise<void> {
    while (this.isFull && this.#ready.length < MANY_FINDINGS && this.#failure === undefined) {
      await this.#answered();
    }
  }

  async settle(take: (findings: readonly Finding[]) => void): Promise<void> {
    this.#handOver();
    while (this.#outstanding > 0 && this.#failure === undefined) {
      await this.#answered();
      take(this.#takeReady());
    }
    if (this.#failure !== undefined) {
      throw this.#failure.error;
    }
    take(this.#takeReady());
  }

  async finish(take: (findings: readonly Finding[]) => void): Promise<void> {
    await this.settle(take);
    while (this.#counts === undefined) {
      const { findings, counts } = await this.#ask({ kind: "finish" });
      take(findings.map(findingOfJson));
      this.#counts = counts;
    }
  }

  counts(): FindingStreamCounts {
    if (this.#counts === undefined) {
      throw new Error("What was judged is counted when it is finished");
    }
    return this.#counts;
  }

  async snapshot(): Promise<JudgeSnapshot> {
    const snapshot = (await this.#ask({ kind: "snapshot" })).snapshot as JudgeSnapshot;
    const watch = this.#auditIds;
    return watch === undefined ? snapshot : { ...snapshot, auditIds: watch.withSeen(snapshot.auditIds) };
  }

  restore(snapshot: JudgeSnapshot): void {
    this.#auditIds?.restore(snapshot.auditIds);
    this.#begin(snapshot);
  }

  #begin(snapshot: JudgeSnapshot | undefined): void {
    this.#isBegun = true;
    const areAuditIdsSeen = this.#auditIds !== undefined;
    const asked: Asked = { kind: "begin", redactionKey: this.#redactionKey, areAuditIdsSeen, snapshot };
    this.#thread.ask(asked, { answer: () => {}, fail: (error) => this.#fail(error) });
  }

  #handOver(): void {
    const batch = this.#batch;
    if (batch === undefined) {
      return;
    }
    if (!this.#isBegun) {
      this.#begin(undefined);
    }
    this.#batch = undefined;
    this.#outstanding += batch.bytes;
    this.#thread.ask(
      { kind: "lines", lines: batch.share() },
      {
        answer: ({ findings }) => {
          batch.release();
          this.#freeWords.push(batch.words);
          this.#outstanding -= batch.bytes;
          this.#most = findings.length < MANY_FINDINGS ? MOST_BYTES : MOST_BYTES_OF_MANY;
          this.#ready.push(...findings.map(findingOfJson));
          this.#wake();
        },
        fail: (error) => this.#fail(error),
      },
    );
  }

  #ask(asked: Asked): Promise<Answer> {
    if (!this.#isBegun) {
      this.#begin(undefined);
    }
    return new Promise((answer, fail) => this.#thread.ask(asked, { answer, fail }));
  }

  /** The next answer, or the failure. */
  #answered(): Promise<void> {
    return new Promise((resolve) => (this.#woken = resolve));
  }

  #takeReady(): readonly Finding[] {
    const ready = this.#ready;
    this.#ready = [];
    return ready;
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake();
  }

  #wake(): void {
    const woken = this.#woken;
    this.#woken = undefined;
    woken?.();
  }
}

const NONE: readonly Finding[] = [];
