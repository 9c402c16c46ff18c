import { EventScan } from "@auditsieve/audit";
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { zstdDecompressSync } from "node:zlib";
import { lintPolicy } from "../lint/index.ts";
import { loadStreamPolicy } from "../stream-policy/load-stream-policy.ts";
import { loadPolicy } from "../load.ts";
import type { PolicyRule } from "../policy.ts";
import { StreamPolicy } from "../stream-policy/stream-policy.ts";
import type { StreamRules } from "../stream-policy/stream-policy.ts";
import { joinStreamRules } from "../stream-policy/join-stream-rules.ts";

const root = new URL("../../../../", import.meta.url);
const names = readdirSync(new URL("profiles/noise/", root))
  .filter((name) => name.endsWith(".policy.yaml"))
  .map((name) => name.replace(/\.policy\.yaml$/, ""));
const textOf = (name: string): string => readFileSync(new URL(`profiles/noise/${name}.policy.yaml`, root), "utf8");

/** Those that stand on control-loops; the others hold one application's rules only. */
const DISTRIBUTIONS = ["aks", "eks", "gke", "k3s-rke2", "kind", "kubeadm", "openshift"];

function load(name: string): StreamRules {
  const loaded = loadStreamPolicy(textOf(name));
  if (loaded.outcome === "refused" || loaded.problems.length > 0) {
    throw new Error(loaded.problems.map(({ message }) => message).join("\n"));
  }
  return loaded.rules;
}

interface Request {
  readonly user: string;
  readonly groups: readonly string[];
  readonly verb: string;
  readonly uri: string;
  readonly code?: number;
  readonly as?: string;
  readonly stage?: string;
}

function isDropped(policy: StreamPolicy, { user, groups, verb, uri, code = 200, as, stage }: Request): boolean {
  const line = Buffer.from(
    JSON.stringify({
      kind: "Event",
      level: "RequestResponse",
      stage: stage ?? "ResponseComplete",
      requestURI: uri,
      verb,
      user: { username: user, groups },
      ...(as === undefined ? {} : { impersonatedUser: { username: as } }),
      ...(stage === "RequestReceived" ? {} : { responseStatus: { code } }),
    }),
  );
  const scan = new EventScan();
  expect(scan.scan(line, 0, line.length)).toBe(true);
  return policy.decide(scan).action === "drop";
}

type Identity = Pick<Request, "user" | "groups">;

/** Everyone whom a rule names, but who is not logged in. */
function identitiesOf(rule: PolicyRule): Identity[] {
  const users = (rule.users ?? []).map((user) => ({ user, groups: ["system:authenticated"] }));
  const members = (rule.userGroups ?? []).map((group) => ({ user: "x", groups: [group, "system:authenticated"] }));
  return [...users, ...members].filter(({ user }) => user !== "system:anonymous");
}

/** A request for each identity, verb and thing that the rule names. */
function requestsOf(rule: PolicyRule): Request[] {
  const namespace = rule.namespaces?.[0] ?? "x";
  const uris = [
    ...(rule.nonResourceURLs ?? []),
    ...(rule.resources ?? []).flatMap(({ group = "", resources = ["deployments"], resourceNames: [name = "y"] = [] }) =>
      resources.map((resource) => {
        const [plain, sub] = resource.split("/");
        const prefix = group === "" ? "/api/v1" : `/apis/${group}/v1`;
        return `${prefix}/namespaces/${namespace}/${plain}/${name}${sub === undefined ? "" : `/${sub}`}`;
      }),
    ),
  ];
  const verbs = rule.verbs ?? [];
  return identitiesOf(rule).flatMap((who) =>
    verbs.flatMap((verb) => uris.map((uri) => ({ ...who, verb, uri: uriFor(verb, uri, rule) }))),
  );
}

/** Creates, lists and watches name no object. */
function uriFor(verb: string, uri: string, rule: PolicyRule): string {
  const isNameless = ["create", "list", "watch"].includes(verb) && uri.includes("/namespaces/");
  return isNameless && rule.resources?.[0]?.resourceNames === undefined && uri.split("/").at(-2) !== "y"
    ? uri.replace(/\/y$/, "")
    : uri;
}

