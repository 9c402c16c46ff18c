import { setTimeout as sleep } from "node:timers/promises";
import { AGENTS } from "./actors.ts";
import type { Actors } from "./actors.ts";

const PROBE_PAUSE_MS = 10_000;
const PERSON_PAUSE_MS = 7000;

/** Who calls kubectl with which words, again and again. */
type Habits = readonly (readonly [string, string])[];

const HABITS: Habits = [
  ["dev-alice", "-n team-a get pods"],
  ["dev-bob", "-n shop get deployments"],
  ["dev-alice", "-n team-a describe deployment api"],
  ["dev-alice", "-n team-a annotate deployment api note=checked --overwrite"],
  ["dev-bob", "-n shop get services"],
  ["dev-alice", "-n shop get configmaps"],
  ["dev-dana", "-n shop get pods"],
  ["ops-erin", "get nodes"],
];

/** Normal users and probes around the steps, until `signal` is aborted. They act through `actors` of their own. */
export async function bystanders(actors: Actors, signal: AbortSignal, habits: Habits = HABITS): Promise<void> {
  await Promise.all([probes(actors, signal), people(actors, signal, habits)]);
}

async function probes(actors: Actors, signal: AbortSignal): Promise<void> {
  const headers = { "User-Agent": "kube-probe/1.37" };
  while (!signal.aborted) {
    for (const path of ["/livez", "/readyz"]) await actors.send(undefined, "GET", path, { headers });
    await pause(PROBE_PAUSE_MS, signal);
  }
}

async function people(actors: Actors, signal: AbortSignal, habits: Habits): Promise<void> {
  for (let turn = 0; !signal.aborted; turn++) {
    const [who, words] = habits[turn % habits.length] as readonly [string, string];
    await actors.kubectl(who, words.split(" "));
    if (turn % 5 === 0) {
      const who = actors.certificate("dev-bob");
      await actors.send(who, "GET", "/api/v1/namespaces/shop/pods", { headers: { "User-Agent": AGENTS.kubectl } });
    }
    await pause(PERSON_PAUSE_MS, signal);
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
