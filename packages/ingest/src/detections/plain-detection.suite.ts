import { createRedactor, EventScan } from "@auditsieve/audit";
import type { AuditEvent } from "@auditsieve/audit";
import { DetectionEngine, FindingStream, loadDetectionFiles } from "@auditsieve/detect";
import type { Detection } from "@auditsieve/detect";
import * as fc from "fast-check";
import { globSync, readFileSync } from "node:fs";
import { zstdDecompressSync } from "node:zlib";
import { expect } from "vitest";
import { FindingTap } from "./finding-tap.ts";

const root = new URL("../../../../", import.meta.url);

/** The shipped detections. */
export function shippedDetections(): readonly Detection[] {
  const files = globSync("profiles/detections/*/*.yml", { cwd: root }).map((file) => ({
    file,
    text: readFileSync(new URL(file, root), "utf8"),
  }));
  return loadDetectionFiles(files).detections;
}

/** Rules nothing out and remembers nothing: every condition is evaluated on every event. */
class PlainEngine extends DetectionEngine {
  override candidates(): readonly Detection[] {
    return [...this.detections, ...this.feeders];
  }

  override rest(): ReturnType<DetectionEngine["rest"]> {
    return new Map();
  }

  override keep<Value>(_head: unknown, _key: unknown, make: () => Value): Value {
    return make();
  }
}

/** Lines of each recorded run, in their order. */
export function recordedLines(): readonly (readonly string[])[] {
  return ["attack", "lineage"].map((name) =>
    zstdDecompressSync(readFileSync(new URL(`samples/${name}.log.zst`, root)))
      .toString("utf8")
      .split("\n")
      .filter((line) => line !== ""),
  );
}

/** Parts that one event may take from another. */
const FOREIGN = [
  "user",
  "sourceIPs",
  "userAgent",
  "annotations",
  "objectRef",
  "responseStatus",
  "requestObject",
  "responseObject",
  "impersonatedUser",
  "verb",
  "stage",
  "level",
  "requestURI",
] as const satisfies readonly (keyof AuditEvent)[];

interface Change {
  readonly at: number;
  readonly from: number;
  readonly field: (typeof FOREIGN)[number];
}

const script = fc.record({
  log: fc.integer({ min: 0, max: 1 }),
  start: fc.nat(),
  step: fc.integer({ min: 1, max: 7 }),
  changes: fc.array(fc.record<Change>({ at: fc.nat(), from: fc.nat(), field: fc.constantFrom(...FOREIGN) }), {
    maxLength: 40,
  }),
});

/**
 * Leads sequences of recorded events, mixed with one another field by field, through the detections twice: as the daemon and replay do it,
 * and with every condition evaluated on every whole event. The findings and what could not be decided must be the same.
 */
export function expectPlainAnswers(runs: number, length: number): void {
  const detections = shippedDetections();
  const recorded = recordedLines();
  // One for all runs, so that what it remembers of heads meets other memories.
  const engine = new DetectionEngine(detections);
  const plain = new PlainEngine(detections);
  let findings = 0;
  fc.assert(
    fc.property(script, ({ log, start, step, changes }) => {
      // Within one log: where time goes back by days, it matters how many events tell the time.
      const all = recorded[log] as readonly string[];
      const first = start % (all.length - length * step);
      const events = Array.from({ length }, (_, i) => JSON.parse(all[first + i * step] ?? "") as AuditEvent);
      for (const { at, from, field } of changes) {
        const other = events[from % length] as AuditEvent;
        const { auditID } = events[at % length] as AuditEvent;
        // The stages of one request tell the same of it; only each has a stage of its own.
        const isAlso = (one: AuditEvent, i: number): boolean =>
          i === at % length || (one.auditID === auditID && field !== "stage");
        events.forEach((one, i) => {
          events[i] = isAlso(one, i) ? { ...one, [field]: other[field] } : one;
        });
      }
      const written = events.map(asWritten);
      const [fast, exact] = [fastWay(engine, written), plainWay(plain, written)];
      expect(fast).toEqual(exact);
      findings += exact.findings.length;
    }),
    { numRuns: runs },
  );
  expect(findings).toBeGreaterThan(0);
}

/** Subresources whose requests run long, beside every watch. */
const RUNS_LONG: ReadonlySet<string | undefined> = new Set(["attach", "exec", "log", "portforward", "proxy"]);

/**
 * Without what no apiserver writes: an answer at RequestReceived, and ResponseStarted of a request that does not run long. Where
 * that could not be decided, what comes after it may be ruled out by its head alone, and then it stays undecided.
 */
function asWritten(event: AuditEvent): AuditEvent {
  if (event.stage === "ResponseStarted" && event.verb !== "watch" && !RUNS_LONG.has(event.objectRef?.subresource)) {
    return { ...event, stage: "ResponseComplete" };
  }
  if (event.stage !== "RequestReceived") {
    return event;
  }
  const {
    responseStatus: _,
    impersonatedUser: __,
    requestObject: ___,
    responseObject: ____,
    annotations: _____,
    ...early
  } = event;
  return early;
}

interface Answers {
  readonly findings: readonly string[];
  readonly undecided: Readonly<Record<string, number>>;
}

function fastWay(engine: DetectionEngine, events: readonly AuditEvent[]): Answers {
  const stream = new FindingStream(engine);
  const findings: string[] = [];
  const tap = new FindingTap(stream, createRedactor({ key: Buffer.alloc(32) }), ({ id }) => findings.push(id));
  const scan = new EventScan();
  for (const event of events) {
    const line = Buffer.from(JSON.stringify(event));
    expect(scan.scan(line, 0, line.length)).toBe(true);
    tap.event(scan);
  }
  tap.end();
  return { findings: findings.toSorted(), undecided: stream.counts().undecided };
}

function plainWay(engine: DetectionEngine, events: readonly AuditEvent[]): Answers {
  const stream = new FindingStream(engine);
  const findings = [...events.flatMap((event) => stream.push(event)), ...stream.flush()];
  return { findings: findings.map(({ id }) => id).toSorted(), undecided: stream.counts().undecided };
}

/** Leads the events of each case of the shipped detections through both ways: what proves a detection is found in a log, too. */
export function expectCasesFound(): void {
  const detections = shippedDetections();
  const engine = new DetectionEngine(detections);
  const plain = new PlainEngine(detections);
  let findings = 0;
  for (const file of globSync("profiles/detections/*/*.cases.ndjson", { cwd: root }).sort()) {
    for (const line of readFileSync(new URL(file, root), "utf8").trimEnd().split("\n")) {
      const { why, event, events } = JSON.parse(line) as Case;
      const written = (events ?? [event]) as readonly AuditEvent[];
      const exact = plainWay(plain, written);
      expect(fastWay(engine, written), `${file}: ${why}`).toEqual(exact);
      findings += exact.findings.length;
    }
  }
  expect(findings).toBeGreaterThan(1000);
}

interface Case {
  readonly why: string;
  readonly event?: AuditEvent;
  readonly events?: readonly AuditEvent[];
}
