import type { AuditEvent } from "@auditsieve/audit";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DetectionEngine } from "../detection-engine.ts";
import { headOf } from "../reading/event-parts.ts";
import { FindingStream } from "./finding-stream.ts";
import type { FindingStreamOptions } from "./finding-stream-options.ts";
import { loadDetections } from "../load-detections.ts";
import { eventAt, madeWith, podCreated } from "../memory/events.suite.ts";
import type { QuietAnswer } from "./quiet-answers.ts";
import { partsOf, rememberingHeads } from "../remembering-head.suite.ts";
import { shippedDocuments } from "../shipped-detections.suite.ts";
import { runs } from "../../../../test/property-runs.ts";

/** Those that ask what is remembered, and one that looks at names. */
const FILES = ["token-used-away-from-its-pod", "credential-made-by-hand-used", "fresh-right-used", "lease-taken"];
const engine = new DetectionEngine(
  shippedDocuments.filter(({ file }) => FILES.some((name) => file.endsWith(`${name}.yml`))),
  { remember: ["pods"] },
);

const headIn = rememberingHeads();

/** Pushes what must be; gives the answer about the event where there is nothing to push. */
function ask(stream: FindingStream, event: AuditEvent): QuietAnswer | undefined {
  const head = headIn(event);
  if (stream.candidates(head).length > 0) {
    stream.push(event);
    return undefined;
  }
  return stream.quiet.about(head);
}

/** The same request at `seconds` by a credential of a node that is known already. */
function read(seconds: number, over: Partial<AuditEvent> = {}): AuditEvent {
  return eventAt(seconds, {
    user: { ...madeWith("X509SHA256=1", "system:node:n1"), groups: ["system:nodes", "system:authenticated"] },
    verb: "get",
    requestURI: "/api/v1/nodes/n1",
    objectRef: { resource: "nodes", name: "n1" },
    annotations: { "authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": "" },
    ...over,
  });
}

function settled(event: AuditEvent, options: FindingStreamOptions = {}): readonly [FindingStream, QuietAnswer] {
  const stream = new FindingStream(engine, options);
  for (let asked = 0; asked < 10; asked++) {
    const answer = ask(stream, event);
    if (answer) {
      return [stream, answer];
    }
  }
  throw new Error("It never becomes quiet");
}

