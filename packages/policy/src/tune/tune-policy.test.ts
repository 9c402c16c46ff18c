import type { Need } from "@auditsieve/audit";
import { attributesOf } from "@auditsieve/audit";
import { describe, expect, test } from "vitest";
import { evaluate } from "../evaluate.ts";
import type { Policy } from "../policy.ts";
import type { TunedDetection } from "./blinded.ts";
import { CandidateCounter } from "./candidates.ts";
import { loopIdentity } from "./control-loops.ts";
import { noiseKindOf } from "./noise-kinds.ts";
import { tunePolicy, withProposals } from "./tune-policy.ts";
import type { Tuned } from "./tune-policy.ts";

const BASE: Policy = {
  rules: [{ level: "RequestResponse", resources: [{ group: "", resources: ["secrets"] }] }, { level: "Metadata" }],
};
const LEASE = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/x";
const SCHEDULER = "system:kube-scheduler";

interface Line {
  readonly verb: string;
  readonly uri: string;
  readonly user: string;
  readonly groups?: readonly string[];
  readonly code?: number;
  readonly impersonated?: boolean;
}

const line = ({ verb, uri, user, groups = ["system:authenticated"], code = 200, impersonated = false }: Line): string =>
  `${JSON.stringify({
    level: "Metadata",
    auditID: "a",
    stage: "ResponseComplete",
    requestURI: uri,
    verb,
    user: { username: user, groups },
    ...(impersonated && { impersonatedUser: { username: "root" } }),
    responseStatus: { code },
  })}\n`;

function tune(
  lines: readonly Line[],
  options: {
    readonly detections?: readonly TunedDetection[];
    readonly named?: readonly string[];
    readonly leastShare?: number;
  } = {},
): Tuned {
  const counter = new CandidateCounter(BASE, options.named ?? []);
  counter.write(Buffer.from(lines.map(line).join("")));
  counter.end();
  return tunePolicy(BASE, counter.result(), {
    detections: options.detections ?? [],
    leastShare: options.leastShare ?? 0,
  });
}

const detection = (need: Partial<Need> & Pick<Need, "request">): TunedDetection => ({
  id: "d",
  title: "Detection",
  needs: [{ stages: ["ResponseComplete"], level: "Metadata", fields: [], ...need }],
});

