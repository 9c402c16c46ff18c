import type { AuditEvent, JsonValue } from "@auditsieve/audit";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DetectionEngine } from "./detection-engine.ts";
import { headOf } from "./reading/event-parts.ts";
import type { Finding } from "./finding.ts";
import { FindingStream } from "./stream/finding-stream.ts";
import type { FindingStreamOptions } from "./stream/finding-stream-options.ts";
import { HEAD_FIELDS } from "./reading/head-view.ts";
import { loadDetections } from "./load-detections.ts";
import { eventAt, madeWith, podCreated, toldOf } from "./memory/events.suite.ts";
import type { PodChange } from "./memory/pod-change.ts";
import type { QuietAnswer } from "./stream/quiet-answers.ts";
import { rememberingHeads } from "./remembering-head.suite.ts";
import { shippedDocuments } from "./shipped-detections.suite.ts";
import { ShownEvent } from "./shown-event.ts";
import type { Wanted } from "./stream/wanted.ts";

/** Hits when a request by this client comes in, whatever becomes of it, so that it is still open when it ends. */
const EARLY = `
title: Early
id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10
level: low
logsource: { product: kubernetes, service: audit }
detection: { selection: { userAgent: early, stage: RequestReceived }, condition: selection }
`;
const FILES = ["token-used-away-from-its-pod", "exec-into-privileged-pod"];
const engine = new DetectionEngine([
  ...shippedDocuments.filter(({ file }) => FILES.some((name) => file.endsWith(`${name}.yml`))),
  ...loadDetections(EARLY, "early.yml").detections,
]);

type Kind = "create" | "bind" | "address" | "delete" | "trial" | "delete-all" | "receive" | "exec" | "use";
const KINDS: readonly Kind[] = ["create", "bind", "address", "delete", "trial", "delete-all", "receive", "exec", "use"];
const BODIES: readonly JsonValue[] = [
  { status: { podIP: "10.1.0.1", podIPs: [{ ip: "10.1.0.1" }, { ip: "fd00::1" }] }, target: { name: "n1" } },
  { status: { podIP: "10.1.0.2" }, target: { name: "n2" } },
  { status: { podIPs: [{ ip: "" }, null, { ip: 7 }], podIP: 10 }, target: { name: 7 } },
  { status: "podIP", target: null },
  { dryRun: ["All"] },
  null,
];

interface Step {
  readonly kind: Kind;
  readonly pod: number;
  readonly body: number;
  readonly seconds: number;
  readonly again: boolean;
}
const steps = fc.array(
  fc.record<Step>({
    kind: fc.constantFrom(...KINDS),
    pod: fc.nat(3),
    body: fc.nat(BODIES.length - 1),
    seconds: fc.constantFrom(0, 1, 1, 30, 900),
    again: fc.boolean(),
  }),
  { minLength: 10, maxLength: 60 },
);

function eventsOf(some: readonly Step[]): readonly AuditEvent[] {
  let now = 0;
  return some.map(({ kind, pod, body, seconds, again }, i) => {
    now += seconds;
    const name = `web-${pod}`;
    const ref = { resource: "pods", namespace: "shop", name };
    const uri = `/api/v1/namespaces/shop/pods/${name}`;
    const agent = eventAt(now, {
      // Some have the auditID of the event before, and all else of it that tells requests apart.
      auditID: `a-${again ? pod : i}`,
      requestReceivedTimestamp: eventAt(Math.floor(now / 100) * 100, {}).stageTimestamp as string,
      user: { ...madeWith("X509SHA256=1", "system:node:n1"), groups: ["system:nodes", "system:authenticated"] },
    });
    const requestObject = BODIES[body] as JsonValue;
    const deleting = { ...agent, verb: "delete", requestURI: uri, objectRef: ref };
    switch (kind) {
      case "create":
        return { ...podCreated(now, name, { hostPID: body === 0 }), auditID: agent.auditID };
      case "bind":
        return {
          ...agent,
          verb: "create",
          requestURI: `${uri}/binding`,
          objectRef: { ...ref, subresource: "binding" },
          requestObject,
        };
      case "address":
        return {
          ...agent,
          verb: "patch",
          requestURI: `${uri}/status`,
          objectRef: { ...ref, subresource: "status" },
          requestObject,
        };
      case "delete":
        return { ...deleting, requestObject };
      case "trial":
        return { ...deleting, requestURI: `${uri}?dryRun=All`, requestObject };
      case "delete-all":
        return { ...agent, verb: "deletecollection", requestURI: "/api/v1/namespaces/shop/pods" };
      case "receive": {
        const { responseStatus: _, ...early } = deleting;
        return { ...early, stage: "RequestReceived", userAgent: "early" };
      }
      case "exec":
        return { ...agent, stage: "ResponseStarted", verb: "get", objectRef: { ...ref, subresource: "exec" } };
      case "use":
        return {
          ...agent,
          user: madeWith(`JTI=${pod}`, "system:serviceaccount:shop:web", {
            "authentication.kubernetes.io/pod-name": [name],
          }),
          sourceIPs: [body === 0 ? "10.1.0.1" : "10.9.9.9"],
          requestURI: "/version",
        };
      default: {
        const never: never = kind;
        return never;
      }
    }
  });
}