describe("QuietAnswers", () => {
  it("says nothing where there are candidates, and of a head that is known that it stands", () => {
    const stream = new FindingStream(engine);
    expect(stream.quiet.about(headOf(podCreated(0, "web", {})))).toBeUndefined();
    const [, answer] = settled(read(0));
    expect(answer).toMatchObject({ stands: true });
  });

  it("ends an answer about a token bound to a pod when that pod is written, and no other", () => {
    const token = read(0, {
      user: {
        ...madeWith("JTI=1", "system:serviceaccount:shop:web", {
          "authentication.kubernetes.io/pod-name": ["web"],
          "authentication.kubernetes.io/pod-uid": ["uid-web"],
        }),
        groups: ["system:serviceaccounts", "system:serviceaccounts:shop", "system:authenticated"],
      },
      requestURI: "/api/v1/nodes",
      objectRef: { resource: "nodes" },
    });
    const [stream, answer] = settled(token);
    const other = settledIn(stream, read(1));
    const before = stream.quiet.epoch;
    stream.push(podCreated(2, "another", {}));
    expect([answer.stands, other.stands, stream.quiet.epoch]).toEqual([true, true, before]);
    stream.push(podCreated(3, "web", {}));
    expect([answer.stands, other.stands]).toEqual([false, true]);
    expect(stream.quiet.epoch).toBeGreaterThan(before);
  });

  it("ends all answers when a store forgets a half", () => {
    const [stream, answer] = settled(read(0), { maxPods: 2 });
    for (const name of ["a", "b"]) {
      stream.push(podCreated(1, name, {}));
      expect(answer.stands).toBe(true);
    }
    stream.push(podCreated(1, "c", {}));
    expect(answer.stands).toBe(false);
  });

  it("ends answers about a subject when it gets a grant, and when that is no longer recent", () => {
    const eve = read(0, {
      user: { username: "eve", groups: ["dev"] },
      requestURI: "/api/v1/nodes",
      verb: "watch",
      objectRef: { resource: "nodes" },
    });
    const [stream, answer] = settled(eve);
    stream.push(granted(1, "joe", "joe"));
    expect(answer.stands).toBe(true);
    stream.push(granted(2, "eve", "eve"));
    expect(answer.stands).toBe(false);
    const again = settledIn(stream, eve);
    stream.push(podCreated(86_402, "web", {}));
    expect(again.stands).toBe(true);
    stream.push(podCreated(86_403, "web", {}));
    expect(again.stands).toBe(false);
  });

  it("keeps an answer where who has a recent grant gets another one, a later one or an earlier one that is read late", () => {
    const eve = read(0, {
      user: { username: "eve", groups: ["dev"] },
      requestURI: "/api/v1/nodes",
      verb: "watch",
      objectRef: { resource: "nodes" },
    });
    const [stream] = settled(eve);
    stream.push(granted(2, "eve", "eve"));
    const answer = settledIn(stream, eve);
    for (const [seconds, name] of [
      [2, "again"],
      [60, "later"],
      [1, "read late"],
    ] as const) {
      stream.push(granted(seconds, name, "eve"));
      expect(answer.stands).toBe(true);
    }
  });

  it("keeps an answer about a token where its making is told once more, and ends it where that was another one", () => {
    const made = (by: string): AuditEvent =>
      eventAt(0, {
        user: { username: by, groups: ["system:authenticated"] },
        verb: "create",
        requestURI: "/api/v1/namespaces/shop/serviceaccounts/web/token",
        objectRef: { resource: "serviceaccounts", subresource: "token", namespace: "shop", name: "web" },
        responseStatus: { code: 201 },
        annotations: { "authentication.kubernetes.io/issued-credential-id": "JTI=1" },
      });
    const used = read(1, {
      user: {
        ...madeWith("JTI=1", "system:serviceaccount:shop:web"),
        groups: ["system:serviceaccounts", "system:serviceaccounts:shop", "system:authenticated"],
      },
      requestURI: "/api/v1/nodes",
      objectRef: { resource: "nodes" },
    });
    const stream = new FindingStream(engine);
    stream.push(made("system:node:n1"));
    const answer = settledIn(stream, used);
    const before = stream.credentials.find("JTI=1");
    stream.push(made("system:node:n1"));
    expect([answer.stands, stream.credentials.find("JTI=1")]).toEqual([true, before]);
    stream.push(made("system:node:n2"));
    expect([answer.stands, stream.credentials.find("JTI=1")?.issuedBy]).toEqual([false, "system:node:n2"]);
  });

  it("ends all answers when a snapshot is taken over", () => {
    const [stream, answer] = settled(read(0));
    expect(stream.restore(stream.snapshot())).toBe(true);
    expect(answer.stands).toBe(false);
  });

  it("is about names where the answer looks at them", () => {
    const [, pods] = settled(read(0, { objectRef: { resource: "pods" }, requestURI: "/api/v1/pods", verb: "list" }));
    const lease = {
      resource: "leases",
      apiGroup: "coordination.k8s.io",
      namespace: "kube-system",
      name: "kube-scheduler",
    };
    const [, named] = settled(
      read(0, {
        user: { username: "system:kube-scheduler", groups: ["system:authenticated"] },
        verb: "update",
        objectRef: lease,
        requestURI: "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-scheduler",
      }),
    );
    expect([pods.isNamed, named.isNamed]).toEqual([false, true]);
  });
});