describe("tunePolicy()", () => {
  const noise: readonly (readonly [string, Line])[] = [
    ["leases of the control plane", { verb: "update", uri: LEASE, user: SCHEDULER }],
    [
      "status by a controller",
      {
        verb: "update",
        uri: "/apis/apps/v1/namespaces/a/replicasets/b/status",
        user: "system:serviceaccount:kube-system:replicaset-controller",
      },
    ],
    ["events by a controller", { verb: "create", uri: "/apis/events.k8s.io/v1/namespaces/a/events", user: SCHEDULER }],
    [
      "watches by a node",
      { verb: "watch", uri: "/api/v1/pods?watch=true", user: "system:node:n", groups: ["system:nodes"] },
    ],
    ["bindings by the scheduler", { verb: "create", uri: "/api/v1/namespaces/a/pods/b/binding", user: SCHEDULER }],
    ["discovery by the apiserver", { verb: "get", uri: "/openapi/v3", user: "system:apiserver" }],
    ["anonymous probes", { verb: "get", uri: "/readyz", user: "system:anonymous", groups: ["system:unauthenticated"] }],
  ];
  test.each(noise)("proposes a rule for %s", (_what, each) => {
    const { proposals, refusals } = tune([each]);
    expect([proposals.length, refusals]).toEqual([1, []]);
    const request = attributesOf({
      requestURI: each.uri,
      verb: each.verb,
      username: each.user,
      groups: each.groups ?? [],
    });
    const tuned = withProposals(BASE, proposals);
    expect(evaluate(tuned, request).level).toBe("None");
    // Someone else is seen as before.
    const other = { ...request, user: { name: "jane", groups: ["system:authenticated"] } };
    expect(evaluate(tuned, other).level).toBe("Metadata");
  });

  const kept: readonly (readonly [string, Line])[] = [
    ["a user, however often", { verb: "update", uri: LEASE, user: "jane" }],
    ["a service account that nobody named", { verb: "update", uri: LEASE, user: "system:serviceaccount:app:loop" }],
    ["who only calls itself a node", { verb: "watch", uri: "/api/v1/pods?watch=true", user: "system:node:n" }],
    ["a failed login", { verb: "get", uri: "/readyz", user: "" }],
  ];
  test.each(kept)("does not even consider %s", (_what, each) => {
    expect(tune(Array.from({ length: 500 }, () => each))).toEqual({ proposals: [], refusals: [] });
  });

  const refused: readonly (readonly [string, Line])[] = [
    [
      "pods made by a controller",
      {
        verb: "create",
        uri: "/api/v1/namespaces/a/pods",
        user: "system:serviceaccount:kube-system:replicaset-controller",
      },
    ],
    [
      "secrets that a controller reads",
      { verb: "get", uri: "/api/v1/namespaces/a/secrets/b", user: "system:kube-controller-manager" },
    ],
    [
      "watches of secrets",
      { verb: "watch", uri: "/api/v1/secrets?watch=true", user: "system:kube-controller-manager" },
    ],
    ["leases that are deleted", { verb: "delete", uri: LEASE, user: SCHEDULER }],
    ["events that are deleted", { verb: "delete", uri: "/api/v1/namespaces/a/events/b", user: SCHEDULER }],
    [
      "approvals",
      { verb: "update", uri: "/apis/certificates.k8s.io/v1/certificatesigningrequests/a/approval", user: SCHEDULER },
    ],
    [
      "what a node reads by name",
      { verb: "get", uri: "/api/v1/nodes/other", user: "system:node:n", groups: ["system:nodes"] },
    ],
    [
      "a path below a probe's",
      { verb: "get", uri: "/livez/../secrets", user: "system:anonymous", groups: ["system:unauthenticated"] },
    ],
    [
      "anonymous discovery",
      { verb: "get", uri: "/apis", user: "system:anonymous", groups: ["system:unauthenticated"] },
    ],
  ];
  test.each(refused)("keeps %s, however often", (_what, each) => {
    const { proposals, refusals } = tune(Array.from({ length: 500 }, () => each));
    expect(proposals).toEqual([]);
    expect(refusals).toMatchObject([{ why: "no-known-noise", candidate: { volume: { events: 500 } } }]);
  });

  test("keeps what was refused or impersonated somebody even once", () => {
    const each: Line = { verb: "update", uri: LEASE, user: SCHEDULER };
    expect(tune([each, { ...each, code: 403 }]).refusals).toMatchObject([{ why: "odd" }]);
    expect(tune([each, { ...each, impersonated: true }]).refusals).toMatchObject([{ why: "odd" }]);
  });

  test("refuses what would blind a detection, and says which", () => {
    const each: Line = { verb: "update", uri: LEASE, user: SCHEDULER };
    const about = detection({ request: { verbs: ["update"], resources: ["leases"] } });
    const { proposals, refusals } = tune([each], { detections: [about] });
    expect(proposals).toEqual([]);
    expect(refusals).toMatchObject([{ why: "blinds", message: "it would blind: Detection" }]);
    const never = { ...about, levelToHit: () => undefined };
    expect(tune([each], { detections: [never] }).proposals.length).toBe(1);
    const other = detection({ request: { verbs: ["update"], resources: ["secrets"] } });
    expect(tune([each], { detections: [other] }).proposals.length).toBe(1);
  });

  test("says of detections about every request that they see less", () => {
    const { proposals } = tune([{ verb: "update", uri: LEASE, user: SCHEDULER }], {
      detections: [detection({ request: {} })],
    });
    expect(proposals).toMatchObject([{ narrows: [{ detection: { id: "d" }, isOfEverything: true }] }]);
  });

  test("takes what the operator names for a control loop, and custom resources of it", () => {
    const name = "system:serviceaccount:argocd:argocd-application-controller";
    const each: Line = { verb: "watch", uri: "/apis/argoproj.io/v1alpha1/applications?watch=true", user: name };
    expect(tune([each]).proposals).toEqual([]);
    expect(tune([each], { named: [name] }).proposals).toMatchObject([
      { rule: { users: [name], verbs: ["watch"], resources: [{ group: "argoproj.io", resources: ["applications"] }] } },
    ]);
  });

  test("proposes no rule that is not worth its line", () => {
    const lines: readonly Line[] = [
      { verb: "update", uri: LEASE, user: SCHEDULER },
      ...Array.from({ length: 99 }, (_, i) => ({ verb: "get", uri: `/api/v1/namespaces/a/pods/p${i}`, user: "jane" })),
    ];
    expect(tune(lines, { leastShare: 0.5 })).toMatchObject({ proposals: [], refusals: [{ why: "too-small" }] });
    expect(tune(lines, { leastShare: 0.001 }).proposals.length).toBe(1);
  });

  test("holds a bounded number of paths", () => {
    const counter = new CandidateCounter(BASE, []);
    for (let i = 0; i < 30_000; i++) {
      counter.write(Buffer.from(line({ verb: "get", uri: `/x${i}`, user: "system:anonymous" })));
    }
    counter.end();
    expect(counter.result().candidates.length).toBe(20_000);
  });
});

describe("loopIdentity()", () => {
  test.each([
    ["system:kube-scheduler", [], "user"],
    ["system:apiserver", [], "user"],
    ["system:serviceaccount:kube-system:job-controller", [], "user"],
    ["system:node:n", ["system:nodes"], "nodes"],
    ["system:anonymous", [], "anonymous"],
    ["mine", [], "named"],
    ["system:serviceaccount:kube-system:default", [], undefined],
    ["system:admin", ["system:masters"], undefined],
  ] as const)("%s in %j is %s, from a source", (name, groups, kind) => {
    const identity = loopIdentity({ name, groups }, new Set(["mine"]));
    expect(identity?.kind).toBe(kind);
    expect(identity === undefined || identity.source !== "").toBe(true);
  });
});

describe("noiseKindOf()", () => {
  test("has no kind for any request for a secret", () => {
    for (const verb of ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"]) {
      const request = attributesOf({
        requestURI: "/api/v1/namespaces/a/secrets/b",
        verb,
        username: SCHEDULER,
        groups: [],
      });
      expect(noiseKindOf(request, { kind: "named", name: SCHEDULER, source: "s" })).toBeUndefined();
    }
  });
});
