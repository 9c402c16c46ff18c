import { attributesOfEvent, EventScan, stripLine } from "@auditsieve/audit";
import type { AuditEvent, Need, RequestAttributes } from "@auditsieve/audit";
import { evaluateCase, linkCorrelations, loadDetections } from "@auditsieve/detect";
import type { Detection } from "@auditsieve/detect";
import { evaluate, loadPolicy, visibilityOf } from "@auditsieve/policy";
import type { CoverageAnswer, Policy, Visibility } from "@auditsieve/policy";
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { ROOT } from "../run-command.suite.ts";
import { auditsieveHere as auditsieve } from "../run-in-process.suite.ts";
import { shippedDetections } from "../shipped.ts";
import { levelToHit } from "./policy-coverage-hit.ts";
import { coverDetection } from "./policy-coverage.ts";

const folder = mkdtempSync(join(tmpdir(), "auditsieve-coverage-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, content: string): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
const HEAD = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n";

interface ShippedCase {
  readonly expect: "hit" | "miss";
  readonly why: string;
  /** What the log held before the event, where that matters. */
  readonly before: readonly AuditEvent[];
  readonly event: AuditEvent;
}

interface Shipped {
  readonly name: string;
  readonly detection: Detection;
  readonly hits: readonly ShippedCase[];
}

const detections: readonly Shipped[] = globSync("*/*.yml", { cwd: join(ROOT, "profiles/detections") })
  .sort()
  .flatMap((path) => {
    const name = path.replace(/\.yml$/, "");
    const text = (suffix: string): string =>
      readFileSync(join(ROOT, "profiles/detections", `${name}${suffix}`), "utf8");
    const lines = text(".cases.ndjson")
      .split("\n")
      .filter((line) => line !== "");
    const hits = lines.map(readCase).filter((each) => each.expect === "hit");
    const documents = loadDetections(text(".yml"), path).detections;
    // What a correlation needs is what the detections need that it names.
    return documents.some(({ correlation }) => correlation)
      ? []
      : documents.map((detection) => ({ name, detection, hits }));
  });

function readCase(line: string): ShippedCase {
  const read = JSON.parse(line) as ShippedCase & { readonly events?: readonly AuditEvent[] };
  const events = read.events ?? [read.event];
  return { ...read, before: events.slice(0, -1), event: events.at(-1) ?? read.event };
}

const all = detections.map(({ detection }) => detection);
const policies = globSync("profiles/policies/*.policy.yaml", { cwd: ROOT }).sort();

// Each detection under every third policy: all of them would take three times as long and say the same.
const parts = policies.map((path, p) => [path, detections.filter((_, d) => (d + p) % 3 === 0)] as const);

describe.each(parts)("coverage of %s is what the detections say of what it would have written", (path, part) => {
  const policy = policyOf(readFileSync(join(ROOT, path), "utf8"));

  test.each(part)("$name", ({ detection, hits }) => {
    const coverage = coverDetection(policy, detection);
    const outcomes = hits.map(({ event, before }) => outcomeUnder(policy, detection, event, before));
    const expected = hits.map(({ event }) => visibilitiesOf(policy, detection, event));
    for (const [index, outcome] of outcomes.entries()) {
      expect(ALLOWED[outcome], `${hits[index]?.why}: ${outcome}`).toContain(summary(expected[index] ?? []));
    }
    for (const outcome of outcomes) {
      expect(ANSWERS[outcome], `${coverage.answer}, but a case is ${outcome}`).toContain(coverage.answer);
    }
    for (const { parts } of coverage.needs) {
      for (const { rule, level, witness } of parts) {
        expect(evaluate(policy, witness)).toMatchObject({ rule, level });
      }
    }
  });
});

/** What a hit becomes once the policy has decided what of it is written. */
type Outcome = "hit" | "unknown" | "gone";

/** Answers that a hit's becoming this does not contradict. */
const ANSWERS: Readonly<Record<Outcome, readonly CoverageAnswer[]>> = {
  hit: ["sees", "partly"],
  unknown: ["without body", "partly"],
  gone: ["blind", "partly", "without body"],
};

/** By what the needs that name the request say of it; a detection may have several ways to the same hit. */
const ALLOWED: Readonly<Record<Outcome, readonly string[]>> = {
  hit: ["seen", "some"],
  unknown: ["without body", "some"],
  gone: ["hidden"],
};

function summary(found: readonly Visibility[]): string {
  const [first = "hidden"] = found;
  return found.every((each) => each === first) ? first : "some";
}

function outcomeUnder(policy: Policy, detection: Detection, event: AuditEvent, before: readonly AuditEvent[]): Outcome {
  const { level, omitStages, omitManagedFields } = evaluate(policy, attributesOfEvent(event));
  // What a request's first stage shows, its last one shows too.
  const stage = omitStages.includes(event.stage) ? "ResponseComplete" : event.stage;
  if (level === "None" || omitStages.includes(stage)) {
    return "gone";
  }
  const line = Buffer.from(JSON.stringify({ ...event, stage }));
  const scan = new EventScan();
  expect(scan.scan(line, 0, line.length)).toBe(true);
  const written = JSON.parse(stripLine(scan, { level, omitManagedFields }).toString("utf8")) as AuditEvent;
  const outcome = evaluateCase(detection, written, before, all);
  expect(["hit", "unknown"]).toContain(outcome);
  return outcome === "hit" ? "hit" : "unknown";
}

function visibilitiesOf(policy: Policy, detection: Detection, event: AuditEvent): readonly Visibility[] {
  const request = attributesOfEvent(event);
  const level = levelToHit(detection)({ request, free: [], admits: () => false });
  expect(level, "a hit that coverage takes for none").toBeDefined();
  return detection.needs
    .filter((need) => isNamed(need, request))
    .map((need) => visibilityOf(policy, need, request, level));
}

function isNamed({ request: { verbs, apiGroups, resources } }: Need, request: RequestAttributes): boolean {
  const { resource, subresource } = request;
  return (
    (verbs?.includes(request.verb) ?? true) &&
    (apiGroups?.includes(request.apiGroup) ?? true) &&
    (resources?.some((name) => {
      const [of, below = ""] = name.split("/");
      return of === resource && (below === "*" ? subresource !== "" : below === subresource);
    }) ??
      true)
  );
}

function policyOf(text: string): Policy {
  const loaded = loadPolicy(text);
  if (loaded.outcome === "refused") {
    throw new Error(loaded.error);
  }
  return loaded.policy;
}

const EVERYTHING = file("all.yaml", `${HEAD}- level: RequestResponse\n`);
const NOTHING = file("nothing.yaml", `${HEAD}- level: None\n`);

describe.concurrent("auditsieve policy coverage", () => {
  test("knows that a policy of everything sees all, and one of nothing is blind", async () => {
    const [all, nothing] = await Promise.all([
      auditsieve(["policy", "coverage", EVERYTHING, "--output", "json"]),
      auditsieve(["policy", "coverage", NOTHING, "--output", "json", "--fail-on", "blind"]),
    ]);
    const documents = shippedDetections();
    const shown = documents.length - linkCorrelations(documents).silent.size;
    const counts = (stdout: string): Record<string, number> =>
      (JSON.parse(stdout) as { counts: Record<string, number> }).counts;
    expect([all.code, nothing.code]).toEqual([0, 1]);
    expect(counts(all.stdout)).toEqual({ sees: shown, partly: 0, "without body": 0, blind: 0 });
    expect(counts(nothing.stdout)).toEqual({ sees: 0, partly: 0, "without body": 0, blind: shown });
  });

  test("prints a table with the reason, the witness and the rule", async () => {
    const detection = file(
      "exec.yml",
      "title: Exec\nid: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10\nlevel: high\nlogsource: { product: kubernetes, service: audit }\n" +
        "detection: { selection: { verb: [get, create], objectRef.resource: pods, objectRef.subresource: exec }, condition: selection }\n",
    );
    const policy = file(
      "exec-policy.yaml",
      `${HEAD}- {level: Metadata, verbs: [create]}\n- {level: None, users: [robot]}\n- {level: None, verbs: [get]}\n`,
    );
    const { code, stdout } = await auditsieve(["policy", "coverage", policy, "--detections", detection]);
    expect(code).toBe(0);
    expect(Buffer.from(stdout, "latin1").toString("utf8")).toBe(`              detections    share
sees                   0    0.0 %
partly                 1  100.0 %  ████████████████████
without body           0    0.0 %
blind                  0    0.0 %

answer  severity  detection
partly  high      Exec

partly: Exec
  not written: get pods/exec in default by robot: rules[1] is None
  not written: get pods/exec in default by jane: rules[2] is None
`);
  });

  test("does not count a noise rule against a detection that can never hit on it", async () => {
    const detection = file(
      "anonymous.yml",
      "title: Anonymous\nid: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e11\nlevel: high\nlogsource: { product: kubernetes, service: audit }\n" +
        "detection: { selection: { user.username: 'system:anonymous' }, condition: selection }\n",
    );
    const policy = file(
      "noise.yaml",
      `${HEAD}- {level: None, users: ["system:kube-scheduler"], verbs: [watch]}\n- {level: None, userGroups: ["system:nodes"]}\n- level: Metadata\n`,
    );
    const { stdout } = await auditsieve(["policy", "coverage", policy, "--detections", detection]);
    expect(stdout).toMatch(/^sees +1 /m);
  });

  const refusals: readonly (readonly [string, readonly string[], RegExp])[] = [
    ["no policy", ["absent.yaml"], /policy "absent.yaml": no such file/],
    ["a policy that is none", ["package.json"], /Cannot load the policy/],
    [
      "a detection that is not there",
      [EVERYTHING, "--detections", "absent.yml"],
      /detection "absent.yml": no such file/,
    ],
    ["a folder without detections", [EVERYTHING, "--detections", "samples"], /Cannot find a detection in "samples"/],
    ["a detection that is none", [EVERYTHING, "--detections", EVERYTHING], /all.yaml:\d+:\d+: /],
  ];
  test.each(refusals)("refuses %s with place, cure and 2", async (_what, args, said) => {
    const { code, stdout, stderr } = await auditsieve(["policy", "coverage", ...args]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(said);
    expect(stderr).toContain("hint:");
  });

  test("shows its options and examples", async () => {
    const { code, stdout } = await auditsieve(["policy", "coverage", "--help"]);
    expect(code).toBe(0);
    expect(stdout).toContain("Examples:");
  });
});