describe("QuietAnswer.isForPlainNames", () => {
  const TESTS = [
    "[?&]dryRun=",
    "=",
    "(=|x)",
    "=?x",
    "web",
    "x+=",
    "(?i)a=",
    "[^=]",
    "^/[^=]*$",
    "p:",
    "(/x){0,2}=y",
  ].concat([
    "[?&]by=(web|x)",
    "(?i)[?&]BY=x",
    "x&by=",
    "b/x=?",
    "(web|a)[?]x=1",
    "=(x|web)$",
    "(by|x)=(w|x)",
    "/x[?]?by=",
  ]);
  const FORMS = ["s", "not s", "s or n", "s and n", "s and not n", "s and u", "s or u", "not u", "u", "s and not u"];
  const engineOf = (test: string, condition: string, i: number): DetectionEngine => {
    const { detections } = loadDetections(
      JSON.stringify({
        title: "T",
        id: "5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10",
        level: "low",
        logsource: { product: "kubernetes", service: "audit" },
        detection: {
          s: { "requestURI|re": test },
          n: { "objectRef.name": "x" },
          u: i % 2 === 0 ? { "objectRef.name": null } : { "objectRef.name|exists": false },
          condition,
        },
      }),
      "t.yml",
    );
    return new DetectionEngine(detections);
  };
  const engines = TESTS.flatMap((test, i) => FORMS.map((condition) => engineOf(test, condition, i)));
  const asked = (
    of: DetectionEngine,
    uri: string,
    name: string | undefined,
    stage: "RequestReceived" | "ResponseComplete",
  ) => {
    const stream = new FindingStream(of);
    const objectRef = { resource: "pods", ...(name !== undefined && { name }) };
    const head = headIn(eventAt(0, { stage, requestURI: uri, objectRef }));
    return { count: stream.candidates(head).length, answer: stream.quiet.about(head) };
  };

  it("says that no other plain name makes candidates of a head", () => {
    const name = fc.string({
      unit: fc.constantFrom("a", "web", "x", "Z9", ".", ":", "-", "p:"),
      minLength: 1,
      maxLength: 3,
    });
    let plain = 0;
    let unnamed = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(...engines),
        fc.constantFrom("/api/v1/pods/", "/x/", "/="),
        name,
        name,
        fc.constantFrom(
          "",
          "/binding",
          "/status?x=1",
          "?dryRun=All",
          "/=y",
          "?by=a",
          "?x=1&by=web",
          "?by=X",
          "?q?by=x",
        ),
        fc.constantFrom("RequestReceived", "ResponseComplete"),
        fc.boolean(),
        (of, before, one, other, behind, stage, hasName) => {
          const { answer, count } = asked(of, `${before}${one}${behind}`, hasName ? one : undefined, stage);
          const refs = hasName ? ["x", other] : [undefined];
          if (answer?.isForPlainNames === true) {
            plain++;
            for (const ref of refs) {
              expect(asked(of, `${before}${other}${behind}`, ref, stage).count).toBe(count);
            }
          } else if (answer?.isNamed === false) {
            unnamed++;
            for (const uri of [`${before}${other}${behind}`, `/${other}?by=x`, "/=y"]) {
              expect(refs.map((ref) => asked(of, uri, ref, stage).count)).toEqual(refs.map(() => count));
            }
          }
        },
      ),
      { numRuns: runs(500) },
    );
    expect([plain > 10, unnamed > 20]).toEqual([true, true]);
  });

  it.each([
    ["[?&]by=(web|x)", "/api/v1/pods/a?by=b", true],
    ["[?&]by=(web|x)", "/api/v1/pods/a?q&by=b", true],
    ["[?&]by=(web|x)", "/api/v1/pods/a/b=y?by=b", false],
    ["(?i)[?&]BY=web", "/api/v1/pods/a?by=Web&q", false],
    ["(?i)by=web&", "/api/v1/pods/a?by=Web", true],
    ["pods/web", "/api/v1/pods/a?by=b", false],
    ["web\\?by=b", "/api/v1/pods/a?by=b", false],
    ["by=web", "/api/v1/pods/a", true],
    ["web", "/api/v1/pods/a?by=b", false],
  ])("says of %j and %s what another name in the path may change", (test, uri, isForPlainNames) => {
    const { count, answer } = asked(engineOf(test, "s", 0), uri, "a", "ResponseComplete");
    const answered = count === 0 && answer?.isForPlainNames === true;
    expect(answered).toBe(isForPlainNames);
  });
});

