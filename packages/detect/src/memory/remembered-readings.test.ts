import { createHash } from "node:crypto";
import type { AuditEvent } from "@auditsieve/audit";
import { describe, expect, it } from "vitest";
import { headOf } from "../reading/event-parts.ts";
import type { ClusterMemory } from "./cluster-memory.ts";
import { eventAt, madeWith, podCreated, podExec } from "./events.suite.ts";
import { after, read } from "./memory.suite.ts";

/** `openssl req -new -subj "/O=system:masters/O=dev/CN=mallory"`. */
const REQUEST =
  "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIME1JR2JBZ0VBTURreEZ6QVZCZ05WQkFvTURuTjVjM1JsYlRwdFlYTjBaWEp6TVF3d0NnWURWUVFLREFOawpaWFl4RURBT0JnTlZCQU1NQjIxaGJHeHZjbmt3V1RBVEJnY3Foa2pPUFFJQkJnZ3Foa2pPUFFNQkJ3TkNBQVM1CndKS2ZsbDE2Y254ODl2akVXbE44Y2wvMDgwViszMTJENkNyOW5ySHljRlY4WTdFYzZDUmphTG11OWlJUGRQOTgKSHZ0YjJwbjh0ckUrWUh6Wm5NYVBvQUF3Q2dZSUtvWkl6ajBFQXdJRFNBQXdSUUlnVitrZ29BTlpSU1hiTXZlVApUTmluMTY5UWp5TnNCSmIrZmVmeWlYY29HRk1DSVFEUFNmb1Y5TlpUMzVRQ0gwVXQvRDFTbjg1aytlQnlEa3NaCjd5RnZ1Mk0wS2c9PQotLS0tLUVORCBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0K";

describe("pods", () => {
  const root = { volumes: [{ name: "h", hostPath: { path: "/etc" } }], hostPID: true, serviceAccountName: "sa" };

  it.each([
    ["pod.privileged", { containers: [{ securityContext: { privileged: true } }] }, [true]],
    ["pod.privileged", { initContainers: [{ securityContext: { privileged: true } }] }, [true]],
    ["pod.privileged", {}, [false]],
    ["pod.hostPath", root, ["/etc"]],
    ["pod.hostPath", {}, "absent"],
    ["pod.hostPID", root, [true]],
    ["pod.hostNetwork", root, [false]],
    ["pod.serviceAccount", root, ["sa"]],
    ["pod.createdBy", {}, ["eve"]],
    ["pod.ageSeconds", {}, [60]],
  ] as const)("knows %s of %j", (name, spec, expected) => {
    expect(read(after(podCreated(0, "web", spec)), name, podExec(60))).toEqual(expected);
  });

  it("does not know a pod whose creation was not recorded, or not its body", () => {
    const { requestObject: _asked, responseObject: _answered, ...metadata } = podCreated(0, "web", {});
    expect(read(after(), "pod.privileged", podExec(1))).toBe("unknown");
    expect(read(after({ ...metadata, level: "Metadata" }), "pod.privileged", podExec(1))).toBe("unknown");
    expect(
      read(after({ ...podCreated(0, "web", {}), responseStatus: { code: 403 } }), "pod.privileged", podExec(1)),
    ).toBe("unknown");
  });

  it("finds the name that the apiserver made of generateName", () => {
    const { objectRef: _ref, ...pod } = podCreated(0, "web-x1", { hostIPC: true });
    const unnamed = { ...pod, objectRef: { resource: "pods", namespace: "shop" } };
    expect(read(after(unnamed), "pod.hostIPC", podExec(1, "web-x1"))).toEqual([true]);
  });

  it("is privileged once a privileged ephemeral container was added", () => {
    const added = eventAt(1, {
      verb: "patch",
      objectRef: { resource: "pods", subresource: "ephemeralcontainers", namespace: "shop", name: "web" },
      requestObject: { spec: { ephemeralContainers: [{ name: "d", securityContext: { privileged: true } }] } },
    });
    expect(read(after(podCreated(0, "web", {}), added), "pod.privileged", podExec(2))).toEqual([true]);
  });

  const many = <T>(make: (i: number) => T): readonly T[] => Array.from({ length: 300 }, (_, i) => make(i));

  it.each([
    [
      "pod.privileged",
      { containers: [...many((i) => ({ name: `c${i}` })), { securityContext: { privileged: true } }] },
    ],
    ["pod.hostPath", { volumes: [...many(() => ({ hostPath: { path: "/tmp" } })), { hostPath: { path: "/etc" } }] }],
    ["pod.hostPath", { volumes: [...many((i) => ({ hostPath: { path: `/${i}` } })), { hostPath: { path: "/etc" } }] }],
  ] as const)("knows %s of the last of very many", (name, spec) => {
    const found = read(after(podCreated(0, "web", spec)), name, podExec(60)) as readonly unknown[];
    expect(found.at(-1)).toBe(name === "pod.privileged" ? true : "/etc");
  });

  it.each([
    ["/spec/ephemeralContainers", [{ name: "d", securityContext: { privileged: true } }]],
    ["/spec/ephemeralContainers/-", { name: "d", securityContext: { privileged: true } }],
    ["/spec/ephemeralContainers/0/securityContext/privileged", true],
    ["/spec", { ephemeralContainers: [{ name: "d", securityContext: { privileged: true } }] }],
  ])("is privileged once a JSON patch added a privileged ephemeral container at %s", (path, value) => {
    const added = eventAt(1, {
      level: "Request",
      verb: "patch",
      objectRef: { resource: "pods", subresource: "ephemeralcontainers", namespace: "shop", name: "web" },
      requestObject: [
        { op: "test", path: "/spec/hostPID", value: false },
        { op: "add", path, value },
      ],
    });
    expect(read(after(podCreated(0, "web", {}), added), "pod.privileged", podExec(2))).toEqual([true]);
    expect(read(after(added), "pod.privileged", podExec(2))).toEqual([true]);
  });

  it("says nothing about requests that name no pod", () => {
    expect(read(after(), "pod.privileged", eventAt(0, { objectRef: { resource: "nodes", name: "n" } }))).toBe("absent");
  });
});

