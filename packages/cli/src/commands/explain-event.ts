import { attributesOfScan, documentId } from "@auditsieve/audit";
import type { AuditEvent, JsonObject, JsonValue, Redactor, RequestAttributes } from "@auditsieve/audit";
import { evaluateDetection } from "@auditsieve/detect";
import type { Detection, DetectionEngine } from "@auditsieve/detect";
import { ecsDocument } from "@auditsieve/ingest";
import type { StreamDecision, StreamPolicy } from "@auditsieve/policy";
import type { ReplayedEvent } from "@auditsieve/replay";
import { randomBytes } from "node:crypto";
import { describeRule } from "../noise-policy.ts";

/** What each stage does with one line. */
export interface Explained {
  readonly log: string;
  /** Bytes before the line in its log. */
  readonly offset: number;
  readonly stage: string;
  readonly level: string;
  readonly time: string;
  readonly request: RequestAttributes;
  /** What the authorizer said, and why: of RBAC the binding that let it pass. */
  readonly authorization: { readonly decision: string; readonly reason: string };
  readonly decision: StreamDecision & { readonly because: string };
  readonly detections: readonly {
    readonly id: string;
    readonly title: string;
    readonly outcome: "hit" | "unknown";
    /** A hit is no finding by itself: it counts for correlations. */
    readonly countsOnly?: true;
    /** Titles of exceptions that keep a hit from being a finding. */
    readonly exceptions?: readonly string[];
  }[];
  /** Findings of the whole log that rest on this request. */
  readonly findings: readonly {
    readonly id: string;
    readonly severity: string;
    readonly title: string;
    readonly summary: string;
  }[];
  /** Whether a sink that has this policy gets it. */
  readonly sent: "whole" | "stripped" | "as evidence of a finding" | "not";
  /** Places whose values are replaced by keyed hashes. */
  readonly redacted: readonly string[];
  readonly document: JsonValue;
}

/** What an event is explained by. */
export interface ExplainContext {
  readonly policy: StreamPolicy;
  readonly engine: DetectionEngine;
  /** Detections whose hits only count for correlations. */
  readonly silent: ReadonlySet<Detection>;
  readonly redactor: Redactor;
}

/** Explains what is known while the event is in hand. */
export function explainEvent(
  event: ReplayedEvent,
  { policy, engine, silent, redactor }: ExplainContext,
): Omit<Explained, "findings" | "sent"> {
  const { scan, log, offset } = event;
  const original = event.line();
  const decided = policy.decide(scan);
  // As the daemon does: of what was damaged nothing proves that it is noise.
  const decision = event.isSalvaged && decided.action === "drop" ? { ...decided, action: "keep" as const } : decided;
  const kept = decision.action === "strip" ? policy.strip(scan, decision) : original;
  const document = redactor.redactLine(kept);
  const time = scan.text("stageTimestamp") ?? scan.text("requestReceivedTimestamp") ?? "";
  const delivery = { id: documentId(randomBytes(32), "explain", original), kind: "event", document, time } as const;
  return {
    log,
    offset,
    stage: scan.stage,
    level: scan.level,
    time,
    request: attributesOfScan(scan),
    authorization: authorizationOf(event.original()),
    decision: {
      ...decision,
      because:
        decision === decided
          ? because(decision, policy)
          : "it was salvaged from a damaged line, which is never dropped",
    },
    detections: engine.evaluate(event.original()).map(({ detection, outcome }) => {
      const { id, title } = detection;
      const exceptions = outcome === "hit" ? excusing(detection, event.original()) : [];
      const countsOnly = silent.has(detection) && { countsOnly: true as const };
      return { id, title, outcome, ...countsOnly, ...(exceptions.length > 0 && { exceptions }) };
    }),
    redacted: changedPlaces(
      JSON.parse(kept.toString("utf8")) as JsonValue,
      JSON.parse(document.toString("utf8")) as JsonValue,
    ),
    document: JSON.parse(
      ecsDocument(delivery, { cluster: "explain", namespace: "default", now: Date.now }),
    ) as JsonValue,
  };
}

function authorizationOf({ annotations = {} }: AuditEvent): Explained["authorization"] {
  return {
    decision: annotations["authorization.k8s.io/decision"] ?? "",
    reason: annotations["authorization.k8s.io/reason"] ?? "",
  };
}

function excusing(detection: Detection, event: AuditEvent): readonly string[] {
  return (detection.exceptions ?? [])
    .filter((one) => evaluateDetection({ ...detection, exceptions: [one] }, event) === "miss")
    .map(({ title }) => title);
}

/** Places at which two documents differ: `requestObject.data.password`. No call for each level: nobody knows how deeply a body is nested. */
function changedPlaces(before: JsonValue, after: JsonValue): readonly string[] {
  const places: string[] = [];
  const left: (readonly [before: JsonValue, after: JsonValue, place: string])[] = [[before, after, ""]];
  for (let pair = left.pop(); pair !== undefined; pair = left.pop()) {
    const [one, other, place] = pair;
    if (typeof one === "object" && one !== null && typeof other === "object" && other !== null) {
      // The first one is to be looked at next.
      for (const key of Object.keys(one).reverse()) {
        left.push([
          (one as JsonObject)[key] ?? null,
          (other as JsonObject)[key] ?? null,
          Array.isArray(one) ? `${place}[${key}]` : place === "" ? key : `${place}.${key}`,
        ]);
      }
    } else if (one !== other) {
      places.push(place);
    }
  }
  return places;
}

function because(decision: StreamDecision, policy: StreamPolicy): string {
  if (decision.rule !== null) {
    return `rules[${decision.rule}] is the first that matches: ${describeRule(policy, decision.rule) || "everything"}`;
  }
  return decision.action === "drop"
    ? "no rule matches"
    : "a stream.keep condition holds (impersonation, or an answer that is never dropped)";
}

/** How the document of an event leaves, on which a finding may rest. */
export function sentAs(action: StreamDecision["action"], isEvidence: boolean): Explained["sent"] {
  if (action === "keep") {
    return "whole";
  }
  // What a finding rests on is sent whatever the policy says.
  if (isEvidence) {
    return "as evidence of a finding";
  }
  return action === "strip" ? "stripped" : "not";
}
