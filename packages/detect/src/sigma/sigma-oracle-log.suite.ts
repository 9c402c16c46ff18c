import type { AuditEvent } from "@auditsieve/audit";
import * as fc from "fast-check";
import type { SigmaOracle } from "../../../../test/engines/sigma-oracle/sigma-oracle.ts";
import { DetectionEngine } from "../detection-engine.ts";
import { FindingStream } from "../stream/finding-stream.ts";
import { loadDetections } from "../load-detections.ts";

/** Id of the correlation that is asked about. */
export const ASKED = "5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e19";
const NOON = Date.parse("2026-11-24T12:00:00Z");

/** An event to be: seconds after the one before it, and what tells it apart. */
export interface Step {
  readonly wait: number;
  readonly verb: string;
  readonly who: string;
  readonly name: string;
  readonly code: number;
}

/** An event of a made log, with its second. */
export interface LoggedEvent {
  readonly event: AuditEvent;
  readonly second: number;
  readonly step: Step;
}

/** An event at which a correlation fires, and what it has measured there. */
export interface Firing extends LoggedEvent {
  readonly measured: number;
}

/** A detection of every event with this verb; `number` is a digit of its id. */
export function verbRule(verb: string, number: number): object {
  return {
    title: verb,
    name: `r_${verb}`,
    id: `5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e1${number}`,
    status: "test",
    level: "low",
    logsource: { product: "kubernetes", service: "audit" },
    detection: { s: { verb }, condition: "s" },
  };
}

/** A correlation document: the one that is asked about unless it has an id of its own. */
export function correlationOf(correlation: object, id = ASKED): object {
  const name = `c_${id.slice(-1)}`;
  return { title: name, name, id, status: "test", level: "high", correlation };
}

/** Logs of some two dozen events. rsigma counts in seconds: two events are never of one, nor as far apart as a time span. */
export const madeSteps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    wait: fc.constantFrom(3, 6, 21, 63),
    verb: fc.constantFrom("get", "create", "list"),
    who: fc.constantFrom("ann", "bob"),
    name: fc.constantFrom("a", "b", "c"),
    code: fc.constantFrom(100, 150, 200, 300, 400, 500),
  }),
  { minLength: 1, maxLength: 25 },
);

/** The events of `steps`. */
export function logOf(steps: readonly Step[]): readonly LoggedEvent[] {
  let second = NOON / 1000;
  return steps.map((step, index) => {
    second += step.wait;
    const time = new Date(second * 1000).toISOString().replace("Z", "000Z");
    const event: AuditEvent = {
      level: "RequestResponse",
      auditID: `a${index}`,
      stage: "ResponseComplete",
      requestURI: `/${index}`,
      verb: step.verb,
      user: { username: step.who === "ann" ? "bob" : "ann" },
      userAgent: step.who,
      objectRef: { resource: "pods", name: step.name },
      responseStatus: { code: step.code },
      requestReceivedTimestamp: time,
      stageTimestamp: time,
    };
    return { event, second, step };
  });
}

/** The documents as one text. */
export function textOf(...documents: readonly object[]): string {
  return documents.map((one) => JSON.stringify(one)).join("\n---\n");
}

/** Groups that the correlation which is asked about finds here; throws on a document with a problem. */
export function ourGroups(text: string, log: readonly LoggedEvent[]): ReadonlySet<string> {
  const { detections, problems } = loadDetections(text, "c.yml");
  // Made bounds may be ones that no window meets, of which rsigma must find none either.
  const wrong = problems.filter(({ id }) => id !== "sigma-pointless-value");
  if (wrong.length > 0) {
    throw new Error(`Cannot load the made documents: ${JSON.stringify(wrong)}`);
  }
  const stream = new FindingStream(new DetectionEngine(detections));
  const findings = [...log.flatMap(({ event }) => stream.push(event)), ...stream.flush()];
  return new Set(
    findings.flatMap(({ detection, correlation }) =>
      detection.id === ASKED && correlation ? Object.values(correlation.group) : [],
    ),
  );
}

/** The events at which a correlation fires for the oracle; throws when it refuses the documents. */
export async function firings(
  oracle: SigmaOracle,
  rule: string,
  log: readonly LoggedEvent[],
  asked = ASKED,
): Promise<readonly Firing[]> {
  const events = log.map(({ event }) => event);
  const { hits, values, refused } = await oracle.ask({ rule, events, seconds: log.map(({ second }) => second), asked });
  if (!hits) {
    throw new Error(`The oracle refused ${rule}: ${refused}`);
  }
  return log.flatMap((one, index) => (hits[index] ? [{ ...one, measured: values?.[index] ?? Number.NaN }] : []));
}
