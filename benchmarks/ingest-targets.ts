import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { startElasticsearch } from "../test/engines/elasticsearch.ts";

/** Where documents are sent, by the daemon and by the loader. */
export interface Target {
  readonly url: string;
  /** Gives the namespace of a stream that is empty. */
  readonly reset: () => Promise<string>;
  /** Documents in it. */
  readonly count: () => Promise<number>;
  /** CPU seconds that the server has used so far; undefined where it does not say. */
  readonly cpu: () => Promise<number | undefined>;
  readonly stop: () => Promise<void>;
}

export interface HoleAnswer {
  readonly documents: number;
  readonly requests: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
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
    cpu: () => Promise.resolve(undefined),
    stop: () => {
      hole.kill("SIGKILL");
      return Promise.resolve();
    },
  };
}

export async function startServer(): Promise<Target> {
  const engine = await startElasticsearch();
  const ask = async (path: string, method: "GET" | "POST" = "POST"): Promise<Record<string, unknown>> =>
    (await (await fetch(`${engine.url}${path}`, { method })).json()) as Record<string, unknown>;
  let run = 0;
  const stream = (): string => `logs-kubernetes.audit_logs-bench${run}`;
  return {
    url: engine.url,
    // A stream of its own each time: in the same one the daemon finds that all is there already, even after a rollover.
    reset: () => {
      run++;
      return Promise.resolve(`bench${run}`);
    },
    count: async () => {
      await ask(`/${stream()}/_refresh`);
      return Number((await ask(`/${stream()}/_count`))["count"] ?? 0);
    },
    cpu: async () => {
      const { nodes } = (await ask("/_nodes/stats/process", "GET")) as {
        nodes: Record<string, { process: { cpu: { total_in_millis: number } } }>;
      };
      return Object.values(nodes).reduce((sum, node) => sum + node.process.cpu.total_in_millis, 0) / 1000;
    },
    stop: () => engine.stop(),
  };
}
