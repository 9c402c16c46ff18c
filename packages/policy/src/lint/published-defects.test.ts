import { describe, expect, test } from "vitest";
import { loadPolicy } from "../load.ts";
import { lintPolicy } from "./index.ts";

/**
 * Defects that stand in audit policies which well-known projects publish, each made anew in a few lines: what lint must name, and in
 * which words.
 */
const DEFECTS: readonly (readonly [
  defect: string,
  rules: string,
  expected: readonly (readonly [id: string, message: RegExp])[],
])[] = [
  [
    "resources misspelt in one entry: the whole group is meant by accident",
    "- level: Metadata\n  resources:\n  - group: machineconfiguration.openshift.io\n    resource: [machineconfig]\n- level: Request",
    [
      [
        "unknown-field",
        /the apiserver ignores it; rules\[0\] \(Metadata\) now matches all of the group machineconfiguration/,
      ],
    ],
  ],
  [
    "a resource that is none, in a group that is known",
    "- level: Metadata\n  resources: [{group: authentication.k8s.io, resources: [tokenreviews, tokenrequests]}]\n- level: Metadata",
    [["wrong-group", /"tokenrequests" in the group "authentication.k8s.io"/]],
  ],
  [
    "verbs in the wrong place: reads are logged whole, though changes were meant",
    '- level: RequestResponse\n  resources: [{group: "", resources: [pods], verbs: [create]}]\n- level: Metadata',
    [
      ["unknown-field", /rules\[0\]\.resources\[0\]\.verbs/],
      ["read-bodies", /every list of pods/],
      ["subresource-missing", /pods\/ephemeralcontainers is Metadata/],
    ],
  ],
  [
    "deployments in the core group, and half of RBAC at Metadata",
    '- level: RequestResponse\n  resources: [{group: "", resources: [pods, deployments]}]\n- level: RequestResponse\n  resources: [{group: rbac.authorization.k8s.io, resources: [clusterroles, clusterrolebindings]}]\n- level: Metadata',
    [
      ["wrong-group", /"deployments" in the core group/],
      ["rbac-bodies", /new rolebindings and roles grant: rules\[2\]/],
    ],
  ],
  [
    "verbs of changes only, at the end",
    "- level: Metadata\n  verbs: [create, update, delete, patch]",
    [
      ["websocket-missed", /the verb get on pods\/exec, pods\/attach, pods\/portforward, which is None by no rule/],
      ["deletecollection-missing", /mass deletion/],
      ["no-catch-all", /what no rule matches/],
      ["sensitive-hidden", /get\/list of secrets/],
      ["failed-login-lost", /no rule matches one/],
    ],
  ],
  [
    "all service accounts of kube-system dropped",
    '- level: None\n  userGroups: ["system:serviceaccounts:kube-system"]\n- level: Metadata',
    [
      ["identity-only-drop", /anything that system:serviceaccounts:kube-system does/],
      ["sensitive-hidden", /rules\[0\] drops it for system:serviceaccounts:kube-system/],
    ],
  ],
  [
    "container is no resource, replicacontrollers neither",
    '- level: Request\n  resources: [{group: "", resources: [container, replicacontrollers]}]\n- level: Metadata',
    [
      ["wrong-group", /"container"/],
      ["wrong-group", /"replicacontrollers"/],
    ],
  ],
  [
    "RequestResponse on exec adds nothing",
    '- level: RequestResponse\n  resources: [{group: "", resources: [pods/exec]}]\n- level: Metadata',
    [["exec-body", /pods\/exec at RequestResponse/]],
  ],
  [
    "a minimal policy that leaves out RBAC, webhooks and certificate requests",
    '- level: Metadata\n  resources: [{group: "", resources: [secrets]}]',
    [["sensitive-hidden", /rbac\.authorization\.k8s\.io.*more: no rule matches it/]],
  ],
  [
    "pods without verbs",
    '- level: RequestResponse\n  resources: [{group: "", resources: [pods]}]\n- level: Metadata',
    [["read-bodies", /every list of pods/]],
  ],
  [
    "noise of 2017, and not that of today",
    '- level: None\n  users: ["system:kube-proxy"]\n  verbs: [watch]\n  resources: [{group: "", resources: [endpoints, services]}]\n- level: None\n  users: ["system:kube-controller-manager"]\n  verbs: [get, update]\n  namespaces: [kube-system]\n  resources: [{group: "", resources: [endpoints]}]\n- level: None\n  nonResourceURLs: ["/healthz*"]\n- level: None\n  resources: [{group: "", resources: [events]}]\n- level: Request\n  resources: [{group: extensions}, {group: settings.k8s.io}]\n- level: Metadata',
    [
      ["outdated-noise", /"system:kube-proxy" alone/],
      ["outdated-noise", /leader election on endpoints/],
      ["modern-noise", /endpointslices/],
      ["modern-noise", /leases/],
      ["modern-noise", /events\.k8s\.io/],
      ["modern-noise", /\/livez and \/readyz/],
      ["writes-hidden", /who changes events/],
      ["wrong-group", /"extensions"/],
      ["wrong-group", /"settings\.k8s\.io"/],
    ],
  ],
  [
    "groups listed one by one: the new ones are not there",
    '- level: Request\n  resources: [{group: ""}, {group: apps}, {group: autoscaling}, {group: batch}, {group: policy}, {group: networking.k8s.io}, {group: storage.k8s.io}, {group: rbac.authorization.k8s.io}]\n- level: Metadata',
    [["groups-missing", /rules\[0\] \(Request\), which lists 8 of/]],
  ],
  [
    "discovery dropped for everyone with a credential",
    '- level: None\n  userGroups: ["system:authenticated"]\n  nonResourceURLs: ["/api*", "/version"]\n- level: Metadata',
    [["discovery-hidden", /drops \/api, \/api\/v1, \/apis and/]],
  ],
  [
    "secrets at Request",
    '- level: Request\n  resources: [{group: "", resources: [secrets]}]\n- level: Metadata',
    [["secret-values", /create, update, patch of secrets at Request/]],
  ],
  [
    "a default policy that passes the benchmark and logs nothing",
    "- level: None",
    [
      ["logs-nothing", /the audit log stays empty/],
      ["failed-login-lost", /drops it/],
    ],
  ],
  [
    "the STIG's own text",
    "- level: RequestResponse",
    [
      ["stig-or-cis", /CIS 3\.2\.2/],
      ["secret-values", /values of secrets/],
      ["token-values", /tokens of service accounts/],
    ],
  ],
];

