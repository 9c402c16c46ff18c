import { getCompileCacheDir } from "node:module";
import { Worker } from "node:worker_threads";
import type { Answer, Asked, DetectionTexts } from "./judge-desk.ts";
import type { JudgeSetup } from "./judge-worker.ts";

interface Waiting {
  readonly answer: (answer: Answer) => void;
  readonly fail: (error: unknown) => void;
}

/**
 * A thread that detections run in, while the one that has it reads and counts. It loads them by itself, so it is best started before
 * anything else is done. To be closed; until it is asked it keeps no process alive.
 *
 * @example
 * const thread = new JudgeThread();
 * const texts = [{ file: "nodes.yml", text }];
 * thread.load({ texts, exceptions: [], now: Date.now() });
 * const detections = loadDetectionFiles(texts).detections;
 * const replayed = await replayLogs({ logs, detections, redactor: createRedactor({ key }), thread: { judges: thread, redactionKey: key } });
 * await thread.close();
 */
export class JudgeThread {
  readonly #worker: Worker;
  #waiting: Waiting[] = [];
  #failure: unknown;

  constructor() {
    const setup: JudgeSetup = { compileCache: getCompileCacheDir() };
    this.#worker = new Worker(workerFile(), { workerData: setup });
    this.#worker.unref();
    this.#worker.on("message", (answer: Answer) => this.#waiting.shift()?.answer(answer));
    this.#worker.on("error", (error) => this.#fail(error));
    this.#worker.on("exit", () =>
      this.#fail(new Error("Cannot judge the events: the thread of the detections has ended")),
    );
  }

  /** Has it load detections; to be called once, before it is asked. */
  load(texts: DetectionTexts): void {
    this.#worker.postMessage({ kind: "load", texts } satisfies Asked, []);
  }

  /** Answers come in the order of the questions. */
  ask(asked: Asked, waiting: Waiting): void {
    if (this.#failure !== undefined) {
      waiting.fail(this.#failure);
      return;
    }
    this.#worker.ref();
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

function workerFile(): URL {
  return new URL(import.meta.url.endsWith(".ts") ? "./judge-worker.ts" : "./judge-worker.js", import.meta.url);
}
