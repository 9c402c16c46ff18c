import { setTimeout as sleep } from "node:timers/promises";
import { reasonOf } from "../errors.ts";
import type { RotationStatus, Source, SourceChunk } from "../source.ts";
import { AckOrder } from "./ack-order.ts";
import { createFileTail } from "./file-tail.ts";
import type { FileTailOptions } from "./file-tail.ts";
import { activeLogs, isPattern } from "./log-patterns.ts";
import { unwrapped } from "./unwrapped.ts";

/** Options of {@link createFileTails}. */
export interface FileTailsOptions extends Omit<FileTailOptions, "path" | "inputName" | "readsRotated"> {
  /** Logs, and patterns of logs; files that a pattern finds later are followed from their beginning. */
  readonly paths: readonly string[];
  /** How often patterns are looked at again. Default 5 s. */
  readonly rescanIntervalMs?: number;
  /** Takes the envelopes of providers and EventLists off. Default: what is written is read as it is. */
  readonly takesEnvelopes?: boolean;
}

const DEFAULT_RESCAN_MS = 5_000;
const NEWLINE = 10;

/**
 * Follows several audit logs as one source, each as {@link createFileTail} does. Rotated and compressed files that a pattern
 * finds are no logs of their own: they belong to the log that they were rotated away from.
 *
 * @example
 * const source = createFileTails({ name: "audit", paths: ["/var/log/audit/*.log"], checkpoint });
 */
export function createFileTails(options: FileTailsOptions): Source {
  const [path, ...others] = options.paths;
  return path !== undefined && others.length === 0 && !isPattern(path)
    ? createTail(options, { ...options, path })
    : new FileTails(options);
}

function createTail({ takesEnvelopes, checkpoint }: FileTailsOptions, tail: FileTailOptions): Source {
  const source = createFileTail(tail);
  return takesEnvelopes === true ? unwrapped(source, checkpoint) : source;
}

interface Ready {
  readonly next: IteratorResult<SourceChunk, unknown>;
  readonly tail: Tail;
}

interface Tail {
  readonly source: Source;
  readonly chunks: AsyncIterator<SourceChunk>;
}

class FileTails implements Source {
  readonly name: string;
  readonly #options: FileTailsOptions;
  readonly #tails = new Map<string, Tail>();
  readonly #order = new AckOrder();
  readonly #ready: Ready[] = [];
  #failure: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(options: FileTailsOptions) {
    this.name = options.name;
    this.#options = options;
  }

  async *open(signal: AbortSignal): AsyncGenerator<SourceChunk, void> {
    const wake = (): void => this.#wake?.();
    const stop = new AbortController();
    const either = AbortSignal.any([signal, stop.signal]);
    either.addEventListener("abort", wake);
    await this.#scan(either, false);
    const rescanning = this.#rescan(either);
    try {
      while (!signal.aborted) {
        const ready = this.#ready.shift();
        if (this.#failure !== undefined) {
          throw this.#failure.error;
        }
        if (ready === undefined) {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
          continue;
        }
        if (ready.next.done === true) {
          continue;
        }
        const chunk = ready.next.value;
        const lines = chunk.isLast ? chunk.bytes.length : chunk.bytes.lastIndexOf(NEWLINE) + 1;
        if (lines > 0 || chunk.isLast) {
          this.#order.add(chunk.input, chunk.offset + lines);
        }
        yield chunk;
        this.#ask(ready.tail);
      }
    } finally {
      stop.abort();
      either.removeEventListener("abort", wake);
      await rescanning;
      await Promise.allSettled([...this.#tails.values()].map(async ({ chunks }) => chunks.return?.()));
    }
  }

  async ack(input: string, offset: number): Promise<void> {
    const acked = [...this.#order.take(input, offset)];
    await Promise.all(acked.map(async ([one, end]) => this.#tails.get(pathOf(one))?.source.ack(one, end)));
  }

  get hasCaughtUp(): boolean {
    return this.#ready.length === 0 && [...this.#tails.values()].every(({ source }) => source.hasCaughtUp === true);
  }

  rotation(): RotationStatus {
    const all = [...this.#tails.values()].flatMap(({ source }) => source.rotation?.() ?? []);
    const deadlines = all.flatMap(({ deadlineSeconds }) => deadlineSeconds ?? []);
    const sum = (of: (status: RotationStatus) => number): number => all.reduce((so, one) => so + of(one), 0);
    return {
      deadlineSeconds: deadlines.length === 0 ? undefined : Math.min(...deadlines),
      unreadFiles: sum(({ unreadFiles }) => unreadFiles),
      lostBytes: sum(({ lostBytes }) => lostBytes),
      lostFiles: sum(({ lostFiles }) => lostFiles),
    };
  }

  async close(): Promise<void> {
    await Promise.all([...this.#tails.values()].map(({ source }) => source.close()));
  }

  async #scan(signal: AbortSignal, isLater: boolean): Promise<void> {
    for (const path of await activeLogs(this.#options.paths)) {
      if (!this.#tails.has(path) && !signal.aborted) {
        const source = createTail(this.#options, {
          ...this.#options,
          name: `${this.name}/${path}`,
          path,
          inputName: path,
          // What was rotated between two looks is new as well.
          readsRotated: isLater,
        });
        const tail = { source, chunks: source.open(signal)[Symbol.asyncIterator]() };
        this.#tails.set(path, tail);
        this.#ask(tail);
      }
    }
  }

  async #rescan(signal: AbortSignal): Promise<void> {
    if (!this.#options.paths.some(isPattern)) {
      return;
    }
    while (!signal.aborted) {
      await sleep(this.#options.rescanIntervalMs ?? DEFAULT_RESCAN_MS, undefined, { signal }).catch(() => undefined);
      await this.#scan(signal, true).catch((error: unknown) =>
        this.#options.onAlarm?.({ kind: "unreadable", message: `Cannot look for logs: ${reasonOf(error)}` }),
      );
    }
  }

  #ask(tail: Tail): void {
    tail.chunks.next().then(
      (next) => {
        this.#ready.push({ next, tail });
        this.#wake?.();
      },
      (error: unknown) => {
        this.#failure = { error };
        this.#wake?.();
      },
    );
  }
}

function pathOf(input: string): string {
  return input.slice(0, input.lastIndexOf("@"));
}
