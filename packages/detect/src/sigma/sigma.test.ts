import type { JsonValue } from "@auditsieve/audit";
import { describe, expect, it } from "vitest";
import { evaluateDetection } from "../detection-engine.ts";
import { loadDetections } from "../load-detections.ts";
import { asJson } from "../reading/event-parts.ts";
import type { AuditEvent } from "@auditsieve/audit";

const BASE: AuditEvent = {
  level: "RequestResponse",
  auditID: "a",
  stage: "ResponseComplete",
  requestURI: "/api/v1/namespaces/shop/pods/web",
  verb: "update",
  user: { username: "ops-Carol", groups: ["dev", "ops"] },
  sourceIPs: ["10.1.2.3", "::ffff:192.168.7.9"],
  userAgent: "C:\\tools\\kubectl*?",
  objectRef: { resource: "pods", name: "ops-carol" },
  responseStatus: { code: 403 },
  annotations: { "authorization.k8s.io/decision": "allow" },
};

function outcome(detection: JsonValue, more: object = {}): string {
  const text = JSON.stringify({
    title: "t",
    id: "5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10",
    level: "low",
    logsource: { product: "kubernetes", service: "audit" },
    detection,
  });
  const { detections, problems } = loadDetections(text, "t.yml");
  const [loaded] = detections;
  return loaded ? evaluateDetection(loaded, { ...BASE, ...more }) : problems.map(({ message }) => message).join("\n");
}
const item = (field: string, value: JsonValue, more?: object): string =>
  outcome({ s: { [field]: value }, condition: "s" }, more);
const body = (requestObject: JsonValue): object => ({ requestObject });

