import { attributesOfEvent, EventScan, stripLine } from "@auditsieve/audit";
import type { AuditEvent, Need, RequestAttributes } from "@auditsieve/audit";
import { evaluateCase, loadDetections } from "@auditsieve/detect";
import type { Detection } from "@auditsieve/detect";
import { evaluate, loadPolicy, visibilityOf } from "@auditsieve/policy";
import type { CoverageAnswer, Policy, Visibility } from "@auditsieve/policy";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ROOT } from "../run-command.suite.ts";
import { levelToHit } from "./policy-coverage-hit.ts";
import { coverDetection } from "./policy-coverage.ts";

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

const policies = globSync("profiles/policies/*.policy.yaml", { cwd: ROOT }).sort();

/** Holds the coverage of each shipped policy against what detections say of their cases; `isWanted` chooses pairs by their numbers. */
export function describeCoverage(isWanted: (policy: number, detection: number) => boolean): void {
  const parts = policies.map((path, p) => [path, detections.filter((_, d) => isWanted(p, d))] as const);

  describe.each(parts)("coverage of %s is what the detections say of what it would have written", (path, part) => {
    const policy = policyOf(readFileSync(join(ROOT, path), "utf8"));

    test.each(part)("$name", ({ detection, hits }) => {
      const coverage = coverDetection(policy, detection);
      const outcomes = hits.map(({ event, before }) => outcomeUnder(policy, detection, event, before));
      const expected = hits.map(({ event }) => visibilitiesOf(policy, detection, event));
      for (const [index, outcome] of outcomes.entries()) {
        // Where earlier events are not written that it rests on, the request itself may be seen.
        const restsOnOthers = outcome === "unknown" && (hits[index]?.before.length ?? 0) > 0;
        const allowed = restsOnOthers ? [...ALLOWED[outcome], "seen"] : ALLOWED[outcome];
        expect(allowed, `${hits[index]?.why}: ${outcome}`).toContain(summary(expected[index] ?? []));
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
}

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
  const written = writtenUnder(policy, event);
  if (written === undefined) {
    return "gone";
  }
  const outcome = evaluateCase(
    detection,
    written,
    before.flatMap((one) => writtenUnder(policy, one) ?? []),
  );
  // Without what was there before, nothing may be new.
  expect(before.length > 0 ? ["hit", "unknown", "miss"] : ["hit", "unknown"]).toContain(outcome);
  return outcome === "hit" ? "hit" : "unknown";
}

/** The event as the policy has it written; undefined where it does not. */
function writtenUnder(policy: Policy, event: AuditEvent): AuditEvent | undefined {
  const { level, omitStages, omitManagedFields } = evaluate(policy, attributesOfEvent(event));
  // What a request's first stage shows, its last one shows too.
  const stage = omitStages.includes(event.stage) ? "ResponseComplete" : event.stage;
  if (level === "None" || omitStages.includes(stage)) {
    return undefined;
  }
  const line = Buffer.from(JSON.stringify({ ...event, stage }));
  const scan = new EventScan();
  expect(scan.scan(line, 0, line.length)).toBe(true);
  return JSON.parse(stripLine(scan, { level, omitManagedFields }).toString("utf8")) as AuditEvent;
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