/** Gives the stream an event as an answer about another one tells. */
function give(stream: FindingStream, tells: PodChange | Wanted, event: AuditEvent): readonly Finding[] {
  return typeof tells === "string"
    ? stream.tell(tells, toldOf(event), () => event)
    : stream.pushWanted(tells, event, () => ShownEvent.of(event), JSON.stringify(event).length);
}

/** By the whole head that each is about. */
type Answers = Map<string, QuietAnswer>;

describe("FindingStream.tell and FindingStream.pushWanted", () => {
  const bounds = fc.record<FindingStreamOptions>({
    maxPods: fc.constantFrom(1, 2, 100),
    maxCredentials: fc.constantFrom(2, 100),
    maxRequests: fc.constantFrom(1, 2, 100),
  });

  test("finds and remembers what push does, whatever is forgotten, and after a restart in between", () => {
    let told = 0;
    let wanted = 0;
    let findings = 0;
    fc.assert(
      fc.property(steps, bounds, fc.nat(59), (some, options, restart) => {
        const headIn = rememberingHeads();
        let answers: Answers = new Map();
        let telling = new FindingStream(engine, options);
        let pushing = new FindingStream(engine, options);
        eventsOf(some).forEach((event, i) => {
          if (i === restart) {
            const [one, other] = [new FindingStream(engine, options), new FindingStream(engine, options)];
            one.restore(JSON.parse(JSON.stringify(telling.snapshot())));
            other.restore(JSON.parse(JSON.stringify(pushing.snapshot())));
            [telling, pushing] = [one, other];
            answers = new Map();
          }
          const head = headIn(event);
          const alike = JSON.stringify([HEAD_FIELDS.map((field) => head.get(field))]);
          const known = answers.get(alike);
          const candidates = known?.stands === true ? [] : telling.candidates(head);
          const isPossible = known?.stands !== true && telling.quiet.isPossible(candidates);
          const answer = known?.stands === true ? known : isPossible ? telling.quiet.about(head) : undefined;
          if (answer !== undefined) {
            answers.set(alike, answer);
          }
          told += typeof answer?.tells === "string" ? 1 : 0;
          wanted += typeof answer?.tells === "object" ? 1 : 0;
          const found =
            answer?.tells === undefined
              ? telling.push(event, undefined, candidates)
              : give(telling, answer.tells, event);
          const expected = pushing.push(event);
          expect(found).toEqual(expected);
          findings += expected.length;
        });
        expect(telling.snapshot()).toEqual(pushing.snapshot());
        expect(telling.flush()).toEqual(pushing.flush());
        expect(telling.counts()).toEqual(pushing.counts());
      }),
      { numRuns: 60 },
    );
    expect(told).toBeGreaterThan(200);
    expect(wanted).toBeGreaterThan(50);
    expect(findings).toBeGreaterThan(10);
  });
});

test("what changes a part of a pod is asked for only where a body can tell it", () => {
  const steps: readonly Kind[] = ["bind", "address", "create", "delete"];
  const [bind, address, create, remove] = eventsOf(
    steps.map((kind, i) => ({ kind, pod: 0, body: 0, seconds: i, again: false })),
  ) as [AuditEvent, AuditEvent, AuditEvent, AuditEvent];
  const memory = new DetectionEngine([], { remember: ["pods", "podAddresses"] });
  const grow = { ...bind, objectRef: { ...bind.objectRef, subresource: "ephemeralcontainers" } };
  for (const [event, isAsked] of [
    [bind, false],
    [address, false],
    [grow, false],
    [create, true],
    [remove, true],
  ] as const) {
    const { requestObject: _request, responseObject: _response, ...bare } = event;
    expect(memory.mayHit(headOf(event))).toBe(true);
    expect(memory.mayHit(headOf({ ...bare, level: "Request" }))).toBe(true);
    expect(memory.mayHit(headOf({ ...bare, level: "Metadata" }))).toBe(isAsked);
  }
});