const S = String.raw;
const items: readonly (readonly [
  why: string,
  field: string,
  value: JsonValue,
  expected: string,
  requestObject?: JsonValue,
])[] = [
  ["a text of decimal digits is a number", "requestObject.n|gt", 10, "hit", { n: "20.5" }],
  ["a text of hexadecimal ones is none", "requestObject.n|gt", 10, "miss", { n: "0x20" }],
  ["case does not matter", "user.username", "OPS-carol", "hit"],
  ["cased regards it", "user.username|cased", "ops-carol", "miss"],
  ["cased matches exactly", "user.username|cased", "ops-Carol", "hit"],
  ["a star is any run", "user.username", "ops-*", "hit"],
  ["a question mark is one character", "user.username", "ops?carol", "hit"],
  ["a question mark is not none", "user.username", "ops-carol?", "miss"],
  ["stars in the middle", "user.username", "*s-*r*l", "hit"],
  ["contains", "user.username|contains", "S-C", "hit"],
  ["a wildcard inside contains stays one", "user.username|contains", "p*c", "hit"],
  ["startswith", "user.username|startswith", "ops", "hit"],
  ["endswith", "user.username|endswith", "ops", "miss"],
  ["one of a list", "user.username", ["x", "ops-carol"], "hit"],
  ["all of a list by different elements", "user.groups|all", ["dev", "ops"], "hit"],
  ["all of a list, one missing", "user.groups|all", ["dev", "root"], "miss"],
  ["contains all", "user.username|contains|all", ["ops", "carol"], "hit"],
  ["a number matches its text", "responseStatus.code", "403", "hit"],
  ["a text matches its number", "requestObject.port", 80, "hit", { port: "80" }],
  ["a boolean matches both spellings", "requestObject.a", true, "hit", { a: "True" }],
  ["a boolean text matches the boolean", "requestObject.a", "true", "hit", { a: true }],
  ["null is absent", "requestObject.a", null, "hit", {}],
  ["null is null", "requestObject.a", null, "hit", { a: null }],
  ["null is not empty", "requestObject.a", null, "miss", { a: "" }],
  ["null is not an empty list", "requestObject.a", null, "miss", { a: [] }],
  ["null or a value", "requestObject.a", [null, "x"], "hit", {}],
  ["empty is present", "requestObject.a", "", "hit", { a: "" }],
  ["empty is not absent", "requestObject.a", "", "miss", {}],
  ["a lone star is anything there", "requestObject.a", "*", "hit", { a: { b: 1 } }],
  ["a lone star is not absent", "requestObject.a", "*", "miss", {}],
  ["a lone star is not an empty list", "requestObject.a", "*", "miss", { a: [] }],
  ["exists", "requestObject.a|exists", true, "hit", { a: null }],
  ["exists not", "requestObject.a|exists", false, "hit", {}],
  ["neq", "verb|neq", "get", "hit"],
  ["neq of a list is none of it", "user.groups|neq", ["root", "dev"], "miss"],
  ["neq of an absent field holds", "requestObject.a|neq", "x", "hit", {}],
  ["re is cased", "user.username|re", "^ops-carol$", "miss"],
  ["re with i", "user.username|re|i", "^OPS-carol$", "hit"],
  ["re with an inline flag", "user.username|re", "(?i)^OPS-carol$", "hit"],
  ["re has no wildcards", "user.username|re", "s-*C", "hit"],
  ["re multiline", "requestObject.a|re|m", "^b$", "hit", { a: "a\nb" }],
  ["re dot matches no line break", "requestObject.a|re", "a.b", "miss", { a: "a\nb" }],
  ["re dot all", "requestObject.a|re|s", "a.b", "hit", { a: "a\nb" }],
  ["cidr", "sourceIPs|cidr", "10.0.0.0/8", "hit"],
  ["cidr of mapped addresses", "sourceIPs|cidr", "192.168.0.0/16", "hit"],
  ["cidr elsewhere", "sourceIPs|cidr", ["172.16.0.0/12", "fd00::/8"], "miss"],
  ["cidr v6", "requestObject.a|cidr", "2001:db8::/32", "hit", { a: "2001:0DB8:1::5" }],
  ["cidr v6 elsewhere", "requestObject.a|cidr", "2001:db8::/32", "miss", { a: "2001:db9::5" }],
  ["cidr all", "requestObject.a|cidr", "0.0.0.0/0", "hit", { a: "1.2.3.4" }],
  ["lt", "responseStatus.code|lt", 404, "hit"],
  ["lte", "responseStatus.code|lte", 403, "hit"],
  ["gt", "responseStatus.code|gt", 403, "miss"],
  ["gte of text", "requestObject.a|gte", "3", "hit", { a: "10" }],
  ["gt of no number", "requestObject.a|gt", 3, "miss", { a: "ten" }],
  ["fieldref", "user.username|fieldref", "objectRef.name", "hit"],
  ["fieldref cased", "user.username|fieldref|cased", "objectRef.name", "miss"],
  ["fieldref absent", "user.username|fieldref", "objectRef.namespace", "miss"],
  ["fieldref neq", "user.username|fieldref|neq", "objectRef.namespace", "hit"],
  ["fieldref startswith", "requestURI|fieldref|endswith", "requestObject.a", "hit", { a: "web" }],
  ["escape: a backslash before a plain character", "userAgent", S`C:\tools\kubectl\*\?`, "hit"],
  ["escape: an escaped star is no wildcard", "requestObject.a", S`x\*`, "miss", { a: "xy" }],
  ["escape: an escaped star is a star", "requestObject.a", S`x\*`, "hit", { a: "x*" }],
  ["escape: backslash and wildcard", "requestObject.a", S`x\\*`, "hit", { a: S`x\yz` }],
  ["escape: backslash and star", "requestObject.a", S`x\\\*`, "hit", { a: S`x\*` }],
  ["escape: backslash and star is not a wildcard", "requestObject.a", S`x\\\*`, "miss", { a: S`x\y` }],
  ["escape: two are one", "requestObject.a", S`x\\y`, "hit", { a: S`x\y` }],
  ["escape: four are two", "requestObject.a", S`x\\\\y`, "hit", { a: S`x\\y` }],
  ["not over arrays is no element", "requestObject.c.p|neq", true, "miss", { c: [{ p: false }, { p: true }] }],
];

