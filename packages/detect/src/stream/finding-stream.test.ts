import type { AuditEvent, Stage } from "@auditsieve/audit";
import { describe, expect, it } from "vitest";
import { DetectionEngine } from "../detection-engine.ts";
import { FindingStream } from "./finding-stream.ts";
import { loadDetections } from "../load-detections.ts";
import { eventAt, podCreated } from "../memory/events.suite.ts";
import { shippedDetections, shippedDocuments } from "../shipped-detections.suite.ts";
import { ShownEvent } from "../shown-event.ts";

/** Few enough that a request's findings can be named. */
const engine = new DetectionEngine(
  shippedDetections
    .map(({ detection }) => detection)
    .filter(
      ({ severity, correlation }) => correlation === undefined && severity !== "low" && severity !== "informational",
    ),
);
const pack = new DetectionEngine(shippedDocuments);

function at(seconds: number): string {
  return new Date(Date.UTC(2026, 0, 1) + seconds * 1000).toISOString().replace("Z", "000Z");
}

function exec(verb: string, subresource: string, stage: Stage, more: Partial<AuditEvent> = {}): AuditEvent {
  return {
    level: "Metadata",
    auditID: "one",
    stage,
    requestURI: `/api/v1/namespaces/shop/pods/tools/${subresource}`,
    verb,
    user: { username: "ops-carol" },
    objectRef: { resource: "pods", namespace: "shop", name: "tools", subresource, apiVersion: "v1" },
    ...(stage !== "RequestReceived" && { responseStatus: { code: 101 } }),
    requestReceivedTimestamp: at(0),
    stageTimestamp: at(stage === "ResponseComplete" ? 300 : 0),
    ...more,
  };
}

const bindCreate = (stage: Stage, more: Partial<AuditEvent> = {}): AuditEvent => ({
  level: "RequestResponse",
  auditID: "bind",
  stage,
  requestURI: "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
  verb: "create",
  user: { username: "ops-carol" },
  objectRef: { resource: "clusterrolebindings" },
  requestReceivedTimestamp: at(0),
  stageTimestamp: at(0),
  ...more,
});

function long(n: number): AuditEvent {
  return exec("get", "exec", "RequestReceived", { auditID: `id-${n}`, userAgent: "x".repeat(30_000) });
}

function idOf(event: AuditEvent, apiserver = ""): string | undefined {
  const stream = new FindingStream(engine, { apiserver });
  return [...stream.push(event), ...stream.flush()][0]?.id;
}