const NEVER: readonly (readonly [what: string, verb: string, uri: string])[] = [
  ["exec by WebSocket", "get", "/api/v1/namespaces/x/pods/y/exec?command=sh"],
  ["exec by SPDY", "create", "/api/v1/namespaces/x/pods/y/exec?command=sh"],
  ["attach", "get", "/api/v1/namespaces/x/pods/y/attach"],
  ["port-forward", "create", "/api/v1/namespaces/x/pods/y/portforward"],
  ["a debug container", "patch", "/api/v1/namespaces/x/pods/y/ephemeralcontainers"],
  ["a proxy to a pod", "get", "/api/v1/namespaces/x/pods/y/proxy/"],
  ["a proxy to a service", "get", "/api/v1/namespaces/x/services/y/proxy/"],
  ["a proxy to a kubelet", "get", "/api/v1/nodes/n/proxy/run/x/y/z"],
  ["a secret read", "get", "/api/v1/namespaces/x/secrets/y"],
  ["secrets listed", "list", "/api/v1/secrets"],
  ["secrets watched", "watch", "/api/v1/secrets?watch=true"],
  ["a secret written", "update", "/api/v1/namespaces/x/secrets/y"],
  ["a secret patched", "patch", "/api/v1/namespaces/x/secrets/y"],
  ["secrets deleted", "deletecollection", "/api/v1/namespaces/x/secrets"],
  ["a token asked for", "create", "/api/v1/namespaces/x/serviceaccounts/y/token"],
  ["a token reviewed", "create", "/apis/authentication.k8s.io/v1/tokenreviews"],
  ["a binding", "create", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"],
  ["bindings watched", "watch", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings?watch=true"],
  ["a pod made", "create", "/api/v1/namespaces/x/pods"],
  ["a webhook changed", "patch", "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/y"],
  ["a request approved", "update", "/apis/certificates.k8s.io/v1/certificatesigningrequests/y/approval"],
  ["events deleted", "delete", "/api/v1/namespaces/x/events/y"],
];

const ANONYMOUS = { user: "system:anonymous", groups: ["system:unauthenticated"] };
const KEPT_ANONYMOUS: readonly (readonly [verb: string, uri: string, code: number])[] = [
  ["get", "/version", 200],
  ["get", "/healthzz", 200],
  ["get", "/livez", 500],
  ["get", "/readyz", 401],
  ["post", "/readyz", 200],
  ["get", "/metrics", 200],
  ["get", "/api", 200],
  ["list", "/api/v1/pods", 200],
  ["get", "/openid/v1/jwks", 200],
];

describe.each(names)("noise policy %s", (name) => {
  const rules = load(name);
  const policy = new StreamPolicy(rules);
  const drops = rules.policy.rules.slice(0, -1);
  const identities = drops.flatMap(identitiesOf);

  test("names identity, verb and thing in each rule, never a wildcard, and keeps everything else", () => {
    expect(rules.keep).toEqual([{ impersonated: true }, { responseCodes: [401, 403] }]);
    expect(rules.policy.rules.at(-1)).toEqual({ level: "RequestResponse" });
    for (const rule of drops) {
      expect(rule.level).toBe("None");
      expect([...(rule.users ?? []), ...(rule.userGroups ?? [])]).not.toEqual([]);
      expect(rule.verbs).toBeDefined();
      expect(rule.resources ?? rule.nonResourceURLs).toBeDefined();
      expect(rule.resources?.some(({ resources = [] }) => resources.some((one) => one.includes("*")))).not.toBe(true);
    }
  });

  test("gives lint no error", () => {
    const loaded = loadPolicy(textOf(name), { allowStream: true });
    const why = "in the stream a level is never raised: what the apiserver left out stays out";
    const declared = { "secret-values": why, "token-values": why };
    const found = loaded.outcome === "accepted" ? lintPolicy(loaded, { declared }) : [];
    expect(found.filter(({ severity }) => severity === "error")).toEqual([]);
  });

  test.runIf(name !== "control-loops")(
    "says for each rule of its own where it comes from, or that it is unverified",
    () => {
      const [, own = ""] = textOf(name).split("\nrules:\n");
      const before = DISTRIBUTIONS.includes(name) ? rulesText("control-loops") : "";
      const blocks = own
        .slice(before.length)
        .split(/\n {2}- level: None\n/)
        .slice(0, -1);
      const comments = blocks.map((block) => block.slice(block.lastIndexOf("]\n") + 1).replace(/\n? *# ?/g, " "));
      expect(comments.filter((comment) => !/Source: \S|unverified/.test(comment))).toEqual([]);
    },
  );

  test("drops each request that it names, before and after its answer", () => {
    const named = drops.flatMap(requestsOf);
    expect(named.filter((request) => !isDropped(policy, request))).toEqual([]);
    expect(named.filter((request) => !isDropped(policy, { ...request, stage: "RequestReceived" }))).toEqual([]);
  });

  test("keeps all of these when impersonated, unauthenticated or refused", () => {
    const named = drops.flatMap(requestsOf);
    expect(named.filter((request) => isDropped(policy, { ...request, as: "root" }))).toEqual([]);
    expect(named.filter((request) => isDropped(policy, { ...request, code: 401 }))).toEqual([]);
    expect(named.filter((request) => isDropped(policy, { ...request, code: 403 }))).toEqual([]);
  });

  test.each(NEVER)("keeps %s, whoever does it", (_what, verb, uri) => {
    expect(identities.filter((who) => isDropped(policy, { ...who, verb, uri }))).toEqual([]);
    expect(identities.filter((who) => isDropped(policy, { ...who, verb, uri, stage: "RequestReceived" }))).toEqual([]);
  });

  test.each(KEPT_ANONYMOUS)("keeps an anonymous %s of %s answered by %i", (verb, uri, code) => {
    expect(isDropped(policy, { ...ANONYMOUS, verb, uri, code })).toBe(false);
  });

  test("drops no line of a labelled request of the attack, at any stage", () => {
    expect(labelledLines().filter((line) => dropsLine(policy, line))).toEqual([]);
  });
});

test.each(DISTRIBUTIONS)("noise policy %s holds the rules of control-loops, unchanged and first", (name) => {
  const first = load("control-loops").policy.rules.slice(0, -1);
  expect(load(name).policy.rules.slice(0, first.length)).toEqual(first);
  expect(rulesText(name).startsWith(rulesText("control-loops"))).toBe(true);
});

describe("joinStreamRules()", () => {
  test("drops what one of the policies drops, and keeps the conditions at their rules", () => {
    const joined = joinStreamRules([load("flux"), load("control-loops")]);
    const policy = new StreamPolicy(joined ?? load("flux"));
    const lease = "/apis/coordination.k8s.io/v1/namespaces/flux-system/leases/y";
    const flux = { user: "system:serviceaccount:flux-system:helm-controller", groups: [] };
    expect(joined?.policy.rules.length).toBe(
      load("flux").policy.rules.length + load("control-loops").policy.rules.length - 1,
    );
    expect(isDropped(policy, { ...flux, verb: "update", uri: lease })).toBe(true);
    expect(isDropped(policy, { ...ANONYMOUS, verb: "get", uri: "/livez" })).toBe(true);
    expect(isDropped(policy, { ...ANONYMOUS, verb: "get", uri: "/livez", code: 500 })).toBe(false);
    expect(isDropped(policy, { user: "jane", groups: [], verb: "update", uri: lease })).toBe(false);
  });

  test("refuses a policy that does not keep the rest", () => {
    const tailored: StreamRules = { policy: { rules: [{ level: "Metadata" }] }, keep: [], conditions: [] };
    expect(joinStreamRules([load("flux"), tailored])).toBeUndefined();
  });
});

function rulesText(name: string): string {
  const [, rules = ""] = textOf(name).split("\nrules:\n");
  return rules.slice(0, rules.indexOf("  # Everything else is kept"));
}

let labelled: readonly Buffer[] | undefined;

function labelledLines(): readonly Buffer[] {
  labelled ??= readLabelledLines();
  return labelled;
}

function readLabelledLines(): readonly Buffer[] {
  const labels = readFileSync(new URL("samples/attack-labels.jsonl", root), "utf8").trim().split("\n");
  const ids = new Set(labels.map((line) => (JSON.parse(line) as { readonly auditID: string }).auditID));
  const log = zstdDecompressSync(readFileSync(new URL("samples/attack.log.zst", root)));
  const found: Buffer[] = [];
  for (let start = 0, end = log.indexOf(10); end !== -1; start = end + 1, end = log.indexOf(10, start)) {
    const id = /"auditID":"([^"]+)"/.exec(log.toString("latin1", start, Math.min(end, start + 300)))?.[1];
    if (id !== undefined && ids.has(id)) {
      found.push(log.subarray(start, end));
    }
  }
  expect(found.length).toBeGreaterThanOrEqual(ids.size);
  return found;
}

function dropsLine(policy: StreamPolicy, line: Buffer): boolean {
  const scan = new EventScan();
  expect(scan.scan(line, 0, line.length)).toBe(true);
  return policy.decide(scan).action === "drop";
}