describe("QuietAnswer.isOfNamespace", () => {
  const placed = ["s", "not s", "s and u", "s or u", "u and not s"].flatMap((condition) =>
    [
      { "objectRef.namespace": "shop" },
      { "objectRef.namespace": null },
      { "objectRef.namespace|startswith": "kube-" },
    ].map(
      (s) =>
        loadDetections(
          JSON.stringify({
            title: "T",
            id: "5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10",
            level: "low",
            logsource: { product: "kubernetes", service: "audit" },
            detection: { s, u: { "user.username": "eve" }, condition },
          }),
          "t.yml",
        ).detections,
    ),
  );
  const engines = [...placed, shippedDocuments].map((detections) => new DetectionEngine(detections));

  it("is false only where no other namespace makes other candidates of a head", () => {
    let free = 0;
    let bound = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(...engines, ...engines.slice(-1), ...engines.slice(-1)),
        fc.constantFrom("get", "list", "watch", "create", "patch", "delete"),
        fc.constantFrom("pods", "secrets", "leases", "configmaps", "endpoints", "roles", "serviceaccounts", "jobs"),
        fc.constantFrom(
          "eve",
          "system:kube-scheduler",
          "system:serviceaccount:kube-system:x",
          "system:node:n1",
          "jane",
        ),
        fc.constantFrom("shop", "kube-system", "kube-public", "x"),
        fc.boolean(),
        fc.constantFrom("RequestReceived", "ResponseComplete"),
        (of, verb, resource, username, one, hasName, stage) => {
          const stream = new FindingStream(of);
          const headOfPlace = (namespace: string) =>
            headIn(
              eventAt(0, {
                stage,
                verb,
                user: { username, groups: ["system:authenticated"] },
                requestURI: `/api/v1/namespaces/${namespace}/${resource}${hasName ? "/a" : ""}`,
                objectRef: { resource, namespace, apiVersion: "v1", ...(hasName && { name: "a" }) },
              }),
            );
          const candidates = stream.candidates(headOfPlace(one));
          const answer = stream.quiet.isPossible(candidates) ? stream.quiet.about(headOfPlace(one)) : undefined;
          if (answer === undefined || answer.isOfNamespace) {
            bound++;
            return;
          }
          free++;
          for (const other of ["shop", "kube-system", "kube-public", "default", "z"]) {
            expect(stream.candidates(headOfPlace(other))).toEqual(candidates);
          }
        },
      ),
      { numRuns: runs(400) },
    );
    expect([free > 20, bound > 20]).toEqual([true, true]);
  });
});

describe("what quiet answers pass over", () => {
  const one = fc.constantFrom("a", "b", "c");
  const step = fc.record({
    kind: fc.constantFrom<Kind>(
      "token",
      "token",
      "node",
      "granted",
      "secret",
      "mint",
      "node",
      "pod",
      "deleted",
      "addressed",
      "grant",
      "granted",
      "secret",
    ),
    name: one,
    other: one,
    hours: fc.constantFrom(0, 0, 0, 0, 0, 0, 1, 23),
    query: fc.constantFrom("", "", "", "?dryRun=All", "?fieldManager=kube-controller-manager"),
  });

  it("are events that change nothing: findings and all that is remembered are as without them", () => {
    const few = fc.constantFrom(3, 9, 30);
    const bounds = fc.record({ maxPods: few, maxGrants: few, maxCredentials: few, maxFirstSeen: few });
    let passedOver = 0;
    fc.assert(
      fc.property(bounds, fc.array(step, { minLength: 150, maxLength: 300 }), (small, steps) => {
        const plain = new FindingStream(whole, small);
        const stream = new FindingStream(whole, small);
        const answers = new Map<string, QuietAnswer>();
        const expected: string[] = [];
        const found: string[] = [];
        let seconds = 0;
        for (const { hours, query, ...each } of steps) {
          seconds += 1 + hours * 3600;
          const asked = made(seconds, each);
          const event = { ...asked, requestURI: asked.requestURI + query };
          const head = headIn(event);
          // Remembers nothing of heads.
          const wanted = plain.candidates(headOf(event));
          expected.push(...plain.push(event, undefined, wanted).map(({ id }) => id));
          const [whole, unnamed] = partsOf(head);
          const parts = [whole, `${head.get("objectRef.name") !== undefined} ${unnamed}`] as const;
          if (parts.some((part) => answers.get(part)?.stands === true)) {
            passedOver++;
            continue;
          }
          const candidates = stream.candidates(head);
          expect(candidates).toEqual(wanted);
          found.push(...stream.push(event, undefined, candidates).map(({ id }) => id));
          const answer = candidates.length === 0 ? stream.quiet.about(head) : undefined;
          if (answer) {
            answers.set(parts[answer.isNamed ? 0 : 1], answer);
          }
        }
        expect(found).toEqual(expected);
        expect(stream.snapshot()).toEqual(plain.snapshot());
      }),
      { numRuns: runs(4) },
    );
    expect(passedOver).toBeGreaterThan(0);
  });
});

