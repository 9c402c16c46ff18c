import { readdirSync, readFileSync } from "node:fs";
import type { AuditEvent } from "@auditsieve/audit";
import { attributesOf } from "@auditsieve/audit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildApiserver } from "../../../test/engines/apiserver/apiserver.ts";
import { AUDIT_ID_PREFIX, runScript } from "./apiserver-run.suite.ts";
import type { ScriptRun } from "./apiserver-run.suite.ts";
import { SCRIPT, USERS } from "./apiserver-script.suite.ts";
import type { Step } from "./apiserver-script.suite.ts";
import { evaluate } from "./evaluate.ts";
import { generatePolicy } from "./generate/generate-policy.ts";
import { loadProfile } from "./generate/load-profile.ts";
import type { Policy } from "./policy.ts";
import { Simulation } from "./simulate/simulation.ts";
import type { PredictedEvent } from "./simulate/simulation.ts";

const BUILD_TIMEOUT_MS = 45 * 60_000;
const RUN_TIMEOUT_MS = 10 * 60_000;
const MAX_BYTES_OFF = 0.02;
/** Records all, at all stages: what others leave out can be told from its log. */
const REFERENCE = "nsa-ctr";
const ALWAYS = ["tiered", "hardened", REFERENCE];
const IN_ROTATION = 2;

const folder = new URL("../../../profiles/policies/", import.meta.url);
const shipped = readdirSync(folder)
  .filter((name) => name.endsWith(".profile.yaml"))
  .map((name) => name.replace(/\.profile\.yaml$/, ""));
const profiles = process.env["RUN_ALL"] === undefined ? todaysProfiles() : shipped;
const begun = performance.now();
const minutes: string[] = [];

let reference: ScriptRun;

beforeAll(async () => {
  await buildApiserver();
  minutes.push(`build ${((performance.now() - begun) / 60_000).toFixed(2)}`);
}, BUILD_TIMEOUT_MS);

beforeAll(async () => {
  reference = await runUnder(REFERENCE);
}, RUN_TIMEOUT_MS);

afterAll(() => {
  const skipped = shipped.filter((name) => !profiles.includes(name));
  const rest = skipped.length === 0 ? "" : `; not today: ${skipped.join(", ")} (RUN_ALL=1 runs them all)`;
  console.log(`real apiserver: minutes: ${minutes.join(", ")}${rest}`);
});

test("the script reaches what it is meant to reach", () => {
  const { statuses } = reference;
  expect(Object.fromEntries(statuses)).toMatchObject({
    "shop-secrets-create": 201,
    "shop-secrets-apply": 200,
    "shop-secrets-refused-get": 403,
    "shop-secrets-malformed": 400,
    "mint-token": 201,
    "minted-review": 201,
    "cluster-role-bind": 201,
    "pod-create": 201,
    "pod-ephemeral": 200,
    "exec-get": 404,
    "exec-post": 404,
    "lease-update": 200,
    "anonymous-health": 200,
    "anonymous-secrets": 403,
    "bad-token-pods": 401,
    "impersonated-get": 403,
  });
  const stages = (name: string): readonly string[] =>
    reference.lines
      .map((line) => JSON.parse(line) as AuditEvent)
      .filter(({ auditID }) => auditID === AUDIT_ID_PREFIX + name)
      .map(({ stage }) => stage);
  expect(stages("shop-secrets-get")).toEqual(["RequestReceived", "ResponseComplete"]);
  expect(stages("shop-secrets-watch")).toEqual(["RequestReceived", "ResponseStarted", "ResponseComplete"]);
  expect(stages("exec-get")).toEqual(["RequestReceived", "ResponseStarted", "ResponseComplete"]);
  expect(stages("bad-token-pods")).toEqual(["ResponseStarted"]);
});

