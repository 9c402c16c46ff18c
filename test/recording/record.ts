/**
 * Records a real control plane while somebody attacks it step by step; see README.md beside this file.
 *
 *     node test/recording/record.ts FOLDER [held-out|reported|tricks|variants|near-misses]
 *
 * FOLDER gets lineage.log.zst, the log as the apiserver wrote it, and lineage-steps.jsonl (or held-out.log.zst and
 * held-out-steps.jsonl: another attack on another day, which no detection was tuned on; or reported: a third attack, made
 * of published intrusions, on a third day; or tricks: a fourth, of what tools and talks show; or variants: single deeds that the others have once or not at all; or
 * near-misses: what is just not what a detection asks for, and what is new after a week). None is redacted:
 * `node scripts/make-samples.ts FOLDER` makes samples/ of them.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { zstdCompressSync } from "node:zlib";
import { buildApiserverAhead } from "../engines/apiserver/apiserver.ts";
import { Actors, at, until } from "./actors.ts";
import { bystanders } from "./bystanders.ts";
import { CHAIN, credentialIds, LEFT_OVER } from "./chain.ts";
import { DAYS_AHEAD, NODES, startControlPlane } from "./control-plane.ts";
import { ACCESS_DEEDS } from "./deeds-access.ts";
import { CLUSTER_DEEDS } from "./deeds-cluster.ts";
import { WORKLOAD_DEEDS } from "./deeds-workloads.ts";
import { HELD_OUT_DAY, HELD_OUT_DEEDS } from "./held-out.ts";
import { joinSteps } from "./join.ts";
import type { Done } from "./join.ts";
import { NEAR_MISS_DEEDS } from "./near-misses.ts";
import { REPORTED_AIMS } from "./reported-aims.ts";
import { REPORTED_DAY, REPORTED_DEEDS } from "./reported.ts";
import { setScene } from "./setting.ts";
import type { Scene, Step } from "./step.ts";
import { TRICKS, TRICKS_DAY } from "./tricks.ts";
import { VARIANT_DEEDS } from "./variants.ts";
import { AFTER_THE_WEEK, BEFORE_THE_WEEK } from "./week-later.ts";

/** Of the recordings that nothing was tuned on the day before the attack is measured by itself. */
const BEFORE_MS = {
  lineage: 12_000,
  "held-out": 180_000,
  reported: 180_000,
  tricks: 180_000,
  variants: 12_000,
  "near-misses": 12_000,
};
const DAYS: Readonly<Partial<Record<keyof typeof BEFORE_MS, typeof HELD_OUT_DAY>>> = {
  "held-out": HELD_OUT_DAY,
  reported: REPORTED_DAY,
  tricks: TRICKS_DAY,
};
/** Between two steps, so that no event of one falls into the time of another. */
const PAUSE_MS = 350;
const AFTER_MS = 4000;

const [out, script = "lineage"] = process.argv.slice(2);
if (out === undefined || !isScript(script)) {
  console.error(
    "Cannot record: call node test/recording/record.ts FOLDER [held-out|reported|tricks|variants|near-misses]",
  );
  process.exit(2);
}
mkdirSync(out, { recursive: true });
const folder = mkdtempSync(join(tmpdir(), "recording-"));
console.error(`the cluster's files stand in ${folder}; building what is not built yet`);
// An interrupted recording leaves nothing behind: the programs end with this one.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
// Before anything runs: built in the middle of a recording it would be a quarter of an hour without events.
if (script === "near-misses") await buildApiserverAhead(DAYS_AHEAD);
const plane = await startControlPlane(folder);
const over = new AbortController();
try {
  const scene: Scene = { actors: new Actors(plane), credentials: new Map(), facts: new Map() };
  await setScene(scene.actors);
  await until("all nodes and pods ready", () => isReady(scene.actors));
  scene.actors.takeAuditIDs();
  const around = bystanders(new Actors(plane), over.signal, DAYS[script]);
  await sleep(BEFORE_MS[script]);
  const done: Done[] = [];
  const scripts: Readonly<Record<typeof script, readonly Step[]>> = {
    lineage: [...CHAIN, ...LEFT_OVER, ...WORKLOAD_DEEDS, ...ACCESS_DEEDS, ...CLUSTER_DEEDS],
    "held-out": HELD_OUT_DEEDS,
    reported: [...REPORTED_DEEDS, ...REPORTED_AIMS],
    tricks: TRICKS,
    variants: VARIANT_DEEDS,
    "near-misses": [...NEAR_MISS_DEEDS, ...BEFORE_THE_WEEK],
  };
  const performAll = async (steps: readonly Step[], aheadMs: number): Promise<void> => {
    for (const step of steps) {
      done.push(await perform(step, done.length + 1, scene, aheadMs));
      await sleep(PAUSE_MS);
    }
    await sleep(AFTER_MS);
  };
  await performAll(scripts[script], 0);
  over.abort();
  await around;
  if (script === "near-misses") {
    await plane.restartAhead();
    await performAll(AFTER_THE_WEEK, DAYS_AHEAD * 86_400_000);
  }
  await plane.stop();
  const joined = joinSteps(done, scene, plane.auditLog);
  const log = readFileSync(plane.auditLog);
  writeFileSync(join(out, `${script}.log.zst`), zstdCompressSync(log));
  writeFileSync(join(out, `${script}-steps.jsonl`), joined.map((step) => `${JSON.stringify(step)}\n`).join(""));
  console.log(`${log.length} bytes; credentials of the chain:`, credentialIds(scene));
  const without = joined.filter(({ auditIDs }) => auditIDs.length === 0).map(({ label }) => label);
  console.log(`${joined.length} steps; without an event: ${without.join(", ") || "none"}`);
} finally {
  over.abort();
  await plane.stop();
  if (process.env["KEEP"] === undefined) rmSync(folder, { recursive: true, force: true });
}

function isScript(name: string): name is keyof typeof BEFORE_MS {
  return Object.hasOwn(BEFORE_MS, name);
}

async function perform(step: Step, number: number, scene: Scene, aheadMs: number): Promise<Done> {
  const start = now(aheadMs);
  const outcome = await step.run(scene).catch((error: unknown) => {
    throw new Error(`Cannot do step ${number}, ${step.label}: ${String(error)}`, { cause: error });
  });
  const code = at(outcome, "code");
  if (typeof code === "number" && code !== 0) {
    console.error(`step ${number}, ${step.label}: kubectl said ${String(at(outcome, "stderr")).trim().slice(-300)}`);
  }
  const end = now(aheadMs);
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

/** As the apiserver writes times, whose clock may go ahead. */
function now(aheadMs: number): string {
  return new Date(Date.now() + aheadMs).toISOString().replace("Z", "000Z");
}