describe("FindingStream", () => {
  const stages: readonly (readonly Stage[])[] = [
    ["RequestReceived"],
    ["ResponseStarted"],
    ["ResponseComplete"],
    ["RequestReceived", "ResponseStarted"],
    ["ResponseStarted", "ResponseComplete"],
    ["RequestReceived", "ResponseComplete"],
    ["RequestReceived", "ResponseStarted", "ResponseComplete"],
    ["ResponseComplete", "RequestReceived", "ResponseStarted"],
  ];
  it.each(
    stages.flatMap((of) =>
      ["get", "create"].flatMap((verb) =>
        ["exec", "attach", "portforward"].map((subresource) => [verb, subresource, of] as const),
      ),
    ),
  )("gives one finding for %s pods/%s at %j", (verb, subresource, of) => {
    const stream = new FindingStream(pack);
    const found = [...of.flatMap((stage) => stream.push(exec(verb, subresource, stage))), ...stream.flush()];
    expect(found).toHaveLength(1);
    expect(found[0]?.outcome).toBe(of.length === 1 && of[0] === "RequestReceived" ? "unknown" : "success");
  });

  it("holds a hit at RequestReceived for the stage that says more", () => {
    const stream = new FindingStream(engine);
    expect(stream.push(exec("get", "exec", "RequestReceived"))).toEqual([]);
    const [finding] = stream.push(exec("get", "exec", "ResponseStarted"));
    expect(finding).toMatchObject({
      detection: { level: "medium", techniques: ["T1609"] },
      time: at(0),
      actor: "ops-carol",
      summary: "ops-carol: exec into pod shop/tools (get, 101)",
      outcome: "success",
      code: 101,
      namespace: "shop",
      object: "pods/exec shop/tools",
      auditIDs: ["one"],
    });
    expect(finding?.events[0]?.stage).toBe("ResponseStarted");
  });

  it("lets a held hit go when event time has passed the bound, in either direction", () => {
    for (const later of [700, -700]) {
      const stream = new FindingStream(engine);
      stream.push(exec("get", "exec", "RequestReceived"));
      expect(stream.advance(at(599))).toHaveLength(0);
      expect(stream.advance(at(later))).toHaveLength(1);
      expect(stream.flush()).toEqual([]);
    }
  });

  it.each(["whole", "interrupted"])("finds an exec of hours once, in a stream that is %s", (how) => {
    const tick = (seconds: number): AuditEvent =>
      exec("get", "log", "ResponseComplete", { auditID: `tick-${seconds}`, stageTimestamp: at(seconds) });
    let stream = new FindingStream(engine);
    const found = ["RequestReceived", "ResponseStarted"].flatMap((stage) =>
      stream.push(exec("get", "exec", stage as Stage)),
    );
    for (let seconds = 60; seconds < 8 * 3600; seconds += 60) {
      found.push(...stream.advance(at(seconds)), ...stream.push(tick(seconds)));
    }
    if (how === "interrupted") {
      const snapshot = stream.snapshot();
      stream = new FindingStream(engine);
      expect(stream.restore(snapshot)).toBe(true);
      found.push(...stream.advance(at(8 * 3600)));
    }
    found.push(
      ...stream.push(exec("get", "exec", "ResponseComplete", { stageTimestamp: at(8 * 3600 + 1) })),
      ...stream.flush(),
    );
    expect(found.map(({ summary }) => summary)).toHaveLength(1);
  });

  it.each([
    [
      "a container that is added to a pod",
      eventAt(5, {
        verb: "patch",
        requestURI: "/api/v1/namespaces/shop/pods/web/ephemeralcontainers",
        objectRef: { resource: "pods", subresource: "ephemeralcontainers", namespace: "shop", name: "web" },
        requestObject: { spec: { ephemeralContainers: [{ name: "d", securityContext: { privileged: true } }] } },
      }),
    ],
    [
      "a binding that allows to change itself",
      eventAt(5, {
        verb: "patch",
        requestURI: "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/b",
        objectRef: { resource: "clusterrolebindings", apiGroup: "rbac.authorization.k8s.io", name: "b" },
        requestObject: {
          subjects: [
            { kind: "User", name: "eve" },
            { kind: "User", name: "bob" },
          ],
        },
        annotations: {
          "authorization.k8s.io/decision": "allow",
          "authorization.k8s.io/reason": 'RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "r" to User "eve"',
        },
      }),
    ],
  ])("finds of an event that comes twice what it finds of one: %s", (_, event) => {
    const found = (...events: readonly AuditEvent[]): readonly string[] => {
      const stream = new FindingStream(pack);
      const findings = [podCreated(0, "web", {}), ...events].flatMap((one) => stream.push(one));
      return [...findings, ...stream.flush()].map(({ id, detection }) => `${detection.title} ${id}`);
    };
    expect(found(event, event)).toEqual(found(event));
  });

  it("forgets a stream that has not ended for over a day", () => {
    const stream = new FindingStream(engine);
    stream.push(exec("get", "exec", "ResponseStarted"));
    stream.advance(at(24 * 3600));
    expect((stream.snapshot() as { open: unknown[] }).open).toHaveLength(1);
    stream.advance(at(24 * 3600 + 1));
    expect((stream.snapshot() as { open: unknown[] }).open).toHaveLength(0);
  });

  it("gives the same id whatever stages the log has, and another one per detection, request and apiserver", () => {
    const id = idOf(exec("get", "exec", "ResponseStarted"));
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(idOf(exec("get", "exec", "RequestReceived"))).toBe(id);
    const others = [
      idOf(exec("get", "exec", "ResponseStarted"), "b"),
      idOf(exec("create", "exec", "ResponseStarted")),
      idOf(exec("get", "portforward", "ResponseStarted")),
      idOf(exec("get", "exec", "ResponseStarted", { user: { username: "mallory" } })),
      idOf(exec("get", "exec", "ResponseStarted", { requestReceivedTimestamp: at(1) })),
    ];
    expect(new Set([id, ...others]).size).toBe(6);
  });

  it("does not take two requests of one chosen auditID for one", () => {
    const stream = new FindingStream(engine);
    const first = stream.push(exec("get", "exec", "ResponseComplete"));
    const second = stream.push(exec("get", "exec", "ResponseComplete", { requestReceivedTimestamp: at(2) }));
    expect([first.length, second.length]).toEqual([1, 1]);
  });

  it("counts a request once that its log does not decide, and makes no finding of it", () => {
    const stream = new FindingStream(engine);
    const refused = { responseStatus: { code: 403 }, annotations: { "authorization.k8s.io/decision": "forbid" } };
    expect(stream.push(bindCreate("RequestReceived"))).toEqual([]);
    expect(stream.push(bindCreate("ResponseComplete", refused))).toEqual([]);
    expect(stream.push(bindCreate("ResponseComplete", refused))).toEqual([]);
    expect(stream.flush()).toEqual([]);
    const id = engine.detections.find(({ title }) => title.startsWith("cluster-admin"))?.id ?? "";
    expect(stream.counts()).toMatchObject({ findings: 0, undecided: { [id]: 1 }, evicted: 0 });
  });

  it("bounds its memory and counts what it forgets", () => {
    const stream = new FindingStream(engine, { maxRequests: 10 });
    const found = Array.from({ length: 100 }, (_, n) =>
      stream.push(exec("get", "exec", "RequestReceived", { auditID: `id-${n}` })),
    );
    expect(found.flat()).toHaveLength(90);
    expect(stream.flush()).toHaveLength(10);
    expect(stream.counts()).toMatchObject({ findings: 100, evicted: 90 });
  });

  it("bounds the size of what it holds", () => {
    const stream = new FindingStream(engine, { maxHeldLength: 100_000 });
    expect([1, 2, 3, 4, 5].map((n) => stream.push(long(n)).length)).toEqual([0, 0, 0, 1, 1]);
    expect(stream.flush()).toHaveLength(3);
    expect(stream.push(long(6))).toEqual([]);
  });

  it("shows the event that the caller lets out, only for findings, and keeps the id of the original", () => {
    const event = exec("get", "exec", "ResponseComplete");
    let shown = 0;
    const stream = new FindingStream(engine);
    const show = (): ShownEvent => {
      shown++;
      return ShownEvent.of({ ...event, requestURI: "redacted" });
    };
    stream.push(exec("get", "log", "ResponseComplete", { auditID: "x" }), show);
    expect(shown).toBe(0);
    const [finding] = stream.push(event, show);
    expect(finding?.events[0]?.requestURI).toBe("redacted");
    expect(finding?.id).toBe(new FindingStream(engine).push(event)[0]?.id);
  });

  it("survives events without times and with odd ones", () => {
    const stream = new FindingStream(engine);
    const {
      requestReceivedTimestamp: _received,
      stageTimestamp: _stage,
      ...bare
    } = exec("get", "exec", "RequestReceived");
    expect(stream.push(bare)).toEqual([]);
    expect(stream.push({ ...bare, stageTimestamp: "not a time", auditID: "two" })).toEqual([]);
    expect(stream.flush()).toHaveLength(2);
  });

  it("gives one finding per detection of one request", () => {
    const stream = new FindingStream(engine);
    const event = {
      ...exec("list", "", "ResponseComplete"),
      requestURI: "/api/v1/secrets",
      objectRef: { resource: "secrets" },
      impersonatedUser: { username: "jane", groups: ["system:masters"] },
    };
    const found = stream.push(event);
    expect(found.map(({ summary }) => summary)).toEqual([
      "ops-carol as jane: list secrets cluster-wide (list, 101)",
      "ops-carol as jane: list secrets cluster-wide (list, 101)",
    ]);
    expect(new Set(found.map(({ id }) => id)).size).toBe(2);
    expect(found[0]).toMatchObject({ actor: "ops-carol", impersonated: "jane" });
  });

  it("finds a detection of the first stage alone", () => {
    const { detections } = loadDetections(
      "{title: t, id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10, level: low, logsource: {product: kubernetes}, detection: {s: {stage: RequestReceived}, condition: s}}",
      "t.yml",
    );
    const stream = new FindingStream(new DetectionEngine(detections));
    stream.push(exec("get", "exec", "RequestReceived"));
    stream.push(exec("get", "exec", "ResponseComplete"));
    expect(stream.flush()).toHaveLength(1);
  });

  it.each([
    ["is that stage", "{stage: RequestReceived}", "s"],
    ["is not another one", "{stage|neq: ResponseComplete}", "s"],
    ["is not the last one, whatever its code", "{stage|neq: RequestReceived, responseStatus.code: 101}", "not s"],
    ["is of that second", '{stageTimestamp: "2026-11-24T00:00:00.000000Z"}', "s"],
    ["says so anywhere", '["RequestReceived"]', "s"],
  ])("finds what %s, whatever other detections are asked about the stages behind it", (_what, selection, condition) => {
    const rule = (id: string, s: string, is: string): string =>
      `{title: ${id}, id: ${id}, level: low, logsource: {product: kubernetes}, detection: {s: ${s}, condition: ${is}}}`;
    const first = rule("first", selection, condition);
    const others = ["{responseStatus.code: 101}", "{verb: get}", "{responseStatus.code: 500}"];
    for (const texts of [[first], ...others.map((other) => [first, rule("other", other, "s")])]) {
      const { detections } = loadDetections(texts.join("\n---\n"), "t.yml");
      const stream = new FindingStream(new DetectionEngine(detections));
      const events = [
        { ...exec("get", "exec", "RequestReceived"), stageTimestamp: "2026-11-24T00:00:00.000000Z" },
        { ...exec("get", "exec", "ResponseStarted"), stageTimestamp: "2026-11-24T00:00:01.000000Z" },
        { ...exec("get", "exec", "ResponseComplete"), stageTimestamp: "2026-11-24T00:00:02.000000Z" },
      ];
      const found = [...events.flatMap((event) => stream.push(event)), ...stream.flush()];
      expect(found.filter(({ detection: { id } }) => id === "first")).toHaveLength(1);
    }
  });
});
