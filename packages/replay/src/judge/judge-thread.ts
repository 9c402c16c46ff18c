import type { Detection, Finding, FindingStreamCounts } from "@auditsieve/detect";
import { AuditIdWatch } from "@auditsieve/ingest/findings";
import { getCompileCacheDir } from "node:module";
import { Worker } from "node:worker_threads";
import type { JudgeSnapshot } from "../finding-judge.ts";
import { LineMemory } from "../line-memory.ts";
import type { LogLine } from "../log-line.ts";
import type { ReplayedEvent } from "../replayed-event.ts";
import type { Answer, Asked, DetectionTexts } from "./judge-desk.ts";
import type { JudgeSetup } from "./judge-worker.ts";
import { LineBatch, WORD_BYTES } from "./line-batch.ts";
import type { RunJudge } from "./run-judge.ts";

/** Bytes of lines that may wait to be judged; reading goes on when half of them are. */
const MOST_BYTES = 24 * 1024 * 1024;

interface Waiting {
  readonly answer: (answer: Answer) => void;
  readonly fail: (error: unknown) => void;
}

/**
 * A thread that detections run in, while the one that has it reads and counts. It loads the detections by itself, so it is best
 * started before anything else is done. To be closed; until it is used it keeps no process alive.
 *
 * @example
 * const texts = [{ file: "nodes.yml", text }];
 * const thread = new JudgeThread({ texts, exceptions: [], now: Date.now() });
 * const detections = loadDetectionFiles(texts).detections;
 * const replayed = await replayLogs({ logs, detections, redactor: createRedactor({ key }), thread: { judges: thread, redactionKey: key } });
 * await thread.close();
 */
export class JudgeThread {
  readonly #worker: Worker;
  #waiting: Waiting[] = [];
  #failure: unknown;

  constructor(texts: DetectionTexts) {
    const setup: JudgeSetup = { ...texts, compileCache: getCompileCacheDir() };
    this.#worker = new Worker(workerFile(), { workerData: setup });
    this.#worker.unref();
    this.#worker.on("message", (answer: Answer) => this.#waiting.shift()?.answer(answer));
    this.#worker.on("error", (error) => this.#fail(error));
    this.#worker.on("exit", () =>
      this.#fail(new Error("Cannot judge the events: the thread of the detections has ended")),
    );
  }

  /** A judge for a run with these detections, which the thread has loaded; there is one at a time. */
  begin(detections: readonly Detection[], redactionKey: Uint8Array): RunJudge {
    this.#worker.ref();
    return new ThreadJudge(this, AuditIdWatch.of(detections), redactionKey);
  }

  /** Answers come in the order of the questions. */
  ask(asked: Asked, waiting: Waiting): void {
    if (this.#failure !== undefined) {
      waiting.fail(this.#failure);
      return;
    }
    this.#waiting.push(waiting);
    this.#worker.postMessage(asked, []);
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    const waiting = this.#waiting;
    this.#waiting = [];
    waiting.forEach(({ fail }) => fail(this.#failure));
  }
}

/** Hands events over in batches, and gives the findings as they come back. Audit-IDs are watched here, where there is time. */
class ThreadJudge implements RunJudge {
  readonly #thread: JudgeThread;
  readonly #auditIds: AuditIdWatch | undefined;
  readonly #redactionKey: Uint8Array;
  readonly #memory = new LineMemory({ isShared: true });
  readonly #freeWords: SharedArrayBuffer[] = [];
  #batch: LineBatch | undefined;
  #isBegun = false;
  /** Bytes that were handed over and are not judged. */
  #outstanding = 0;
  #ready: Finding[] = [];
  #counts: FindingStreamCounts | undefined;
  #failure: { readonly error: unknown } | undefined;
  #roomed: (() => void) | undefined;

  constructor(thread: JudgeThread, auditIds: AuditIdWatch | undefined, redactionKey: Uint8Array) {
    this.#thread = thread;
    this.#auditIds = auditIds;
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
    return this.#outstanding >= MOST_BYTES;
  }

  async room(): Promise<void> {
    while (this.#outstanding > MOST_BYTES / 2 && this.#failure === undefined) {
      await new Promise<void>((resolve) => (this.#roomed = resolve));
    }
  }

  async settle(): Promise<readonly Finding[]> {
    this.#handOver();
    while (this.#outstanding > 0 && this.#failure === undefined) {
      await new Promise<void>((resolve) => (this.#roomed = resolve));
    }
    if (this.#failure !== undefined) {
      throw this.#failure.error;
    }
    return this.#takeReady();
  }

  async finish(): Promise<readonly Finding[]> {
    const before = await this.settle();
    const { findings, counts } = await this.#ask({ kind: "finish" });
    this.#counts = counts;
    return [...before, ...findings];
  }

  counts(): FindingStreamCounts {
    if (this.#counts === undefined) {
      throw new Error("What was judged is counted when it is finished");
    }
    return this.#counts;
  }

  async snapshot(): Promise<JudgeSnapshot> {
    const snapshot = (await this.#ask({ kind: "snapshot" })).snapshot as JudgeSnapshot;
    return { ...snapshot, auditIds: this.#auditIds?.withSeen(snapshot.auditIds) };
  }

  restore(snapshot: JudgeSnapshot): void {
    this.#auditIds?.restore(snapshot.auditIds);
    this.#begin(snapshot);
  }

  #begin(snapshot: JudgeSnapshot | undefined): void {
    this.#isBegun = true;
    const asked: Asked = { kind: "begin", redactionKey: this.#redactionKey, snapshot };
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
          this.#ready.push(...findings);
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
    const roomed = this.#roomed;
    this.#roomed = undefined;
    roomed?.();
  }
}

const NONE: readonly Finding[] = [];

function workerFile(): URL {
  return new URL(import.meta.url.endsWith(".ts") ? "./judge-worker.ts" : "./judge-worker.js", import.meta.url);
}