describe.each(profiles)("kube-apiserver under %s", (name) => {
  let run: ScriptRun;
  const { policy } = generated(name);

  beforeAll(async () => {
    run = name === REFERENCE ? reference : await runUnder(name);
  }, RUN_TIMEOUT_MS);

  test("answers the script as it did under the reference", () => {
    expect(Object.fromEntries(run.statuses)).toEqual(Object.fromEntries(reference.statuses));
  });

  test("writes the events, stages and bodies that simulating the reference log predicts", () => {
    const predicted = simulate(policy, reference.lines).map(({ auditID, stage, level, bodies }) =>
      describeEvent({ auditID, stage, level }, bodies),
    );
    const written = run.lines.map((line) => {
      const event = JSON.parse(line) as AuditEvent;
      return describeEvent(
        event,
        (["requestObject", "responseObject"] as const).filter((body) => body in event),
      );
    });
    expect(written.toSorted()).toEqual(predicted.toSorted());
  });

  test("writes each request at the level that evaluate() decides", () => {
    const levels = new Map<string, Set<string>>();
    for (const line of run.lines) {
      const { auditID, level } = JSON.parse(line) as AuditEvent;
      levels.set(auditID, (levels.get(auditID) ?? new Set()).add(level));
    }
    for (const step of SCRIPT) {
      const decision = evaluate(policy, attributesOfStep(step));
      const written = [...(levels.get(AUDIT_ID_PREFIX + step.name) ?? [])];
      // Of a failed login there is one stage only, which a policy may leave out.
      const mayBeSilent = decision.level === "None" || decision.omitStages.length > 0;
      expect(written.length === 0 && mayBeSilent ? [] : [decision.level], step.name).toEqual(written);
    }
  });

  test(`writes as many bytes as simulating predicts, to ${MAX_BYTES_OFF * 100} %`, () => {
    const predicted = simulate(policy, reference.lines).reduce((sum, { bytes }) => sum + bytes, 0);
    const written = run.lines.reduce((sum, line) => sum + Buffer.byteLength(line), 0);
    expect(Math.abs(written - predicted)).toBeLessThanOrEqual(predicted * MAX_BYTES_OFF);
  });
});

async function runUnder(name: string): Promise<ScriptRun> {
  const run = await runScript(generated(name).text);
  const { start, script, stop } = run.minutes;
  minutes.push(
    `${name} ${(start + script + stop).toFixed(2)} (start ${start.toFixed(2)}, script ${script.toFixed(2)})`,
  );
  return run;
}

function generated(name: string): { readonly text: string; readonly policy: Policy } {
  const read = (profile: string): string => readFileSync(new URL(`${profile}.profile.yaml`, folder), "utf8");
  const loaded = loadProfile(read(name), {
    origin: name,
    find: (base) => (shipped.includes(base) ? { text: read(base), origin: base } : undefined),
  });
  const made = loaded.outcome === "loaded" ? generatePolicy(loaded.profile) : loaded;
  if (made.outcome === "refused") {
    throw new Error(`Cannot generate the policy of ${name}: ${made.problems.map(({ message }) => message).join("; ")}`);
  }
  return made;
}

function simulate(policy: Policy, lines: readonly string[]): readonly PredictedEvent[] {
  const events: PredictedEvent[] = [];
  const simulation = new Simulation({ policy, onEvent: (event) => events.push(event) });
  simulation.write(Buffer.from(lines.join("")));
  simulation.end();
  return events;
}

function describeEvent(
  { auditID, stage, level }: { readonly auditID: string; readonly stage: string; readonly level: string },
  bodies: readonly string[],
): string {
  return `${auditID} ${stage} ${level} ${bodies.join("+")}`.trimEnd();
}

/** From what the script sends, not from what any log says. */
function attributesOfStep({ name, as, path }: Step): ReturnType<typeof attributesOf> {
  const verb = verbOf(name);
  if (as === "bad-token" || name === "bad-timeout") {
    return attributesOf({ requestURI: path, verb, username: undefined, groups: [] });
  }
  const groups = USERS.find((user) => user.name === as)?.groups ?? [];
  const who: Readonly<Record<string, readonly [string, readonly string[]]>> = {
    admin: ["admin", ["system:masters", "system:authenticated"]],
    nobody: ["system:anonymous", ["system:unauthenticated"]],
    minted: [
      "system:serviceaccount:shop:runner",
      ["system:serviceaccounts", "system:serviceaccounts:shop", "system:authenticated"],
    ],
  };
  const [username, own] = who[as] ?? [as, [...groups, "system:authenticated"]];
  return attributesOf({ requestURI: path, verb, username, groups: own });
}

/** The verb is the apiserver's to name; the reference log has one for each request. */
function verbOf(name: string): string {
  const line = reference.lines.find((one) => (JSON.parse(one) as AuditEvent).auditID === AUDIT_ID_PREFIX + name);
  if (line === undefined) {
    throw new Error(`Cannot find the request ${name} in the reference log`);
  }
  return (JSON.parse(line) as AuditEvent).verb;
}

/** The three that matter most, and two others that change from day to day. */
function todaysProfiles(): readonly string[] {
  const others = shipped.filter((name) => !ALWAYS.includes(name));
  const today = Math.floor(Date.now() / 86_400_000);
  const rotated = Array.from({ length: IN_ROTATION }, (_, i) => others[(today * IN_ROTATION + i) % others.length]);
  return [...ALWAYS.filter((name) => shipped.includes(name)), ...rotated.filter((name) => name !== undefined)];
}