describe("a selection item", () => {
  it.each(items.map(([why, field, value, expected, sent]) => ({ why, field, value, expected, sent })))(
    "$why",
    ({ field, value, expected, sent }) => {
      expect(item(field, value, sent === undefined ? {} : body(sent))).toBe(expected);
    },
  );

  it("binds several items to one element with |same", () => {
    const same = { "requestObject.rules|same": { verbs: S`\*`, resources: [S`\*`, "secrets"] } };
    const run = (rules: JsonValue): string => outcome({ s: same, condition: "s" }, body({ rules }));
    expect(run([{ verbs: ["*"], resources: ["secrets"] }])).toBe("hit");
    expect(
      run([
        { verbs: ["*"], resources: ["pods"] },
        { verbs: ["get"], resources: ["secrets"] },
      ]),
    ).toBe("miss");
    expect(run([])).toBe("miss");
    expect(outcome({ s: same, condition: "s" }, { level: "Metadata" })).toBe("unknown");
  });

  it("asks an element itself under |same where an item names no field; null is none", () => {
    const run = (a: JsonValue): string =>
      outcome({ s: { "requestObject.a|same": { "|re|neq": "^own$" } }, condition: "s" }, body({ a }));
    expect(run(["own", "other"])).toBe("hit");
    expect(run("other")).toBe("hit");
    expect(run(["own"])).toBe("miss");
    expect(run([])).toBe("miss");
    expect(run(null)).toBe("miss");
    expect(run([null, "own"])).toBe("miss");
  });

  it("is an or over a list of maps, and over keywords", () => {
    expect(outcome({ s: [{ verb: "get" }, { verb: "update" }], condition: "s" })).toBe("hit");
    expect(outcome({ s: ["nothing", "CAROL"], condition: "s" })).toBe("hit");
    expect(outcome({ s: { "|all": ["carol", "shop"] }, condition: "s" })).toBe("hit");
    expect(outcome({ s: ["nowhere"], condition: "s" }, { requestObject: {}, responseObject: {} })).toBe("miss");
    expect(outcome({ s: ["nowhere"], condition: "s" }, { level: "Metadata" })).toBe("unknown");
  });
});

const T = { verb: "update" };
const F = { verb: "get" };
const conditions: readonly (readonly [
  condition: JsonValue,
  selections: Readonly<Record<string, JsonValue>>,
  expected: string,
])[] = [
  ["t or f and f", { t: T, f: F }, "hit"],
  ["(t or f) and f", { t: T, f: F }, "miss"],
  ["not f and t", { t: T, f: F }, "hit"],
  ["not (f or t)", { t: T, f: F }, "miss"],
  ["not not t", { t: T }, "hit"],
  ["NOT f AND t", { t: T, f: F }, "hit"],
  ["1 of them", { a: F, b: T }, "hit"],
  ["any of them", { a: F, b: T }, "hit"],
  ["all of them", { a: F, b: T }, "miss"],
  ["all of them", { a: T, _b: F }, "hit"],
  ["1 of sel_*", { sel_a: F, sel_b: T, other: F }, "hit"],
  ["all of sel_*", { sel_a: T, sel_b: T, other: F }, "hit"],
  ["1 of *_x", { a_x: T, b_y: F }, "hit"],
  ["1 of _*", { _a: T, b: F }, "hit"],
  ["t and not 1 of filter*", { t: T, filter_a: F, filter_b: F }, "hit"],
  [["f", "t"], { t: T, f: F }, "hit"],
];

describe("a condition", () => {
  it.each(conditions)("%s over %o", (condition: JsonValue, selections, expected) => {
    expect(outcome({ ...selections, condition })).toBe(expected);
  });

  it.each([
    ["t and", "a selection name is missing before the end"],
    ["(t", "a parenthesis is not closed"],
    ["t)", 'unexpected ")"'],
    ["t t", 'unexpected "t"'],
    ["x", 'names "x", which is no selection'],
    ["2 of them", '"2 of" is not a quantifier'],
    ["1 of x*", '"x*" matches no selection'],
    ["t | count() > 3", "aggregations"],
    ["t & t", 'unexpected "&"'],
    ["(".repeat(40) + "t" + ")".repeat(40), "nested deeper than 32"],
    ["t ".repeat(5000), "has 10000 characters"],
  ])("%s is refused", (condition, message) => {
    expect(outcome({ t: T, condition })).toContain(message);
  });
});

function problemsOf(text: string): string[] {
  return loadDetections(text, "f.yml").problems.map(
    ({ id, severity, path, line, column }) => `${severity} ${id} ${path ?? ""} ${line}:${column}`,
  );
}

