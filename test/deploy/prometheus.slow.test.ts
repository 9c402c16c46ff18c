import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess, SpawnSyncReturns } from "node:child_process";
import { appendFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readYaml } from "../../packages/audit/src/index.ts";
import { ENVIRONMENT, MAIN, ROOT } from "../../packages/cli/src/run-command.suite.ts";
import { MockElasticsearch } from "../../packages/ingest/src/sinks/mock-elasticsearch.suite.ts";
import { freePort } from "../engines/free-port.ts";
import { buildPromtool, startPrometheus } from "../engines/prometheus/prometheus.ts";
import type { QueryResult, RunningPrometheus } from "../engines/prometheus/prometheus.ts";

const BUILD_TIMEOUT_MS = 20 * 60_000;
const ALERTS = join(ROOT, "deploy/grafana/alerts.yaml");
const CASES = join(ROOT, "test/deploy/alerts.cases.yaml");
/** Has no value while no rotated file waits, and nothing is known of how long one lives: rotation-outruns.slow.test.ts. */
const NOT_PROVOKED = ["auditsieve_rotation_deadline_seconds"];

interface Alerts {
  readonly groups: readonly { readonly rules: readonly { readonly alert: string; readonly expr: string }[] }[];
}

interface Cases {
  readonly tests: readonly {
    readonly alert_rule_test: readonly { readonly alertname: string; readonly exp_alerts: readonly object[] }[];
  }[];
}

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[];
}

const folder = mkdtempSync(join(tmpdir(), "auditsieve-prometheus-"));
const alerts = (read(ALERTS) as Alerts).groups.flatMap(({ rules }) => rules);
const { panels } = JSON.parse(readFileSync(join(ROOT, "deploy/grafana/auditsieve.json"), "utf8")) as Dashboard;
const queries = panels.flatMap(({ title, targets }) =>
  targets.map(({ expr }) => ({ title, expr: expr.replaceAll("$instance", ".*").replaceAll("$__rate_interval", "1m") })),
);
let promtool: string;
let sink: MockElasticsearch;
let daemon: ChildProcess;
let metrics: string;
let prometheus: RunningPrometheus;

beforeAll(async () => {
  promtool = await buildPromtool();
  sink = await MockElasticsearch.start();
  const [port, hook] = [await freePort(), await freePort()];
  configure(port, hook);
  const log = join(folder, "audit.log");
  const events = readFileSync(join(ROOT, "samples/small.log"), "utf8");
  // What was read goes while nobody looks: a loss that the second start tells of. A new file beside it has another inode for certain.
  writeFileSync(log, events);
  await stop(await start(port));
  writeFileSync(join(folder, "next.log"), `${withoutBodies(events)}no event\n`);
  renameSync(join(folder, "next.log"), log);
  // Its first request fails as a whole, then each third document is refused for good.
  const before = sink.bulkRequests;
  sink.behave = (request) => (request === before ? "http-503" : { everyThird: 400 });
  daemon = await start(port);
  const refused = (): Promise<Response> => fetch(`http://127.0.0.1:${hook}/audit`, { method: "POST", body: "{}" });
  await until(() =>
    refused().then(
      ({ status }) => status === 400,
      () => false,
    ),
  );
  prometheus = await startPrometheus({ folder, targets: [`127.0.0.1:${port}`], rules: [ALERTS] });
  await until(async () => (await ask("scrape_samples_scraped")).some(({ value: [, count] }) => Number(count) > 50));
  appendFileSync(log, events);
  await until(async () => {
    metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    // The newest line is known only once its chunk is done.
    return ['dead-letter"} ', "undecided_requests_total{", "source_lag_time_seconds{"].every((one) =>
      metrics.includes(one),
    );
  });
  const scraped = await ask("scrape_samples_scraped");
  // From now on: what came before may have been scraped without the metrics that were waited for.
  const already = await scrapes();
  await until(async () => (await scrapes()) > already + 5);
  expect(scraped).toHaveLength(1);
}, BUILD_TIMEOUT_MS);