describe("grants", () => {
  const binding = (seconds: number, subjects: unknown, over: Partial<AuditEvent> = {}): AuditEvent =>
    eventAt(seconds, {
      verb: "create",
      responseStatus: { code: 201 },
      objectRef: { resource: "clusterrolebindings", name: "b" },
      requestObject: { metadata: { name: "b" }, subjects } as AuditEvent["requestObject"] & {},
      ...over,
    });
  const toEve = [{ kind: "User", name: "eve" }];
  const toWeb = [{ kind: "ServiceAccount", name: "web", namespace: "shop" }];
  const used = (
    seconds: number,
    username: string,
    reason = 'RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "cluster-admin" to User "eve"',
  ): AuditEvent =>
    eventAt(seconds, {
      user: { username, groups: ["system:authenticated"] },
      annotations: { "authorization.k8s.io/reason": reason },
    });

  it("knows the age of the binding that allows a request, and who made it", () => {
    const memory = after(binding(0, toEve));
    expect(read(memory, "grant.ageSeconds", used(90, "eve"))).toEqual([90]);
    expect(read(memory, "grant.by", used(90, "eve"))).toEqual(["eve"]);
    expect(read(memory, "grant.binding", used(90, "eve"))).toEqual(["ClusterRoleBinding/b"]);
    expect(read(memory, "grant.role", used(90, "eve"))).toEqual(["ClusterRole/cluster-admin"]);
  });

  it("tells by the head alone that a request has nothing to do with recent grants", () => {
    const memory = after(binding(0, toEve));
    expect(memory.read("auditsieve.grant.ageSeconds", headOf(used(1, "bob")))?.present).toBe(false);
    expect(memory.read("auditsieve.grant.ageSeconds", headOf(used(1, "eve")))).toBeUndefined();
  });

  it("goes by the reason where the groups are unknown that may have been granted something", () => {
    const toDevelopers = binding(0, [{ kind: "Group", name: "developers" }]);
    const event = { ...used(5, "bob"), user: { username: "bob" } };
    expect(read(after(toDevelopers), "grant.ageSeconds", event)).toEqual([5]);
  });

  it("knows a recent grant where an earlier one to the same subject is read late", () => {
    const late = binding(0, toEve, { objectRef: { resource: "clusterrolebindings", name: "other" } });
    const memory = after(binding(3600, toEve), late, podCreated(88_200, "web", {}));
    expect(read(memory, "grant.ageSeconds", used(88_200, "eve"))).toEqual([84_600]);
  });

  it("counts a grant of unknown subjects as one to anybody", () => {
    const { requestObject: _body, ...metadata } = binding(0, toEve);
    expect(read(after(metadata), "grant.ageSeconds", used(5, "bob"))).toEqual([5]);
  });

  it.each(['a"b', "a\\b", "a\u00e9\u200bb", "\\u0061", 'a" of ClusterRole "view'])(
    "knows the binding whose name the authorizer quotes: %s",
    (name) => {
      const quoted = JSON.stringify(name).replaceAll("\u200b", String.raw`\u200b`);
      const memory = after(binding(0, toEve, { objectRef: { resource: "clusterrolebindings", name } }));
      const event = used(
        7,
        "eve",
        `RBAC: allowed by ClusterRoleBinding ${quoted} of ClusterRole ${quoted} to User "eve"`,
      );
      expect(read(memory, "grant.ageSeconds", event)).toEqual([7]);
      expect(read(memory, "grant.binding", event)).toEqual([`ClusterRoleBinding/${name}`]);
      expect(read(memory, "grant.role", event)).toEqual([`ClusterRole/${name}`]);
    },
  );

  const crowd = [...Array.from({ length: 300 }, (_, i) => ({ kind: "User", name: `nobody-${i}` })), ...toEve];

  it("knows the last one of a crowd of subjects", () => {
    expect(read(after(), "selfGrant", binding(0, crowd))).toEqual([true]);
    expect(read(after(binding(0, crowd)), "grant.ageSeconds", used(7, "eve"))).toEqual([7]);
  });

  it("names role bindings with their namespace", () => {
    const reason = 'RBAC: allowed by RoleBinding "b/shop" of Role "r" to User "eve"';
    const memory = after(binding(0, toEve, { objectRef: { resource: "rolebindings", namespace: "shop", name: "b" } }));
    expect(read(memory, "grant.ageSeconds", used(7, "eve", reason))).toEqual([7]);
  });

  it.each([
    ["of openssl", REQUEST, [["mallory"], ["system:masters", "dev"]]],
    ["that is no request", "redacted:0000", ["unknown", "unknown"]],
    ["that is not there", undefined, ["absent", "absent"]],
  ])("reads who a signing request %s asks to be", (_, request, expected) => {
    const csr = eventAt(0, {
      verb: "create",
      objectRef: { resource: "certificatesigningrequests", apiGroup: "certificates.k8s.io", name: "c" },
      requestObject: { spec: { ...(request !== undefined && { request }) } },
    });
    const both = (event: AuditEvent): readonly unknown[] =>
      (["csr.commonName", "csr.organizations"] as const).map((name) => read(after(), name, event));
    expect(both(csr)).toEqual(expected);
    expect(both({ ...csr, verb: "get" })).toEqual(["absent", "absent"]);
    expect(both({ ...csr, objectRef: { resource: "secrets" } })).toEqual(["absent", "absent"]);
    const { requestObject: _body, ...unrecorded } = csr;
    expect(both(unrecorded)).toEqual(["unknown", "unknown"]);
  });

  it.each([
    ["a trial", "?dryRun=All", "absent"],
    ["a write that only looks like a trial", "?fieldManager=a?dryRun=All", 2],
    ["one whose dryRun the apiserver leaves out", "?dryRun=All%zz", 2],
  ])("knows a grant from a trial: %s", (_, query, age) => {
    const requestURI = `/apis/rbac.authorization.k8s.io/v1/clusterrolebindings${query}`;
    const memory = after({ ...binding(0, toEve), requestURI });
    expect(read(memory, "grant.ageSeconds", used(2, "eve"))).toEqual(age === "absent" ? age : [age]);
  });

  it("keeps a grant whose deletion was a trial by the word of its body", () => {
    const objectRef = { resource: "clusterrolebindings", name: "b" };
    const tried = eventAt(1, { verb: "delete", level: "Request", objectRef, requestObject: { dryRun: ["All"] } });
    expect(read(after(binding(0, toEve), tried), "grant.ageSeconds", used(2, "eve"))).toEqual([2]);
  });

  it("forgets a deleted binding, and what is over a day old", () => {
    const gone = eventAt(1, { verb: "delete", objectRef: { resource: "clusterrolebindings", name: "b" } });
    expect(read(after(binding(0, toEve), gone), "grant.ageSeconds", used(2, "eve"))).toBe("absent");
    expect(read(after(binding(0, toEve)), "grant.ageSeconds", used(90_000, "eve"))).toBe("absent");
  });

  it("passes over what the apiserver itself ships", () => {
    const shipped = binding(0, toEve, {
      user: { username: "system:apiserver" },
      requestObject: { metadata: { labels: { "kubernetes.io/bootstrapping": "rbac-defaults" } }, subjects: toEve },
    });
    expect(read(after(shipped), "grant.ageSeconds", used(1, "eve"))).toBe("absent");
    const { requestObject: _body, ...unrecorded } = shipped;
    expect(read(after(unrecorded), "grant.ageSeconds", used(1, "eve"))).toBe("absent");
    const byOther = { ...unrecorded, user: madeWith("X509SHA256=1", "system:apiserver") };
    expect(read(after(byOther), "grant.ageSeconds", used(1, "eve"))).toEqual([1]);
  });

  it.each([
    ["a user grants to himself", toEve, "eve", [true]],
    ["to another", [{ kind: "User", name: "bob" }], "eve", [false]],
    ["to a group of his", [{ kind: "Group", name: "dev" }], "eve", [true]],
    ["to everybody", [{ kind: "Group", name: "system:authenticated" }], "eve", [false]],
    ["a service account to itself", toWeb, "system:serviceaccount:shop:web", [true]],
  ] as const)("selfGrant: %s", (_what, subjects, username, expected) => {
    const event = binding(0, subjects, { user: { username, groups: ["dev", "system:authenticated"] } });
    expect(read(after(), "selfGrant", event)).toEqual(expected);
  });

  it("selfGrant: nobody with names of the system alone grants to himself", () => {
    const user = { username: "system:apiserver", groups: ["system:masters", "system:authenticated"] };
    const subjects = [{ kind: "Group", name: "system:masters" }];
    expect(read(after(), "selfGrant", binding(0, subjects, { user }))).toEqual([false]);
    expect(read(after(), "subjects", binding(0, subjects, { user }))).toEqual(["system:masters"]);
    expect(read(after(), "selfGrant", binding(0, subjects, { user, requestObject: null }))).toBe("unknown");
    expect(read(after(), "selfGrant", binding(0, subjects, { user: { username: "system:admin" } }))).toBe("unknown");
  });

  it.each([
    ["a name", { op: "replace", path: "/subjects/0/name", value: "eve" }, "eve", [true]],
    [
      "the name of a service account",
      { op: "replace", path: "/subjects/0/name", value: "web" },
      "system:serviceaccount:shop:web",
      [true],
    ],
    ["another name", { op: "replace", path: "/subjects/0/name", value: "bob" }, "eve", [false]],
    ["all", { op: "replace", path: "", value: { subjects: toEve } }, "eve", [true]],
    [
      "a subject, with more before the path",
      { op: "add", path: "x/subjects/-", value: { kind: "User", name: "eve" } },
      "eve",
      [true],
    ],
    ["what looks like subjects", { op: "replace", path: "/subjectsOfOld", value: toEve }, "eve", [false]],
  ])("selfGrant: a JSON patch that puts in %s", (_, step, username, expected) => {
    const objectRef = { resource: "rolebindings", namespace: "shop", name: "b" };
    const user = { username, groups: ["system:authenticated"] };
    const event = binding(0, [], { verb: "patch", objectRef, user, requestObject: [step] });
    expect(read(after(), "selfGrant", event)).toEqual(expected);
  });

  it("reads the subjects that a JSON patch puts in", () => {
    const requestObject = [{ op: "add", path: "/subjects/-", value: { kind: "User", name: "eve" } }];
    expect(read(after(), "selfGrant", binding(0, [], { verb: "patch", requestObject }))).toEqual([true]);
    expect(read(after(), "subjects", binding(0, [], { verb: "patch", requestObject }))).toEqual(["eve"]);
    expect(read(after(), "selfGrant", binding(0, [], { requestObject: null }))).toBe("unknown");
  });
});