describe("loadDetections", () => {
  const HEAD = `title: T\nid: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10\nlevel: low\nlogsource: { product: kubernetes, service: audit }\n`;

  it("reports everything wrong at once, each with its place", () => {
    expect(
      problemsOf(
        `${HEAD}detection:\n  a:\n    verb|nope: get\n    user.nam: x\n  b:\n    userAgent|re: (?=x)\n  condition: a and c\n`,
      ),
    ).toEqual([
      "error sigma-modifier detection.a.verb|nope 7:16",
      "warning sigma-unknown-field detection.a.user.nam 8:15",
      "error sigma-value detection.b.userAgent|re 10:19",
      "error sigma-condition detection.condition 11:14",
    ]);
  });

  it.each([
    ["requestReceivedTimestamp|hour", "[3, 25]", ["a.requestReceivedTimestamp|hour[1]", 'no date has the hour "25"']],
    ["requestReceivedTimestamp|minute", "1.5", ["a.requestReceivedTimestamp|minute", 'no date has the minute "1.5"']],
    ["requestReceivedTimestamp|hour|gt", "23", ["a.requestReceivedTimestamp|hour|gt", "holds for no hour"]],
    ["requestReceivedTimestamp|month|lte", "12", ["a.requestReceivedTimestamp|month|lte", "holds for every month"]],
    [
      "responseStatus.code",
      "[403, 4003]",
      ["a.responseStatus.code[1]", 'no audit event has a responseStatus.code like "4003"'],
    ],
    ["responseStatus.code|gte", "1000", ["a.responseStatus.code|gte", "no audit event has"]],
    ["stage", "ResponseCompleted", ["a.stage", "no audit event has a stage like"]],
    ["kubernetes.audit.level", "None", ["a.kubernetes.audit.level", "no audit event has a level like"]],
    [
      "annotations.authorization.k8s.io/decision|neq",
      "deny",
      ["a.annotations.authorization.k8s.io/decision|neq", "no audit event has"],
    ],
    ["sourceIPs", "[10.0.0.256]", ["a.sourceIPs[0]", "is no address"]],
    ["userAgent|re", "''", ["a.userAgent|re", "every text matches"]],
    ["requestObject|contains", "privileged", ["a.requestObject|contains", "requestObject is no text"]],
    ["kubernetes.audit.user", "system:anonymous", ["a.kubernetes.audit.user", "user is no text"]],
    ["objectRef|re", ".*secrets", ["a.objectRef|re", "objectRef is no text"]],
    ["responseStatus|gte", "400", ["a.responseStatus|gte", "responseStatus is no text"]],
    ["annotations", "[x]", ["a.annotations[0]", "annotations is no text"]],
    ["objectRef.resource", "pods/exec", ["a.objectRef.resource", "no audit event has a objectRef.resource like"]],
    ["objectRef.resource", "[pods, Pod]", ["a.objectRef.resource[1]", 'like "Pod"']],
    ["objectRef.resource|neq", "NetworkPolicy", ["a.objectRef.resource|neq", 'like "NetworkPolicy"']],
    [
      "orchestrator.resource.type",
      "svc",
      ["a.orchestrator.resource.type", 'no audit event has a objectRef.resource like "svc"'],
    ],
    ["objectRef.resource", "exec", ["a.objectRef.resource", 'no audit event has a objectRef.resource like "exec"']],
    ["objectRef.resource", "deployments.apps", ["a.objectRef.resource", 'like "deployments.apps"']],
    ["objectRef.resource|cased|startswith", "Pod", ["a.objectRef.resource|cased|startswith", 'like "Pod"']],
    ["verb|cased", "[GET, get]", ["a.verb|cased[0]", 'no audit event has a verb like "GET"']],
    ["verb", "exec", ["a.verb", 'no audit event has a verb like "exec"']],
  ])("warns that %s: %s is pointless, and loads all the same", (field, value, [path, message]) => {
    const { detections, problems } = loadDetections(
      `${HEAD}detection:\n  a: { ${field}: ${value} }\n  condition: a\n`,
      "f.yml",
    );
    expect(detections).toHaveLength(1);
    expect(problems).toMatchObject([
      {
        id: "sigma-pointless-value",
        severity: "warning",
        path: `detection.${path}`,
        line: 6,
        column: expect.any(Number),
      },
    ]);
    expect(problems[0]?.message).toContain(message);
  });

  it.each([
    ["objectRef.resource", "Pod", 'It is "pods"'],
    ["objectRef.resource", "networkpolicy", 'It is "networkpolicies"'],
    ["objectRef.resource", "Endpoint", 'It is "endpoints"'],
    ["objectRef.resource", "componentstatus", 'It is "componentstatuses"'],
    ["objectRef.resource", "IngressClass", 'It is "ingressclasses"'],
    ["objectRef.resource", "clusterrolebinding", 'It is "clusterrolebindings"'],
    ["objectRef.resource", "crd", 'It is "customresourcedefinitions"'],
    ["objectRef.resource", "exec", 'It is the objectRef.subresource "exec" of the resource "pods"'],
    ["objectRef.resource", "pods.metrics.k8s.io", "What stands behind the dot is objectRef.apiGroup"],
    ["objectRef.resource|cased", "Pods", "It is written in small letters: leave out cased, or write them small"],
    ["objectRef.subresource", "pods/exec", "What stands before the slash is objectRef.resource"],
    ["objectRef.apiGroup", "apps/v1", "What stands behind the slash is objectRef.apiVersion"],
    ["objectRef.apiGroup", "core", "Of the core group it is absent: objectRef.apiGroup: null"],
    ["objectRef.apiVersion", "apps/v1", "What stands before the slash is objectRef.apiGroup"],
    ["verb", "port-forward", 'It is "create" or "get" of the objectRef.subresource "portforward"'],
    ["verb", "apply", 'It is "patch"'],
  ])("says of %s: %s what to write", (field, value, hint) => {
    const text = `${HEAD}detection:\n  a: { ${field}: ${value} }\n  condition: a\n`;
    expect(loadDetections(text, "f.yml").problems).toMatchObject([{ hint: expect.stringContaining(hint) as string }]);
  });

  it.each([
    ["requestReceivedTimestamp|hour", "[0, 23]"],
    ["requestReceivedTimestamp|hour|gte", "23"],
    ["requestReceivedTimestamp|week", '"53"'],
    ["requestReceivedTimestamp|year|lt", "2030"],
    ["responseStatus.code", "[200, 403, 7, 4*]"],
    ["responseStatus.code|re", "^5.."],
    ["stage", "[responsecomplete, Panic, 'Response*']"],
    ["level|startswith", "request"],
    ["sourceIPs", "[10.0.0.255, 10.0.300.*, private]"],
    ["sourceIPs|cidr", "10.0.0.0/8"],
    ["requestObject", "'*'"],
    ["annotations", "[null, '*']"],
    ["user|exists", "true"],
    ["objectRef.resource|re", "^(pods|a/b)"],
    ["objectRef.resource|contains", "s"],
    ["objectRef.resource", "[PODS, Secrets, endpoints, 'pod*', widgets, apiservices, ingresses, '*']"],
    ["objectRef.resource|startswith", "[Pod, secret]"],
    ["objectRef.resource|cased", "[pods, 'net?orkpolicies']"],
    ["objectRef.subresource", "[exec, Log]"],
    ["objectRef.apiGroup", "[apps, null, '*.example.com']"],
    ["objectRef.apiVersion", "[v1, v1beta1]"],
    ["verb", "[GET, deleteCollection, options]"],
    ["requestObject.subjects|same", "{ kind: Group, user: x, stage: x, responseStatus.code: x }"],
  ])("has nothing against %s: %s", (field, value) => {
    expect(problemsOf(`${HEAD}detection:\n  a: { ${field}: ${value} }\n  condition: a\n`)).toEqual([]);
  });

  it.each([
    ["event_count", "{ lt: 1 }", true],
    ["event_count", "{ gt: 5, lt: 6 }", true],
    ["value_count", "{ gte: 10, lt: 3, field: verb }", true],
    ["event_count", "{ eq: 1.5 }", true],
    ["value_avg", "{ gt: 5, lte: 5, field: responseStatus.code }", true],
    ["event_count", "{ gte: 1 }", false],
    ["event_count", "{ neq: 1 }", false],
    ["event_count", "{ gte: 2, lt: 3 }", false],
    ["value_avg", "{ gt: 5, lt: 6, field: responseStatus.code }", false],
    ["value_sum", "{ lt: 0, field: responseStatus.code }", false],
  ])("warns where no window meets the condition of a correlation: %s, %s: %s", (type, condition, isWarned) => {
    const correlation = `{ type: ${type}, rules: [part], timespan: 1m, condition: ${condition} }`;
    const text = `${HEAD}name: part\ndetection: { a: { verb: x }, condition: a }\n---\n${HEAD.replace(/id: .*\n/, "id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e99\n").replace(/logsource.*\n/, "")}correlation: ${correlation}\n`;
    const { problems } = loadDetections(text, "f.yml");
    const path = "correlation.condition";
    expect(problems).toMatchObject(isWarned ? [{ id: "sigma-pointless-value", severity: "warning", path }] : []);
    expect(problems).toHaveLength(isWarned ? 1 : 0);
  });

  it.each([
    ["a typo", "user.usernam", 'Did you mean "user.username"?'],
    ["a typo in Elastic's spelling", "kubernetes.audit.objectRef.resourc", 'Did you mean "objectRef.resource"?'],
    ["a typo in a name that stands for another", "user_agent.origin", 'Did you mean "user_agent.original"?'],
    ["nonsense", "zzzzzzzzzz", "See the audit.k8s.io/v1 Event for its fields"],
    ["an index", "requestObject.spec.containers[0].image", 'Did you mean "requestObject.spec.containers.image"?'],
    ["all indexes", "requestObject.spec.containers[*].image", 'Did you mean "requestObject.spec.containers.image"?'],
    ["Splunk's way", "responseObject.items{}.kind", 'Did you mean "responseObject.items.kind"?'],
    ["an index at the end", "sourceIPs[0]", 'Did you mean "sourceIPs"?'],
  ])("warns of %s and loads all the same", (_why, field, hint) => {
    const { detections, problems } = loadDetections(
      `${HEAD}detection:\n  a: { "${field}": x }\n  condition: a\n`,
      "f.yml",
    );
    expect(detections).toHaveLength(1);
    expect(problems.map((problem) => [problem.severity, problem.hint])).toEqual([["warning", hint]]);
  });

  it.each([
    ["no id", HEAD.replace(/id: .*\n/, ""), "has no id"],
    ["no title", HEAD.replace(/title: .*\n/, ""), "has no title"],
    [
      "a title without end",
      HEAD.replace("title: T", `title: ${"T".repeat(513)}`),
      "its title has 513 characters, at most 512",
    ],
    [
      "an id without end",
      HEAD.replace(/id: .*\n/, `id: ${"i".repeat(513)}\n`),
      "its id has 513 characters, at most 512",
    ],
    ["a name without end", `${HEAD}name: ${"n".repeat(513)}\n`, "its name has 513 characters, at most 512"],
    ["another log source", HEAD.replace("kubernetes", "windows"), "not the Kubernetes audit log"],
    ["an unknown level", HEAD.replace("low", "urgent"), "is not one of Sigma's"],
    ["a correlation of nothing", `${HEAD}correlation: {}\n`, "its type is missing"],
  ])("refuses %s", (_why, head, message) => {
    const { detections, problems } = loadDetections(`${head}detection:\n  a: { verb: x }\n  condition: a\n`, "f.yml");
    expect(detections).toEqual([]);
    expect(problems[0]?.message).toContain(message);
  });

  it.each([
    ["an empty file", "", "sigma-empty"],
    ["a scalar", "just text", "sigma-document"],
    ["broken YAML", "a: [", "yaml-syntax"],
    [
      "an alias bomb",
      `a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [${"*a,".repeat(10)}]\nc: &c [${"*b,".repeat(10)}]\nd: [${"*c,".repeat(10)}]\n`,
      "yaml-alias",
    ],
    ["deep nesting", `${HEAD}detection:\n  a: ${"[".repeat(20)}x${"]".repeat(20)}\n  condition: a\n`, "sigma-depth"],
    ["very deep nesting", "[".repeat(500) + "]".repeat(500), "yaml-depth"],
    [
      "enormous lists",
      `${HEAD}detection:\n  a:\n    verb: [${"x,".repeat(10_001)}]\n  condition: a\n`,
      "sigma-too-many",
    ],
    [
      "too many selections",
      `${HEAD}detection:\n${Array.from({ length: 300 }, (_, n) => `  s${n}: { verb: x }\n`).join("")}  condition: s1\n`,
      "sigma-too-many",
    ],
  ])("bounds %s", (_why, text, id) => {
    const { detections, problems } = loadDetections(text, "f.yml");
    expect(detections).toEqual([]);
    expect(problems.filter(({ severity }) => severity === "error").map((problem) => problem.id)).toContain(id);
    expect(problems.length).toBeLessThan(100);
  });

  it("refuses an empty list of conditions", () => {
    expect(problemsOf(`${HEAD}detection:\n  a: { verb: x }\n  condition: []\n`)).toEqual([
      "error sigma-condition detection.condition 7:14",
    ]);
  });

  it("says nothing of unused selections where the condition is wrong", () => {
    expect(problemsOf(`${HEAD}detection:\n  a: { verb: x }\n  condition: a and\n`)).toEqual([
      "error sigma-condition detection.condition 7:14",
    ]);
  });

  it("refuses a key of a correlation that is not known: a misspelled group-by would count everybody together", () => {
    const [head = ""] = HEAD.split("logsource");
    const correlation =
      "correlation:\n  type: event_count\n  rules: [a]\n  groupby: [user.username]\n  timespan: 5m\n  condition: { gte: 3 }\n";
    expect(problemsOf(`${head}${correlation}`)).toEqual(["error sigma-correlation correlation.groupby 7:12"]);
  });

  it.each([
    ["1w", undefined],
    ["31d", undefined],
    ["5w", "1:"],
    ["32d", "1:"],
    ["0s", "1:"],
    ["1.5m", "1:"],
    ["5M", "1:"],
  ])("a correlation within %s is taken, or refused with its place", (timespan, place) => {
    const { problems } = loadDetections(
      `{ title: T, id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10, level: low, correlation: { type: event_count, rules: [a], timespan: ${timespan}, condition: { gte: 3 } } }`,
      "f.yml",
    );
    expect(problems.map(({ path, line }) => [path, `${line}:`])).toEqual(
      place === undefined ? [] : [["correlation.timespan", place]],
    );
  });

  it.each([
    ["that are a list", "[who]", "its aliases are not a map of at most 64"],
    ["that are a text", "who", "its aliases are not a map of at most 64"],
    [
      "that are many",
      `{ ${Array.from({ length: 65 }, (_, n) => `a${n}: { a: verb }`).join(", ")} }`,
      "its aliases are not a map of at most 64",
    ],
    ["that name nothing", "{ who: {} }", "is not a map of detections to fields"],
    ["that name a number", "{ who: { a: 1 } }", "is not a map of detections to fields"],
  ])("refuses aliases %s of a correlation", (_what, aliases, message) => {
    const { detections, problems } = loadDetections(
      `{ title: T, id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10, level: low, correlation: { type: event_count, rules: [a], group-by: [verb], timespan: 1m, aliases: ${aliases}, condition: { gte: 3 } } }`,
      "f.yml",
    );
    expect(detections).toEqual([]);
    expect(problems.map((one) => one.message)).toEqual([expect.stringContaining(message)]);
    expect(problems[0]).toMatchObject({ severity: "error", line: 1 });
  });

  it("says of rules of Falco what they are", () => {
    const { problems } = loadDetections("- rule: A pod\n  condition: kevt and pod\n", "falco.yml");
    expect(problems.map(({ hint }) => hint)).toEqual([expect.stringContaining("docs/peers.md")]);
  });

  it("reads several documents of one file", () => {
    const one = `${HEAD}detection:\n  a: { verb: x }\n  condition: a\n`;
    expect(
      loadDetections(
        `${one}---\n${one.replace("title: T", "title: U").replace("7e10", "7e11")}`,
        "f.yml",
      ).detections.map(({ title }) => title),
    ).toEqual(["T", "U"]);
  });
});

it("an event is plain JSON", () => {
  expect(asJson(BASE)).toBe(BASE);
});
