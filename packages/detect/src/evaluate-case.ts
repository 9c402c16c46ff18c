import type { AuditEvent } from "@auditsieve/audit";
import { readsSome } from "./definition/fields-read.ts";
import type { Detection } from "./definition/detection.ts";
import { DetectionEngine, evaluateDetection } from "./detection-engine.ts";
import type { Outcome } from "./detection-engine.ts";
import type { Finding } from "./finding.ts";
import { FindingStream } from "./stream/finding-stream.ts";
import { rememberedField } from "./condition/remembered-fields.ts";

/**
 * What a detection says of `event` when the log held the events of `before`, in their order. `others` are detections
 * that a correlation names; of one it says whether the events make a finding. Without state it is what `evaluateDetection` says.
 *
 * @example
 * const { detections: [detection] } = loadDetections(`
 * title: Exec into a privileged pod
 * id: 3a1f9d52-7a0b-4f6e-9b7a-6d2f4c8e1b90
 * level: high
 * logsource: { product: kubernetes, service: audit }
 * detection:
 *   exec: { objectRef.subresource: exec, auditsieve.pod.privileged: true }
 *   condition: exec
 * `, "exec.yml");
 * const exec = { level: "Metadata", auditID: "b", stage: "ResponseStarted", verb: "get", user: { username: "eve" },
 *   requestURI: "/api/v1/namespaces/a/pods/p/exec", objectRef: { resource: "pods", subresource: "exec", namespace: "a", name: "p" },
 *   responseStatus: { code: 101 } };
 * assert.equal(evaluateCase(detection, exec), "unknown");
 * const pod = { level: "Request", auditID: "a", stage: "ResponseComplete", verb: "create", user: { username: "eve" },
 *   requestURI: "/api/v1/namespaces/a/pods", objectRef: { resource: "pods", namespace: "a", name: "p" }, responseStatus: { code: 201 },
 *   requestObject: { spec: { containers: [{ securityContext: { privileged: true } }] } } };
 * assert.equal(evaluateCase(detection, exec, [pod]), "hit");
 */
export function evaluateCase(
  detection: Detection,
  event: AuditEvent,
  before: readonly AuditEvent[] = [],
  others: readonly Detection[] = [],
): Outcome {
  if (!hasState(detection)) {
    return evaluateDetection(detection, event);
  }
  const engine = new DetectionEngine([detection, ...others.filter(({ id }) => id !== detection.id)]);
  const stream = new FindingStream(engine);
  const earlier = before.flatMap((one) => stream.push(one));
  const undecided = stream.counts().undecided[detection.id] ?? 0;
  const findings = [...stream.push(event), ...stream.flush()];
  // A correlation's finding rests on all events, and carries a choice of them.
  const isAbout = ({ auditIDs }: Finding): boolean =>
    detection.correlation !== undefined || auditIDs.includes(event.auditID);
  const made = detection.correlation ? [...earlier, ...findings] : findings;
  if (made.some((finding) => finding.detection.id === detection.id && isAbout(finding))) {
    return "hit";
  }
  return (stream.counts().undecided[detection.id] ?? 0) > undecided ? "unknown" : "miss";
}

/** Whether what a detection says of an event depends on earlier ones. */
export function hasState({ condition, correlation, firstSeen }: Detection): boolean {
  return (
    correlation !== undefined ||
    firstSeen !== undefined ||
    readsSome(condition, (field) => rememberedField(field) !== undefined)
  );
}
