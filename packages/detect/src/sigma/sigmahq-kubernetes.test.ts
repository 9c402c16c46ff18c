import type { AuditEvent, JsonObject, JsonValue } from "@auditsieve/audit";
import { isJsonObject } from "@auditsieve/audit";
import { describe, expect, it } from "vitest";
import { DetectionEngine, evaluateDetection } from "../detection-engine.ts";
import type { Detection } from "../definition/detection.ts";
import { loadDetections } from "../load-detections.ts";

type Selections = Readonly<Record<string, JsonValue>>;
interface Behaviour {
  readonly what: string;
  readonly detection: Selections;
  readonly event: Partial<AuditEvent>;
  /** What is changed for the near miss. */
  readonly near: Partial<AuditEvent>;
}

const request = (verb: string, resource: string, more: JsonObject = {}): Partial<AuditEvent> => ({
  verb,
  objectRef: { resource, namespace: "shop", name: "web", ...more },
});
const one = (selection: JsonObject): Selections => ({ wanted: selection, condition: "wanted" });
const WRITES = ["create", "delete", "patch", "update"];
const ADMISSION = "admissionregistration.k8s.io";
const RBAC = "rbac.authorization.k8s.io";
const pod = (spec: JsonObject): Partial<AuditEvent> => ({ ...request("create", "pods"), requestObject: { spec } });
const exec = (command: string, decision: string, userAgent = "kubectl"): Partial<AuditEvent> => ({
  ...request("get", "pods", { subresource: "exec" }),
  requestURI: `/api/v1/namespaces/shop/pods/web/exec?command=${command}`,
  userAgent,
  annotations: { "authorization.k8s.io/decision": decision },
});

/** What the sixteen Kubernetes audit rules of SigmaHQ look for, in the field names that they use. */
const behaviours: readonly Behaviour[] = [
  {
    what: "a webhook configuration of admission is changed",
    detection: one({
      "objectRef.apiGroup": ADMISSION,
      "objectRef.resource": ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"],
      verb: [...WRITES, "replace"],
    }),
    event: request("patch", "validatingwebhookconfigurations", { apiGroup: ADMISSION }),
    near: request("patch", "validatingwebhookconfigurations", { apiGroup: "example.org" }),
  },
  {
    what: "a job or cron job is changed",
    detection: one({ "objectRef.apiGroup": "batch", "objectRef.resource": ["cronjobs", "jobs"], verb: WRITES }),
    event: request("create", "cronjobs", { apiGroup: "batch" }),
    near: request("get", "cronjobs", { apiGroup: "batch" }),
  },
  {
    what: "a deployment is deleted",
    detection: one({ verb: "delete", "objectRef.resource": "deployments" }),
    event: request("delete", "deployments"),
    near: request("delete", "replicasets"),
  },
  {
    what: "events are deleted",
    detection: one({ verb: "delete", "objectRef.resource": "events" }),
    event: request("delete", "events"),
    near: request("create", "events"),
  },
  {
    what: "a command is run in a container",
    detection: one({ verb: "create", "objectRef.resource": "pods", "objectRef.subresource": "exec" }),
    event: request("create", "pods", { subresource: "exec" }),
    near: request("create", "pods", { subresource: "eviction" }),
  },
  {
    what: "a pod mounts a path of its node",
    detection: one({ verb: "create", "objectRef.resource": "pods", hostPath: "*" }),
    event: pod({
      volumes: [
        { name: "a", emptyDir: {} },
        { name: "b", hostPath: { path: "/" } },
      ],
    }),
    near: pod({ volumes: [{ name: "a", emptyDir: {} }] }),
  },
  {
    what: "a pod is made in kube-system",
    detection: one({ verb: "create", "objectRef.resource": "pods", "objectRef.namespace": "kube-system" }),
    event: request("create", "pods", { namespace: "kube-system" }),
    near: request("create", "pods", { namespace: "kube-system-2" }),
  },
  {
    what: "shells and scanners are let through",
    detection: {
      shell: { "requestURI|contains": ["%2fbin%2fbash", "/bin/sh"] },
      tool: { "requestURI|contains": ["%2fusr%2fbin%2fcurl", "/usr/bin/wget"] },
      agent: { "userAgent|contains": ["access_matrix", "trufflehog"] },
      decision: { "responseStatus.code": "ALLOW" },
      condition: "(shell or tool or agent) and decision",
    },
    event: exec("%2Fbin%2Fbash", "allow"),
    near: exec("%2Fbin%2Fbash", "forbid"),
  },
  {
    what: "a scanner names itself",
    detection: {
      agent: { "userAgent|contains": ["access_matrix", "trufflehog"] },
      decision: { "responseStatus.code": "ALLOW" },
      condition: "agent and decision",
    },
    event: exec("ls", "allow", "kubectl-access_matrix/v0.5"),
    near: exec("ls", "allow", "kubectl/v1.37"),
  },
  {
    what: "a container asks for capabilities",
    detection: one({ verb: "create", "objectRef.resource": "pods", capabilities: "*" }),
    event: pod({ initContainers: [{ securityContext: { capabilities: { add: ["SYS_ADMIN"] } } }] }),
    near: pod({ containers: [{ securityContext: { capabilities: { drop: ["ALL"] } } }] }),
  },
  {
    what: "someone lists what they may do",
    detection: one({
      verb: "create",
      apiGroup: "authorization.k8s.io",
      "objectRef.resource": "selfsubjectrulesreviews",
    }),
    event: request("create", "selfsubjectrulesreviews", { apiGroup: "authorization.k8s.io" }),
    near: request("create", "selfsubjectaccessreviews", { apiGroup: "authorization.k8s.io" }),
  },
  {
    what: "a role binding is changed",
    detection: one({
      "objectRef.apiGroup": RBAC,
      "objectRef.resource": ["clusterrolebindings", "rolebindings"],
      verb: WRITES,
    }),
    event: request("create", "rolebindings", { apiGroup: RBAC }),
    near: request("create", "roles", { apiGroup: RBAC }),
  },
  {
    what: "secrets are listed",
    detection: one({ verb: "list", "objectRef.resource": "secrets" }),
    event: request("list", "secrets"),
    near: request("get", "secrets"),
  },
  {
    what: "a secret is written or deleted",
    detection: one({ verb: WRITES, "objectRef.resource": "secrets" }),
    event: request("delete", "secrets"),
    near: request("watch", "secrets"),
  },
  {
    what: "a service account is made",
    detection: one({ verb: "create", "objectRef.resource": "serviceaccounts" }),
    event: request("create", "serviceaccounts"),
    near: request("update", "serviceaccounts"),
  },
  {
    what: "a container is put into a deployment",
    detection: one({ verb: "patch", apiGroup: "apps", "objectRef.resource": "deployments" }),
    event: request("patch", "deployments", { apiGroup: "apps" }),
    near: request("patch", "deployments", { apiGroup: "extensions" }),
  },
  {
    what: "a request is refused",
    detection: one({ "responseStatus.code": [401, 403] }),
    event: { ...request("get", "pods"), responseStatus: { code: 403 } },
    near: { ...request("get", "pods"), responseStatus: { code: 404 } },
  },
];

