import { EventScan } from "@auditsieve/audit";
import * as fc from "fast-check";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { loadStreamPolicy } from "./load-stream-policy.ts";
import { decideStream, StreamPolicy } from "./stream-policy.ts";
import type { StreamDecision, StreamRules } from "./stream-policy.ts";

const NOISE = readFileSync(new URL("../../../../profiles/noise/control-loops.policy.yaml", import.meta.url), "utf8");

function load(text: string): StreamRules {
  const loaded = loadStreamPolicy(text);
  expect(loaded.problems).toEqual([]);
  if (loaded.outcome !== "accepted") {
    throw new Error("refused");
  }
  return loaded.rules;
}

interface Request {
  readonly user?: string;
  readonly groups?: readonly string[];
  readonly verb?: string;
  readonly uri?: string;
  readonly stage?: string;
  readonly level?: string;
  readonly code?: number;
  readonly as?: string;
  readonly body?: boolean;
  /** As no apiserver writes it: the groups first, the kind last. */
  readonly isReversed?: boolean;
}

function line(request: Request): Buffer {
  const {
    user,
    groups = [],
    verb = "get",
    uri = "/",
    stage = "ResponseComplete",
    level = "RequestResponse",
    code,
    as,
    body,
    isReversed,
  } = request;
  const inOrder = (fields: object): object =>
    isReversed === true ? Object.fromEntries(Object.entries(fields).reverse()) : fields;
  const event = {
    kind: "Event",
    level,
    stage,
    requestURI: uri,
    verb,
    user: inOrder(user === undefined ? {} : { username: user, groups }),
    ...(as === undefined ? {} : { impersonatedUser: { username: as } }),
    ...(code === undefined ? {} : { responseStatus: { code } }),
    ...(body === true ? { requestObject: { metadata: { managedFields: [] } } } : {}),
  };
  return Buffer.from(JSON.stringify(inOrder(event)));
}

function scanned(request: Request): EventScan {
  const scan = new EventScan();
  const bytes = line(request);
  expect(scan.scan(bytes, 0, bytes.length)).toBe(true);
  return scan;
}

function decide(rules: StreamRules, request: Request): StreamDecision {
  return new StreamPolicy(rules).decide(scanned(request));
}

const KUBELET = { user: "system:node:n1", groups: ["system:nodes", "system:authenticated"] };
const SCHEDULER = { user: "system:kube-scheduler", groups: ["system:authenticated"] };
const ANONYMOUS = { user: "system:anonymous", groups: ["system:unauthenticated"] };
const LEASE = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n1?timeout=10s";
const LEADER = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-scheduler";

describe("control-loops", () => {
  const rules = load(NOISE);
  const cases: readonly (readonly [string, Request, "keep" | "drop"])[] = [
    ["a kubelet's heartbeat", { ...KUBELET, verb: "update", uri: LEASE, code: 200 }, "drop"],
    ["its RequestReceived", { ...KUBELET, verb: "update", uri: LEASE, stage: "RequestReceived" }, "drop"],
    ["a heartbeat refused", { ...KUBELET, verb: "update", uri: LEASE, code: 403 }, "keep"],
    [
      "a heartbeat by impersonation",
      { ...KUBELET, verb: "update", uri: LEASE, code: 200, as: "system:node:n2" },
      "keep",
    ],
    ["a person updating that lease", { user: "jane", verb: "update", uri: LEASE, code: 200 }, "keep"],
    ["a kubelet reading a secret", { ...KUBELET, uri: "/api/v1/namespaces/x/secrets/y", code: 200 }, "keep"],
    ["a kubelet deleting a node", { ...KUBELET, verb: "delete", uri: "/api/v1/nodes/n1", code: 200 }, "keep"],
    ["leader election", { ...SCHEDULER, verb: "update", uri: LEADER, code: 200 }, "drop"],
    [
      "another lease taken by the scheduler",
      { ...SCHEDULER, verb: "update", uri: LEADER.replace(/scheduler$/, "controller-manager"), code: 200 },
      "keep",
    ],
    [
      "the scheduler creating a pod",
      { ...SCHEDULER, verb: "create", uri: "/api/v1/namespaces/x/pods", code: 201 },
      "keep",
    ],
    [
      "the scheduler watching secrets",
      { ...SCHEDULER, verb: "watch", uri: "/api/v1/secrets?watch=true", code: 200 },
      "keep",
    ],
    ["a probe", { ...ANONYMOUS, uri: "/readyz/etcd?verbose", code: 200 }, "drop"],
    ["a probe not answered yet", { ...ANONYMOUS, uri: "/livez", stage: "RequestReceived" }, "drop"],
    ["a probe that failed", { ...ANONYMOUS, uri: "/readyz", code: 500 }, "keep"],
    ["a path that only begins like a probe", { ...ANONYMOUS, uri: "/readyzz", code: 200 }, "keep"],
    ["an anonymous POST to a probe", { ...ANONYMOUS, uri: "/readyz", verb: "post", code: 200 }, "keep"],
    ["an anonymous look at the version", { ...ANONYMOUS, uri: "/version", code: 200 }, "keep"],
    [
      "a failed authentication",
      { verb: "list", uri: "/api/v1/namespaces", stage: "ResponseStarted", code: 401 },
      "keep",
    ],
    [
      "discovery by an unknown service account",
      { user: "system:serviceaccount:shop:web", uri: "/apis", code: 200 },
      "keep",
    ],
    [
      "exec by a controller",
      { user: "system:serviceaccount:kube-system:job-controller", uri: "/api/v1/namespaces/x/pods/y/exec", code: 101 },
      "keep",
    ],
  ];
  test.each(cases)("control-loops decides on %s", (_name, request, action) => {
    expect(decide(rules, request).action).toBe(action);
  });
});