describe("credentials", () => {
  const minted = eventAt(0, {
    verb: "create",
    user: madeWith("X509SHA256=admin", "eve"),
    objectRef: { resource: "serviceaccounts", subresource: "token", namespace: "shop", name: "web" },
    responseStatus: { code: 201 },
    annotations: { "authentication.kubernetes.io/issued-credential-id": "JTI=1" },
  });
  const bound = {
    "authentication.kubernetes.io/pod-name": ["web-0"],
    "authentication.kubernetes.io/pod-uid": ["uid-web-0"],
    "authentication.kubernetes.io/node-name": ["n1"],
  };
  const byToken = (seconds: number, address: string, extra = {}): AuditEvent =>
    eventAt(seconds, { user: madeWith("JTI=1", "system:serviceaccount:shop:web", extra), sourceIPs: [address] });

  it("ties a token to who asked for it", () => {
    const memory = after(minted);
    expect(read(memory, "credential.issuedBy", byToken(30, "10.0.0.1"))).toEqual(["eve"]);
    expect(read(memory, "credential.ageSeconds", byToken(30, "10.0.0.1"))).toEqual([30]);
    expect(read(memory, "credential.kind", byToken(30, "10.0.0.1"))).toEqual(["token"]);
    expect(memory.credentials.lineage("JTI=1").map(({ id }) => id)).toEqual(["JTI=1", "X509SHA256=admin"]);
  });

  it("ties a certificate to its signing request, and what it makes to that", () => {
    const der = Buffer.from("not really a certificate");
    const pem = `-----BEGIN CERTIFICATE-----\n${der.toString("base64")}\n-----END CERTIFICATE-----\n`;
    const id = `X509SHA256=${createHash("sha256").update(der).digest("hex")}`;
    const csr = (seconds: number, over: Partial<AuditEvent>): AuditEvent =>
      eventAt(seconds, {
        verb: "update",
        objectRef: { resource: "certificatesigningrequests", name: "backdoor" },
        ...over,
      });
    const memory = after(
      csr(0, { verb: "create", user: madeWith("JTI=eve", "eve") }),
      csr(1, {
        user: madeWith("X509SHA256=carol", "carol"),
        objectRef: { resource: "certificatesigningrequests", subresource: "approval", name: "backdoor" },
        requestObject: { status: { conditions: [{ type: "Approved" }] } },
      }),
      csr(2, {
        user: { username: "signer" },
        objectRef: { resource: "certificatesigningrequests", subresource: "status", name: "backdoor" },
        responseObject: { status: { certificate: Buffer.from(pem).toString("base64") } },
      }),
      eventAt(3, {
        ...minted,
        ...eventAt(3, {}),
        verb: "create",
        user: { ...madeWith(id, "backdoor"), groups: ["system:masters"] },
        objectRef: minted.objectRef ?? {},
        annotations: { "authentication.kubernetes.io/issued-credential-id": "JTI=2" },
      }),
    );
    expect(memory.credentials.find(id)).toMatchObject({
      kind: "certificate",
      issuedBy: "eve",
      approvedBy: "carol",
      signingRequest: "backdoor",
      isMasters: true,
      subject: "backdoor",
    });
    const use = eventAt(9, { user: madeWith("JTI=2", "system:serviceaccount:shop:web") });
    expect(read(memory, "credential.lineage", use)).toEqual(["backdoor", "eve"]);
    expect(read(memory, "credential.approvedBy", eventAt(9, { user: madeWith(id, "backdoor") }))).toEqual(["carol"]);
  });

  const asCertificate = (der: string): { readonly id: string; readonly certificate: string } => {
    const base64 = Buffer.from(der).toString("base64");
    const pem = `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`;
    const id = `X509SHA256=${createHash("sha256").update(der).digest("hex")}`;
    return { id, certificate: Buffer.from(pem).toString("base64") };
  };
  const { id, certificate } = asCertificate("no certificate either");
  const signing = (seconds: number, subresource: string | undefined, over: Partial<AuditEvent>): AuditEvent =>
    eventAt(seconds, {
      verb: "update",
      objectRef: { resource: "certificatesigningrequests", ...(subresource && { subresource }), name: "c" },
      ...over,
    });
  const asked = signing(0, undefined, { verb: "create", user: { username: "eve" } });
  const approved = signing(1, "approval", {
    user: { username: "carol" },
    requestObject: { status: { conditions: [{ type: "Approved" }] } },
  });
  const signed = signing(2, "status", {
    user: madeWith("X509SHA256=signer", "system:kube-controller-manager"),
    responseObject: { status: { certificate } },
  });

  it("CredentialLedger.lineage does not go on with the signer of a certificate whose asker has no credential id", () => {
    const { credentials } = after(asked, approved, signed);
    expect(credentials.find(id)).toMatchObject({ issuedBy: "eve", approvedBy: "carol" });
    expect(credentials.find(id)?.issuedWith).toBeUndefined();
    expect(after(signed).credentials.find(id)?.issuedWith).toBeUndefined();
  });

  it.each([
    [
      "an approval",
      signing(3, "approval", { ...approved, requestURI: "/x?dryRun=All", user: { username: "mallory" } }),
    ],
    ["a request", { ...asked, requestURI: "/x?dryRun=All", user: { username: "mallory" } }],
  ])("CredentialLedger takes %s that was a trial for none", (_, trial) => {
    expect(after(asked, approved, trial, signed).credentials.find(id)).toMatchObject({
      issuedBy: "eve",
      approvedBy: "carol",
    });
  });

  it("CredentialLedger takes a certificate from nobody but its signer", () => {
    const claimed = { ...asked, requestObject: { status: { certificate } } };
    const patched = signing(3, undefined, { verb: "patch", requestObject: { status: { certificate } } });
    expect(after(claimed, patched).credentials.find(id)).toBeUndefined();
  });

  it("counts the addresses that a credential comes from", () => {
    const memory = after(minted, byToken(1, "10.0.0.1"), byToken(2, "10.0.0.1"));
    expect(read(memory, "credential.addresses", byToken(3, "10.0.0.1"))).toEqual([1]);
    const { sourceIPs: _addresses, ...fromNowhere } = byToken(3, "");
    expect(read(memory, "credential.addresses", fromNowhere)).toEqual([1]);
    expect(read(memory, "credential.addresses", byToken(3, "192.0.2.7"))).toEqual([2]);
  });

  it("tells a token that is used away from its pod and node", () => {
    const status = eventAt(1, {
      verb: "patch",
      user: { username: "system:node:n1", groups: ["system:nodes"] },
      objectRef: { resource: "pods", subresource: "status", namespace: "shop", name: "web-0" },
      requestObject: { status: { podIP: "10.1.0.5", podIPs: [{ ip: "10.1.0.5" }] } },
    });
    const kubelet = eventAt(1, { user: madeWith("X509SHA256=n1", "system:node:n1"), sourceIPs: ["10.0.0.21"] });
    const known = (): ClusterMemory => after(podCreated(0, "web-0", {}), status, kubelet);
    expect(read(known(), "credential.awayFromPod", byToken(5, "10.1.0.5", bound))).toEqual([false]);
    expect(read(known(), "credential.awayFromPod", byToken(5, "10.0.0.21", bound))).toEqual([false]);
    expect(read(known(), "credential.awayFromPod", byToken(5, "192.0.2.7", bound))).toEqual([true]);
    const forwarded = { ...byToken(5, "", bound), sourceIPs: ["192.0.2.7", "10.0.0.21"] };
    expect(read(known(), "credential.awayFromPod", forwarded)).toEqual([true]);
    expect(read(after(), "credential.awayFromPod", byToken(5, "192.0.2.7", bound))).toBe("absent");
    expect(read(known(), "credential.awayFromPod", byToken(5, "192.0.2.7"))).toBe("absent");
  });

  it("tells a token whose pod is gone, though another of that name lives", () => {
    const deleted = eventAt(10, { verb: "delete", objectRef: { resource: "pods", namespace: "shop", name: "web-0" } });
    const memory = after(podCreated(0, "web-0", {}), deleted);
    expect(read(memory, "credential.podDeletedSeconds", byToken(100, "10.1.0.5", bound))).toEqual([90]);
    expect(read(memory, "credential.podDeletedSeconds", byToken(100, "10.1.0.5"))).toEqual([90]);
    expect(
      read(
        after(podCreated(0, "web-0", {}), deleted, podCreated(11, "web-0", {})),
        "credential.podDeletedSeconds",
        byToken(100, "10.1.0.5", bound),
      ),
    ).toBe("absent");
  });
});