const PSEUDO = /(?:hostPath|capabilities|"apiGroup|ALLOW)/;

function load(detection: Selections, rawFieldsOnly = false): { detection: Detection | undefined; problems: number } {
  const document = {
    title: "t",
    id: "5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10",
    level: "low",
    logsource: { product: "kubernetes", service: "audit" },
    detection,
  };
  const loaded = loadDetections(JSON.stringify(document), "t.yml", { rawFieldsOnly });
  return { detection: loaded.detections[0], problems: loaded.problems.length };
}

function whole(part: Partial<AuditEvent>): AuditEvent {
  return {
    level: "RequestResponse",
    auditID: "a",
    stage: "ResponseComplete",
    requestURI: "/api/v1/namespaces/shop/x",
    verb: "get",
    user: { username: "eve" },
    responseStatus: { code: 200 },
    requestObject: {},
    ...part,
  };
}

/** The same detection as it would be written for Elastic's documents. */
function inElastic(value: JsonValue): JsonValue {
  if (!isJsonObject(value)) {
    return value;
  }
  const renamed = Object.entries(value).map(([key, inner]) => [
    /^(?:verb|objectRef|requestURI|userAgent)/.test(key) ? `kubernetes.audit.${key}` : key,
    inner,
  ]);
  return Object.fromEntries(renamed) as JsonObject;
}

describe.each(behaviours)("SigmaHQ: $what", ({ detection, event, near }) => {
  it("fires on its event and stays silent on a near miss", () => {
    const { detection: loaded, problems } = load(detection);
    expect(problems).toBe(0);
    expect(loaded && evaluateDetection(loaded, whole(event))).toBe("hit");
    expect(loaded && evaluateDetection(loaded, whole(near))).toBe("miss");
  });

  it("does the same behind the head prefilter and in Elastic's spelling", () => {
    const elastic = Object.fromEntries(Object.entries(detection).map(([name, part]) => [name, inElastic(part)]));
    const { detection: loaded, problems } = load(elastic);
    expect(problems).toBe(0);
    const engine = new DetectionEngine(loaded ? [loaded] : []);
    expect(engine.evaluate(whole(event)).map(({ outcome }) => outcome)).toEqual(["hit"]);
    expect(engine.evaluate(whole(near))).toEqual([]);
  });

  it("never fires without the mapping when it reads a pseudo-field, and says so", () => {
    const { detection: loaded, problems } = load(detection, true);
    const isPseudo = PSEUDO.test(JSON.stringify(detection));
    expect(loaded && evaluateDetection(loaded, whole(event)) === "hit").toBe(!isPseudo);
    // A field that no event has, or a decision where a code belongs.
    expect(problems > 0).toBe(isPseudo);
  });
});