describe("StreamPolicy", () => {
  const tailored = load(`
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: None, verbs: [watch]}
- {level: Metadata, verbs: [list], omitManagedFields: true}
- {level: Request, verbs: [create], omitManagedFields: true}
- {level: RequestResponse, users: [jane]}
`);
  const cases: readonly (readonly [string, Request, StreamDecision])[] = [
    ["drops None", { verb: "watch" }, { action: "drop", level: "None", rule: 0, omitManagedFields: false }],
    [
      "drops an omitted stage",
      { verb: "list", stage: "RequestReceived" },
      { action: "drop", level: "None", rule: 1, omitManagedFields: false },
    ],
    [
      "strips to a lower level",
      { verb: "list" },
      { action: "strip", level: "Metadata", rule: 1, omitManagedFields: true },
    ],
    [
      "strips managed fields at the same level",
      { verb: "create", level: "Request", body: true },
      { action: "strip", level: "Request", rule: 2, omitManagedFields: true },
    ],
    [
      "keeps what holds nothing to strip",
      { verb: "create", level: "Request" },
      { action: "keep", level: "Request", rule: 2, omitManagedFields: true },
    ],
    [
      "never raises a level",
      { user: "jane", level: "Metadata" },
      { action: "keep", level: "Metadata", rule: 3, omitManagedFields: false },
    ],
    [
      "drops what no rule matches",
      { user: "joe" },
      { action: "drop", level: "None", rule: null, omitManagedFields: false },
    ],
  ];
  test.each(cases)("StreamPolicy %s", (_name, request, expected) => {
    expect(decide(tailored, request)).toEqual(expected);
  });

  test("StreamPolicy decides with its memory as without", () => {
    const rules = load(NOISE);
    const policy = new StreamPolicy(rules);
    // Whole events are remembered only by a policy that has been asked often.
    const asked = new StreamPolicy(rules);
    const first = scanned({});
    for (let i = 0; i < 3000; i++) {
      asked.decide(first);
    }
    const request = fc.record(
      {
        user: fc.constantFrom(
          "system:node:n1",
          "system:kube-scheduler",
          "system:apiserver",
          "system:anonymous",
          "jane",
          "",
        ),
        groups: fc.subarray(["system:nodes", "system:masters"]),
        verb: fc.constantFrom("get", "list", "watch", "update", "create"),
        uri: fc.constantFrom(
          LEASE,
          LEADER,
          "/readyz",
          "/readyz?x",
          "/readyz/x",
          "/openapi/v3",
          "/api/v1/nodes",
          "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases?fieldSelector=metadata.name%3Dkube-scheduler",
          "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases?%66ieldSelector=metadata.name%3Dkube-scheduler",
          "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases?a=1&b=2",
          "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases",
        ),
        stage: fc.constantFrom("RequestReceived", "ResponseStarted", "ResponseComplete"),
        level: fc.constantFrom("Metadata", "Request", "RequestResponse"),
        code: fc.constantFrom(200, 401, 403, 500),
        as: fc.constant("root"),
        isReversed: fc.boolean(),
      },
      { requiredKeys: ["user", "verb", "uri"] },
    );
    fc.assert(
      fc.property(fc.array(request, { minLength: 1, maxLength: 20 }), (requests) => {
        for (const each of requests) {
          const scan = scanned(each);
          const expected = decideStream(rules, scan);
          expect([policy.decide(scan), asked.decide(scan)]).toEqual([expected, expected]);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe("stream conditions", () => {
  const scanOf = (more: Readonly<Record<string, unknown>>): EventScan => {
    const event = { level: "Request", stage: "ResponseComplete", requestURI: "/", verb: "get", user: {}, ...more };
    const scan = new EventScan();
    const bytes = Buffer.from(JSON.stringify(event));
    expect(scan.scan(bytes, 0, bytes.length)).toBe(true);
    return scan;
  };
  const cases: readonly (readonly [string, string, Readonly<Record<string, unknown>>, boolean])[] = [
    ["a user agent", "{userAgents: [curl/8, kubectl/*]}", { userAgent: "kubectl/v1.37" }, true],
    ["another user agent", "{userAgents: [curl/8, kubectl/*]}", { userAgent: "curl/8.1" }, false],
    ["no user agent", "{userAgents: ['*']}", {}, false],
    ["the peer's network", "{sourceIPs: [10.0.0.0/8]}", { sourceIPs: ["192.0.2.1", "10.1.2.3"] }, true],
    ["an address that a client wrote", "{sourceIPs: [10.0.0.0/8]}", { sourceIPs: ["10.1.2.3", "192.0.2.1"] }, false],
    ["an address of the other family", "{sourceIPs: ['2001:db8::/32']}", { sourceIPs: ["2001:db8::7"] }, true],
    ["no address", "{sourceIPs: [0.0.0.0/0]}", { sourceIPs: ["unknown"] }, false],
    ["an impersonated user", "{impersonatedUsers: [dev-*]}", { impersonatedUser: { username: "dev-a" } }, true],
    ["nobody impersonated", "{impersonatedUsers: ['*']}", {}, false],
    ["an annotation", "{annotations: {k/d: [allow]}}", { annotations: { "k/d": "allow", x: "y" } }, true],
    ["another value", "{annotations: {k/d: [allow]}}", { annotations: { "k/d": "forbid" } }, false],
    ["an annotation of the prototype", "{annotations: {constructor: ['*']}}", { annotations: {} }, false],
    ["one of two that fails", "{userAgents: ['*'], responseCodes: [403]}", { userAgent: "x" }, false],
  ];
  test.each(cases)("StreamPolicy asks for %s", (_name, condition, event, holds) => {
    const rules = load(
      `apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: None, userGroups: [], verbs: [get], stream: ${condition}}, {level: Request}]`.replace(
        "userGroups: [], ",
        condition.includes("userAgents") ? 'users: [""], ' : "",
      ),
    );
    // A rule that drops by user agent alone would be warned of; this one names a user that no event has.
    const decided = condition.includes("userAgents")
      ? decideStream({ ...rules, policy: { rules: [{ level: "None" }, { level: "Request" }] } }, scanOf(event))
      : decideStream(rules, scanOf(event));
    expect(decided.action).toBe(holds ? "drop" : "keep");
    const policy = new StreamPolicy({ ...rules, keep: [rules.conditions[0] ?? {}], conditions: [] });
    expect(policy.decide(scanOf({})).rule === null).toBe(false);
    expect(policy.decide(scanOf(event)).rule === null).toBe(holds);
  });

  test("loadStreamPolicy warns of a drop that a client's user agent decides", () => {
    const loaded = loadStreamPolicy(
      "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: None, stream: {userAgents: [kubelet/*]}}]",
    );
    expect([loaded.outcome, loaded.problems.map(({ id, line }) => [id, line])]).toEqual([
      "accepted",
      [["stream-user-agent", 3]],
    ]);
  });
});

describe("loadStreamPolicy", () => {
  test("loadStreamPolicy names every bad condition with its place", () => {
    const loaded = loadStreamPolicy(
      [
        "apiVersion: audit.k8s.io/v1",
        "kind: Policy",
        "stream: {keep: [{code: 7}]}",
        "rules:",
        "- level: None",
        "  stream:",
        "    responseCodes: [2000]",
        "    sourceIPs: [10.0.0.0/33]",
        "    annotations: {a.b/c: []}",
      ].join("\n"),
    );
    expect(loaded.outcome).toBe("refused");
    expect(loaded.problems.map((problem) => [problem.path, problem.line])).toEqual([
      ["rules[0].stream.responseCodes[0]", 7],
      ["rules[0].stream.sourceIPs[0]", 8],
      ["rules[0].stream.annotations.a.b/c", 9],
      ["stream.keep[0].code", 3],
      ["stream.keep[0]", 3],
    ]);
  });

  test("loadStreamPolicy refuses what an apiserver refuses and warns of what it warns", () => {
    const refused = loadStreamPolicy("apiVersion: audit.k8s.io/v1\nkind: Policy\n");
    expect(refused.problems.map((problem) => problem.message)).toEqual([
      "Cannot load the policy: loaded illegal policy with 0 rules",
    ]);
    const warned = loadStreamPolicy("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: None, verb: [get]}]\n");
    expect([warned.outcome, warned.problems.map((problem) => problem.id)]).toEqual(["accepted", ["policy-strict"]]);
  });
});
