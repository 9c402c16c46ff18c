import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { startElasticsearch } from "../test/engines/elasticsearch.ts";

/** What a server does for documents, besides taking them. */
export interface ServerWork {
  /** CPU seconds. */
  readonly cpu: number;
  /** How often new documents were made searchable: each second, while it lasts. Every time leaves small segments behind. */
  readonly refreshes: number;
  /** Bytes of segments put together, of which some thirty of a size make one. */
  readonly merged: number;
}

/** Where documents are sent, by the daemon and by the loader. */
export interface Target {
  readonly url: string;
  /** Gives the namespace of a stream that is empty. */
  readonly reset: () => Promise<string>;
  /** Documents in it. */
  readonly count: () => Promise<number>;
  /** What the server has done so far, once it is done with what it does behind its answers; undefined where it does not say. */
  readonly work: () => Promise<ServerWork | undefined>;
  readonly stop: () => Promise<void>;
}

export interface HoleAnswer {
  readonly documents: number;
  readonly requests: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
  readonly oldestFinding: number;
}

/** What is read of the answer to `_nodes/stats`. */
interface NodeStats {
  readonly process: { readonly cpu: { readonly total_in_millis: number } };
  readonly indices: {
    readonly refresh: { readonly total: number };
    readonly merges: { readonly current: number; readonly total_size_in_bytes: number };
  };
}

const HOLE = join(dirname(fileURLToPath(import.meta.url)), "baselines/black-hole.ts");

/** A server that keeps nothing. */
export async function startBlackHole(
  options: readonly string[] = [],
): Promise<Target & { readonly ask: () => Promise<HoleAnswer> }> {
  const hole = spawn(process.execPath, [HOLE, ...options], { stdio: ["ignore", "pipe", "inherit"] });
  const answers = createInterface({ input: hole.stdout })[Symbol.asyncIterator]();
  const port = String((await answers.next()).value);
  const ask = async (): Promise<HoleAnswer> => {
    hole.kill("SIGUSR2");
    return JSON.parse(String((await answers.next()).value)) as HoleAnswer;
  };
  return {
    url: `http://127.0.0.1:${port}`,
    ask,
    reset: async () => {
      await ask();
      return "bench";
    },
    count: async () => (await ask()).documents,
    work: () => Promise.resolve(undefined),
    stop: () => {
      hole.kill("SIGKILL");
      return Promise.resolve();
    },
  };
}

export async function startServer(): Promise<Target> {
  const engine = await startElasticsearch();
  const ask = async (path: string, method: "GET" | "POST" | "DELETE" = "POST"): Promise<Record<string, unknown>> =>
    (await (await fetch(`${engine.url}${path}`, { method })).json()) as Record<string, unknown>;
  let run = 0;
  const stream = (): string => `logs-kubernetes.audit_logs-bench${run}`;
  return {
    url: engine.url,
    // A stream of its own each time: in the same one the daemon finds that all is there already, even after a rollover.
    reset: async () => {
      if (run > 0) {
        // Only an index that is no longer written may go.
        const { old_index: old } = await ask(`/${stream()}/_rollover`);
        await ask(`/${String(old)}`, "DELETE");
      }
      run++;
      return `bench${run}`;
    },
    count: async () => {
      await ask(`/${stream()}/_refresh`);
      return Number((await ask(`/${stream()}/_count`))["count"] ?? 0);
    },
    work: async () => {
      for (;;) {
        const { nodes } = (await ask("/_nodes/stats/process,indices", "GET")) as { nodes: Record<string, NodeStats> };
        const [node] = Object.values(nodes);
        if (node === undefined) {
          throw new Error("Cannot measure: the server tells nothing of itself");
        }
        const { process, indices } = node;
        // Who made the segments pays for putting them together, not who is measured next.
        if (indices.merges.current === 0) {
          return {
            cpu: process.cpu.total_in_millis / 1000,
            refreshes: indices.refresh.total,
            merged: indices.merges.total_size_in_bytes,
          };
        }
        await sleep(200);
      }
    },
    stop: () => engine.stop(),
  };
}