type Kind = "token" | "mint" | "node" | "pod" | "deleted" | "addressed" | "grant" | "granted" | "secret";

const OTHERS = [
  "secret-read-by-somebody-new",
  "exec-into-privileged-pod",
  "admission-probed-by-dry-run",
  "field-manager-forged",
  "service-account-used-by-tool",
  "node-debug-pod-made",
];

/** Everything that is remembered matters to one of these, and so do names. */
const whole = new DetectionEngine(
  shippedDocuments.filter(({ file }) => [...FILES, ...OTHERS].some((name) => file.endsWith(`${name}.yml`))),
  { remember: ["pods", "podAddresses", "grants", "credentials"] },
);

function made(
  seconds: number,
  { kind, name, other }: { readonly kind: Kind; readonly name: string; readonly other: string },
): AuditEvent {
  const pod = { resource: "pods", namespace: "shop", name };
  const account = `system:serviceaccount:shop:${name}`;
  const extra = {
    "authentication.kubernetes.io/pod-name": [other],
    "authentication.kubernetes.io/node-name": [other],
  };
  const node = { ...madeWith(`X509SHA256=${name}`, `system:node:${name}`), groups: ["system:nodes"] };
  switch (kind) {
    case "token":
      return read(seconds, {
        user: madeWith(`JTI=${name}`, account, extra),
        sourceIPs: [`10.0.0.${other}`],
        requestURI: `/api/v1/namespaces/shop/configmaps/${other}`,
        objectRef: { resource: "configmaps", namespace: "shop", name: other },
      });
    case "mint":
      return read(seconds, {
        user: madeWith(`JTI=${other}`, `system:serviceaccount:shop:${other}`, extra),
        verb: "create",
        requestURI: `/api/v1/namespaces/shop/serviceaccounts/${name}/token`,
        objectRef: { resource: "serviceaccounts", subresource: "token", namespace: "shop", name },
        responseStatus: { code: 201 },
        annotations: { "authentication.kubernetes.io/issued-credential-id": `JTI=${name}` },
      });
    case "node":
      return read(seconds, { user: node, sourceIPs: [`10.0.0.${other}`] });
    case "pod":
      return podCreated(seconds, name, { containers: [{ name: "c", securityContext: { privileged: other === "a" } }] });
    case "deleted":
      return eventAt(seconds, { verb: "delete", requestURI: `/api/v1/namespaces/shop/pods/${name}`, objectRef: pod });
    case "addressed":
      return eventAt(seconds, {
        user: node,
        verb: "patch",
        requestURI: `/api/v1/namespaces/shop/pods/${name}/status`,
        objectRef: { ...pod, subresource: "status" },
        requestObject: { status: { podIP: `10.0.0.${other}` } },
      });
    case "grant":
      return granted(seconds, name, name === "c" && other === "c" ? undefined : other);
    case "granted":
      return eventAt(seconds, {
        user: { username: name, groups: ["dev", "ops"] },
        requestURI: "/api/v1/nodes",
        objectRef: { resource: "nodes" },
        annotations: {
          "authorization.k8s.io/reason": `RBAC: allowed by ClusterRoleBinding "of-${other}" of ClusterRole "x" to User "x"`,
        },
      });
    case "secret":
      return read(seconds, {
        user: madeWith(`JTI=${name}`, account, extra),
        requestURI: `/api/v1/namespaces/shop/secrets/${other}`,
        objectRef: { resource: "secrets", namespace: "shop", name: other },
      });
    default: {
      const never: never = kind;
      return never;
    }
  }
}

function granted(seconds: number, name: string, subject: string | undefined): AuditEvent {
  return eventAt(seconds, {
    user: { username: "admin", groups: ["system:masters"] },
    verb: "create",
    requestURI: "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    objectRef: { resource: "clusterrolebindings", apiGroup: "rbac.authorization.k8s.io", name: `of-${name}` },
    responseStatus: { code: 201 },
    ...(subject !== undefined && {
      requestObject: { subjects: [{ kind: "User", name: subject }], roleRef: { kind: "ClusterRole", name: "view" } },
    }),
  });
}

function settledIn(stream: FindingStream, event: AuditEvent): QuietAnswer {
  const answer = ask(stream, event) ?? ask(stream, event) ?? ask(stream, event);
  if (!answer) {
    throw new Error("It never becomes quiet");
  }
  return answer;
}