describe("lintPolicy() on what others publish", () => {
  test.each(DEFECTS)("names: %s", (_defect, rules, expected) => {
    const loaded = loadPolicy(`apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n${rules}\n`);
    const found = loaded.outcome === "accepted" ? lintPolicy(loaded) : [];
    for (const [id, message] of expected) {
      expect(found).toContainEqual(expect.objectContaining({ id, message: expect.stringMatching(message) as unknown }));
    }
  });
});

describe("lintPolicy() for a version", () => {
  const rules = (resource: string): string =>
    `apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Request\n  resources: [${resource}]\n- level: Metadata\n`;
  const found = (resource: string, kubernetesVersion: string): readonly string[] => {
    const loaded = loadPolicy(rules(resource), { kubernetesVersion });
    return loaded.outcome === "accepted"
      ? lintPolicy(loaded, { kubernetesVersion })
          .filter(({ id }) => id === "wrong-group")
          .map(({ message, hint }) => `${message}; ${hint}`)
      : [];
  };
  const cases: readonly (readonly [string, string, RegExp | undefined])[] = [
    ['{group: "", resources: [pods/resize]}', "1.37", undefined],
    [
      '{group: "", resources: [pods/resize]}',
      "1.30",
      /1\.30 serves no such subresource; Kubernetes serves it from 1\.32/,
    ],
    ['{group: "", resources: [pods/execute]}', "1.37", /Did you mean pods\/exec\?|Remove it/],
    ["{group: resource.k8s.io, resources: [podschedulingcontexts]}", "1.30", undefined],
    ["{group: resource.k8s.io, resources: [podschedulingcontexts]}", "1.37", /Kubernetes serves it up to 1\.31/],
    ["{group: lifecycle.k8s.io}", "1.36", /Kubernetes 1\.36 does not serve it/],
    ["{group: lifecycle.k8s.io}", "1.37", undefined],
    ["{group: example.com, resources: [anything]}", "1.29", undefined],
    ["{group: apps, resources: [deployments]}", "9.99", undefined],
  ];
  test.each(cases)("%s in %s", (resource, version, message) => {
    const [first] = found(resource, version);
    if (message === undefined) {
      expect(first).toBeUndefined();
    } else {
      expect(first).toMatch(message);
    }
  });
});
