/**
 * Records a real control plane while somebody attacks it step by step; see README.md beside this file.
 *
 *     node test/recording/record.ts FOLDER
 *
 * FOLDER gets lineage.log.zst, the log as the apiserver wrote it, and lineage-steps.jsonl. Neither is redacted:
 * `node scripts/make-samples.ts FOLDER` makes samples/ of them.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { zstdCompressSync } from "node:zlib";
import { Actors, at, until } from "./actors.ts";
import { bystanders } from "./bystanders.ts";
import { CHAIN, credentialIds, LEFT_OVER } from "./chain.ts";
import { NODES, startControlPlane } from "./control-plane.ts";
import { ACCESS_DEEDS } from "./deeds-access.ts";
import { CLUSTER_DEEDS } from "./deeds-cluster.ts";
import { WORKLOAD_DEEDS } from "./deeds-workloads.ts";
import { joinSteps } from "./join.ts";
import type { Done } from "./join.ts";
import { setScene } from "./setting.ts";
import type { Scene, Step } from "./step.ts";

const BEFORE_MS = 12_000;
/** Between two steps, so that no event of one falls into the time of another. */
const PAUSE_MS = 350;
const AFTER_MS = 4000;

const [out] = process.argv.slice(2);
if (out === undefined) {
  console.error("Cannot record: no folder given; call node test/recording/record.ts FOLDER");
  process.exit(2);
}
mkdirSync(out, { recursive: true });
const folder = mkdtempSync(join(tmpdir(), "recording-"));
console.error(`the cluster's files stand in ${folder}; building what is not built yet`);
// An interrupted recording leaves nothing behind: the programs end with this one.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
const plane = await startControlPlane(folder);
const over = new AbortController();
try {
  const scene: Scene = { actors: new Actors(plane), credentials: new Map(), facts: new Map() };
  await setScene(scene.actors);
  await until("all nodes and pods ready", () => isReady(scene.actors));
  scene.actors.takeAuditIDs();
  const around = bystanders(new Actors(plane), over.signal);
  await sleep(BEFORE_MS);
  const done: Done[] = [];
  for (const step of [...CHAIN, ...LEFT_OVER, ...WORKLOAD_DEEDS, ...ACCESS_DEEDS, ...CLUSTER_DEEDS]) {
    done.push(await perform(step, done.length + 1, scene));
    await sleep(PAUSE_MS);
  }
  await sleep(AFTER_MS);
  over.abort();
  await around;
  await plane.stop();
  const steps = joinSteps(done, scene, plane.auditLog);
  const log = readFileSync(plane.auditLog);
  writeFileSync(join(out, "lineage.log.zst"), zstdCompressSync(log));
  writeFileSync(join(out, "lineage-steps.jsonl"), steps.map((step) => `${JSON.stringify(step)}\n`).join(""));
  console.log(`${log.length} bytes; credentials of the chain:`, credentialIds(scene));
  const without = steps.filter(({ auditIDs }) => auditIDs.length === 0).map(({ label }) => label);
  console.log(`${steps.length} steps; without an event: ${without.join(", ") || "none"}`);
} finally {
  over.abort();
  await plane.stop();
  if (process.env["KEEP"] === undefined) rmSync(folder, { recursive: true, force: true });
}

async function perform(step: Step, number: number, scene: Scene): Promise<Done> {
  const start = now();
  const outcome = await step.run(scene).catch((error: unknown) => {
    throw new Error(`Cannot do step ${number}, ${step.label}: ${String(error)}`, { cause: error });
  });
  const code = at(outcome, "code");
  if (typeof code === "number" && code !== 0) {
    console.error(`step ${number}, ${step.label}: kubectl said ${String(at(outcome, "stderr")).trim().slice(-300)}`);
  }
  const end = now();
  const auditIDs = scene.actors.takeAuditIDs();
  return { step, number, start, end, code: typeof code === "number" ? code : undefined, auditIDs };
}

async function isReady(actors: Actors): Promise<true | undefined> {
  const nodes = await actors.look("/api/v1/nodes");
  const pods = await actors.look("/api/v1/pods");
  const names = at(nodes, "items") as readonly unknown[] | undefined;
  const phases = (at(pods, "items") as readonly unknown[] | undefined)?.map((pod) => at(pod, "status", "phase")) ?? [];
  const isAll = names?.length === NODES.length && phases.length >= 10;
  return isAll && phases.every((phase) => phase === "Running") ? true : undefined;
}

/** As the apiserver writes times. */
function now(): string {
  return new Date().toISOString().replace("Z", "000Z");
}