afterAll(async () => {
  await prometheus?.stop();
  if (daemon !== undefined) {
    await stop(daemon);
  }
  await sink?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test("promtool finds nothing wrong with the alerts, and each fires where it must and not where it must not", () => {
  expect(run(["check", "rules", "--lint=all", "--lint-fatal", ALERTS])).toMatchObject({ status: 0, stderr: "" });
  expect(run(["test", "rules", CASES])).toMatchObject({ status: 0, stderr: "" });
  const { tests } = read(CASES) as Cases;
  const asked = tests.flatMap(({ alert_rule_test: each }) => each);
  const names = (isFiring: boolean): readonly string[] => [
    ...new Set(asked.flatMap(({ alertname, exp_alerts: fired }) => (fired.length > 0 === isFiring ? [alertname] : []))),
  ];
  const all = alerts.map(({ alert }) => alert).toSorted();
  expect([names(true).toSorted(), names(false).toSorted()]).toEqual([all, all]);
});

test("promtool finds nothing wrong with what a running daemon says of itself", () => {
  expect(run(["check", "metrics", "--lint=all"], metrics)).toMatchObject({ status: 0, stdout: "", stderr: "" });
});

test("a running daemon has each metric that the dashboard and the alerts ask for", () => {
  const had = new Set([...metrics.matchAll(/^(auditsieve_\w+)/gm)].map(([, name]) => name));
  const named = [...queries, ...alerts].flatMap(({ expr }) => expr.match(/auditsieve_\w+/g) ?? []);
  expect([...new Set(named.filter((name) => !had.has(name)))]).toEqual(NOT_PROVOKED);
});

test("Prometheus scrapes a running daemon, and each panel of the dashboard shows something of it", async () => {
  expect(await ask("up")).toMatchObject([{ metric: { job: "auditsieve" }, value: [expect.anything(), "1"] }]);
  const empty: string[] = [];
  for (const { title, expr } of queries) {
    if ((await ask(expr)).length === 0) {
      empty.push(`${title}: ${expr}`);
    }
  }
  expect(empty.filter((text) => !NOT_PROVOKED.some((name) => text.includes(name)))).toEqual([]);
});

test("Prometheus evaluates each alert, and those that the daemon gave reason for fire", async () => {
  const { groups } = (await prometheus.get("rules")) as {
    readonly groups: readonly {
      readonly rules: readonly { readonly name: string; readonly health: string; readonly state: string }[];
    }[];
  };
  const rules = groups.flatMap((group) => group.rules);
  expect(rules.filter(({ health }) => health !== "ok")).toEqual([]);
  expect(rules.map(({ name }) => name)).toEqual(alerts.map(({ alert }) => alert));
  const firing = rules.filter(({ state }) => state === "firing").map(({ name }) => name);
  expect(firing).toEqual(
    expect.arrayContaining([
      "AuditsieveDeadLetters",
      "AuditsieveLost",
      "AuditsieveNotEvents",
      "AuditsieveRefusedRequests",
    ]),
  );
  expect(firing).not.toEqual(expect.arrayContaining([expect.stringMatching(/Absent|Down|Fewer|Stalled|Outrun/)]));
});

function read(file: string): unknown {
  const { documents, problems } = readYaml(readFileSync(file, "utf8"));
  expect(problems).toEqual([]);
  return documents[0]?.value;
}

/** The same events as a policy of level Metadata would have recorded them: some detections cannot decide them. */
function withoutBodies(events: string): string {
  const lines = events.trimEnd().split("\n");
  const bare = lines.map((line) => ({
    ...(JSON.parse(line) as object),
    level: "Metadata",
    requestObject: undefined,
    responseObject: undefined,
  }));
  return bare.map((event) => `${JSON.stringify(event)}\n`).join("");
}

function configure(port: number, hook: number): void {
  writeFileSync(
    join(folder, "auditsieve.yaml"),
    `cluster: c
stateFolder: ${join(folder, "state")}
metrics: { listen: "127.0.0.1:${port}" }
sources:
  - { type: file, name: audit, path: ${join(folder, "audit.log")} }
  - { type: webhook, listen: "127.0.0.1:${hook}", path: /audit, insecure: true }
sinks:
  - { type: store, folder: ${join(folder, "store")}, policy: control-loops }
  - { type: elasticsearch, node: "${sink.url}", feed: kept, policy: control-loops }
`,
  );
}

async function start(port: number): Promise<ChildProcess> {
  const child = spawn(process.execPath, [MAIN, "ingest", "-c", join(folder, "auditsieve.yaml")], {
    cwd: ROOT,
    env: ENVIRONMENT,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => (said += chunk.toString("utf8")));
  await until(async () => {
    expect(child.exitCode, said).toBeNull();
    const answer = await fetch(`http://127.0.0.1:${port}/metrics`).catch(() => undefined);
    return /acknowledged_lines\S*component_id="audit"\S* [1-9]/.test((await answer?.text()) ?? "");
  });
  return child;
}

async function stop(child: ChildProcess): Promise<void> {
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  child.kill("SIGTERM");
  await ended;
}

async function ask(query: string): Promise<QueryResult["result"]> {
  return ((await prometheus.get("query", { query })) as QueryResult).result;
}

async function scrapes(): Promise<number> {
  return Number((await ask("count_over_time(up[1h])"))[0]?.value[1]);
}

async function until(isDone: () => Promise<boolean>): Promise<void> {
  while (!(await isDone())) {
    await sleep(100);
  }
}

function run(args: readonly string[], input = ""): SpawnSyncReturns<string> {
  return spawnSync(promtool, args, { input, encoding: "utf8", cwd: ROOT });
}
