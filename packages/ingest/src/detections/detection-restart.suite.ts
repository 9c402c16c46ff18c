import { createRedactor, EventScan } from "@auditsieve/audit";
import type { AuditEvent, Stage } from "@auditsieve/audit";
import { findingJson, FindingStream, ShownEvent } from "@auditsieve/detect";
import type { DetectionEngine } from "@auditsieve/detect";
import { AlarmWatch } from "../alarms/alarm-watch.ts";
import { AUDIT_ID_REPEATED } from "../alarms/audit-id-watch.ts";
import { FindingTap } from "./finding-tap.ts";

const ID = "5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e";

/** Detections of every kind that remembers something. */
export function detectionRules(): string {
  const simple = (n: number, verb: string, more = ""): string => `
title: ${verb}
name: ${verb}
id: ${ID}${n}
level: low
logsource: { product: kubernetes, service: audit }
detection: { s: { verb: ${verb} }, condition: s }
${more}`;
  const correlated = (n: number, of: string): string => `
title: c${n}
name: c${n}
id: ${ID}${n}
level: high
correlation: { ${of}, group-by: [user.name], timespan: 1m, generate: true }
`;
  return [
    simple(11, "get"),
    simple(12, "list"),
    simple(13, "patch", "auditsieve: { first-seen: { fields: [userAgent], per: [user.username], learn: 20s } }"),
    correlated(20, "type: event_count, rules: [get], condition: { gte: 4 }"),
    correlated(21, "type: event_count, rules: [list], condition: { lt: 3 }"),
    correlated(22, "type: temporal_ordered, rules: [get, list]"),
    correlated(23, "type: event_count, rules: [c20], condition: { gte: 2 }"),
    // Stands for the shipped one: found by a watch over every event, and by nothing else.
    simple(14, "nothing").replace(`${ID}14`, AUDIT_ID_REPEATED),
  ].join("\n---\n");
}

/** Numbers below 1 that follow from the seed (mulberry32). */
export function chanceOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Lines of an audit log; stages of one request stand apart, and some requests bear the id of another. `chance` gives numbers below 1. */
export function eventLines(requests: number, chance: () => number, firstNumber = 0): readonly string[] {
  const lines: { readonly order: number; readonly text: string }[] = [];
  const pick = <T>(of: readonly T[]): T => of[Math.floor(chance() * of.length)] as T;
  for (let n = firstNumber; n < firstNumber + requests; n++) {
    const verb = pick(["get", "list", "patch", "watch"]);
    const user = pick(["eve", "ann", "bob"]);
    const stages = pick<readonly Stage[]>([
      ["ResponseComplete"],
      ["RequestReceived", "ResponseComplete"],
      ["RequestReceived"],
    ]);
    const auditID = `id-${chance() < 0.1 ? Math.floor(chance() * n) : n}`;
    const userAgent = `agent-${Math.floor(chance() * 12)}`;
    stages.forEach((stage, i) => {
      const time = new Date(Date.UTC(2026, 10, 24) + n * 4000 + i * 2500).toISOString().replace("Z", "000Z");
      const event = {
        kind: "Event",
        apiVersion: "audit.k8s.io/v1",
        level: "Metadata",
        auditID,
        stage,
        requestURI: "/api/v1/namespaces/shop/secrets",
        verb,
        user: { username: user },
        sourceIPs: ["10.0.0.1"],
        userAgent,
        objectRef: { resource: "secrets", namespace: "shop" },
        ...(stage !== "RequestReceived" && { responseStatus: { code: 200 } }),
        requestReceivedTimestamp: new Date(Date.UTC(2026, 10, 24) + n * 4000).toISOString().replace("Z", "000Z"),
        stageTimestamp: time,
      };
      lines.push({ order: n + i * 2.5, text: JSON.stringify(event) });
    });
  }
  return lines.sort((a, b) => a.order - b.order).map(({ text }) => text);
}

/** The findings of one stream that is never stopped, each as its document; what still waits at the end is not among them. */
export function findingsOf(lines: readonly string[], engine: DetectionEngine): readonly string[] {
  const findings: string[] = [];
  const redactor = createRedactor({ key: Buffer.alloc(32, 1) });
  const watch = new AlarmWatch({ detections: engine });
  const tap = new FindingTap(new FindingStream(engine), redactor, (finding) =>
    findings.push(...watch.without([finding]).map(findingJson)),
  );
  const scan = new EventScan();
  for (const line of lines) {
    const bytes = Buffer.from(line);
    if (scan.scan(bytes, 0, bytes.length)) {
      tap.event(scan);
      if (watch.isSuspicious(scan)) {
        const shown = ShownEvent.ofJson(redactor.redactLine(bytes).toString("utf8")) as ShownEvent;
        findings.push(...watch.findings(JSON.parse(line) as AuditEvent, () => shown).map(findingJson));
      }
    }
  }
  return findings.toSorted();
}
