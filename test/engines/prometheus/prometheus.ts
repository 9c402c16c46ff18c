import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { freePort } from "../free-port.ts";
import { buildGoProgram } from "../policy-oracle/go-program.ts";

const COMMANDS = "github.com/prometheus/prometheus/cmd";
const FOLDER = fileURLToPath(new URL(".", import.meta.url));
const READY_TIMEOUT_MS = 60_000;

export interface PrometheusOptions {
  /** For its configuration and data; exists. */
  readonly folder: string;
  /** Addresses that it scrapes, `host:port`. */
  readonly targets: readonly string[];
  /** Files of rules. */
  readonly rules: readonly string[];
}

export interface RunningPrometheus {
  /** What its API answers below /api/v1, where that went well. */
  get(path: string, parameters?: Readonly<Record<string, string>>): Promise<unknown>;
  stop(): Promise<void>;
}

/** What its API answers an instant query with, of a vector. */
export interface QueryResult {
  readonly result: readonly {
    readonly metric: Readonly<Record<string, string>>;
    readonly value: readonly [number, string];
  }[];
}

/** Builds promtool v3.16.0 once; on an empty cache of Go that takes two minutes of two cores, of which Prometheus needs most too. */
export function buildPromtool(): Promise<string> {
  return build("promtool");
}

function build(name: "prometheus" | "promtool"): Promise<string> {
  // Without the clients of the clouds that it could find its targets in.
  return buildGoProgram({ name, folder: FOLDER, source: `${COMMANDS}/${name}`, tags: ["remove_all_sd"] });
}

/** Starts Prometheus on 127.0.0.1 and waits until it is ready. It scrapes each second and looks at its rules as often. */
export async function startPrometheus({ folder, targets, rules }: PrometheusOptions): Promise<RunningPrometheus> {
  const binary = await build("prometheus");
  const port = await freePort();
  const configuration = join(folder, "prometheus.yml");
  await writeFile(
    configuration,
    JSON.stringify({
      global: { scrape_interval: "1s", evaluation_interval: "1s" },
      rule_files: rules,
      scrape_configs: [{ job_name: "auditsieve", static_configs: [{ targets }] }],
    }),
  );
  const child = spawn(
    binary,
    [
      `--config.file=${configuration}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--log.level=warn",
    ],
    { cwd: folder, stdio: ["ignore", "ignore", "pipe"] },
  );
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString("utf8")));
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const url = `http://127.0.0.1:${port}`;
  const limit = Date.now() + READY_TIMEOUT_MS;
  while (!(await fetch(`${url}/-/ready`).catch(() => undefined))?.ok) {
    if (child.exitCode !== null || Date.now() > limit) {
      child.kill("SIGKILL");
      throw new Error(`Cannot start Prometheus with ${configuration}: ${said.trim() || "it is not ready in time"}`);
    }
    await sleep(100);
  }
  return {
    get: async (path, parameters = {}) => {
      const answer = await fetch(`${url}/api/v1/${path}?${new URLSearchParams(parameters).toString()}`);
      const { status, error, warnings, infos, data } = (await answer.json()) as Readonly<Record<string, unknown>>;
      if (status !== "success" || warnings !== undefined || infos !== undefined) {
        throw new Error(
          `Prometheus answers ${path} ${JSON.stringify(parameters)} with ${JSON.stringify({ error, warnings, infos })}`,
        );
      }
      return data;
    },
    stop: async () => {
      child.kill("SIGTERM");
      await ended;
    },
  };
}
