import type { AuditEvent, JsonValue } from "@auditsieve/audit";
import { describe, expect, it } from "vitest";
import { evaluateDetection } from "../detection-engine.ts";
import { loadDetectionFiles, loadDetections } from "../load-detections.ts";
import type { LoadOptions } from "../load-detections.ts";
import { loadPipelines } from "./load-pipelines.ts";
import type { Pipeline } from "./pipeline.ts";

const EVENT: AuditEvent = {
  level: "Request",
  auditID: "a",
  stage: "ResponseComplete",
  requestURI: "/api/v1/namespaces/shop/pods",
  verb: "create",
  user: { username: "ops-carol", uid: "u-7", groups: ["dev"] },
  sourceIPs: ["10.1.2.3"],
  userAgent: "kubectl/v1.37",
  objectRef: { resource: "pods", namespace: "shop", name: "web", apiVersion: "v1" },
  responseStatus: { code: 201 },
  requestReceivedTimestamp: "2026-01-01T03:00:00.000000Z",
  annotations: {
    "authorization.k8s.io/decision": "allow",
    "mutation.webhook.admission.k8s.io/round_0_index_0": "{}",
  },
  requestObject: { spec: { volumes: [{ hostPath: { path: "/var" } }], containers: [{ image: "nginx" }] } },
};

function outcome(selection: JsonValue, options: LoadOptions = {}, event: AuditEvent = EVENT): string {
  const document = {
    title: "t",
    id: "5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10",
    level: "low",
    logsource: { product: "kubernetes", service: "audit" },
    detection: { s: selection, condition: "s" },
  };
  const { detections, problems } = loadDetections(JSON.stringify(document), "t.yml", options);
  const [detection] = detections;
  const said = problems.map(({ message }) => message).join("\n");
  return detection && said === "" ? evaluateDetection(detection, event) : said;
}

describe("the shipped mapping of fields", () => {
  it.each<readonly [string, JsonValue, JsonValue]>([
    ["kubernetes.audit.verb", "create", "get"],
    ["kubernetes.audit.user.username", "ops-carol", "eve"],
    ["kubernetes.audit.objectRef.resource|startswith", "po", "no"],
    ["kubernetes.audit.requestObject.spec.containers.image", "nginx", "redis"],
    ["kubernetes.audit.annotations.authorization_k8s_io/decision", "allow", "forbid"],
    ["annotations.authorization_k8s_io/decision", "allow", "forbid"],
    ["annotations.authorization.k8s.io/decision", "allow", "forbid"],
    ["annotations.mutation_webhook_admission_k8s_io/round_0_index_0", "{}", "x"],
    ["user.name", "ops-carol", "eve"],
    ["user.id", "u-7", "u-8"],
    ["user_agent.original|contains", "kubectl", "curl"],
    ["event.action", "create", "get"],
    ["event.outcome", "success", "failure"],
    ["source.ip|cidr", "10.0.0.0/8", "192.168.0.0/16"],
    ["client.ip", "10.1.2.3", "10.1.2.4"],
    ["related.user", "u-7", "u-8"],
    ["related.ip", "10.1.2.3", "10.1.2.4"],
    ["orchestrator.resource.type", "pods", "nodes"],
    ["orchestrator.resource.name", "web", "db"],
    ["orchestrator.namespace", "shop", "kube-system"],
    ["@timestamp|hour", 3, 4],
    ["container.image.name", "nginx", "redis"],
    ["resource", "pods", "nodes"],
    ["username", "ops-carol", "eve"],
    ["hostPath", "*", "/etc"],
    ["hostPath|exists", true, false],
    ["capabilities", null, "*"],
    ["capabilities|exists", false, true],
    ["responseStatus.code", "ALLOW", "FORBID"],
    ["responseStatus.code", 201, 403],
    ["username|fieldref|neq", "orchestrator.resource.name", "user.name"],
  ])("%s: %j, not %j", (field, right, wrong) => {
    expect([outcome({ [field]: right }), outcome({ [field]: wrong })]).toEqual(["hit", "miss"]);
  });

  it("drops what is the same in every document of Elastic's, and only that", () => {
    expect(outcome({ "event.dataset": "kubernetes.audit_logs", verb: "create" })).toBe("hit");
    expect(outcome({ "event.dataset": "kubernetes.audit_logs", verb: "get" })).toBe("miss");
    expect(outcome({ "event.dataset": "aws.cloudtrail", verb: "create" })).toContain(
      'no audit event has a field "event',
    );
  });

  it.each(["hostPath", "capabilities", "apiGroup", "user.name"])("can be left out: %s is unknown then", (field) => {
    expect(outcome({ [field]: "x" }, { rawFieldsOnly: true })).toContain(`no audit event has a field "${field}"`);
  });
});

const TEXT = `
name: site
priority: 20
vars: { admins: [ops-carol, root], zone: 10.1.0.0/16 }
transformations:
  - { type: field_name_mapping, mapping: { who: [user.name, user.uid], place: zone_of } }
  - { type: field_name_prefix_mapping, mapping: { k8s.: kubernetes.audit. } }
  - type: map_string
    mapping: { mine: shop }
    field_name_conditions: [{ type: include_fields, fields: [namespace] }]
  - type: drop_detection_item
    field_name_conditions: [{ type: exclude_fields, fields: [keep.index] }]
    detection_item_conditions: [{ type: match_string, pattern: ^ignored$ }]
  - { type: add_condition, conditions: { level: [Metadata, Request] } }
  - { type: add_condition, negated: true, conditions: { user.name: robot } }
---
name: late
priority: 50
transformations:
  - { type: field_name_mapping, mapping: { zone_of: source.ip } }
`;

describe("a pipeline of the user", () => {
  const { pipelines, problems } = loadPipelines(TEXT, "site.yml");
  const options: LoadOptions = { pipelines };

  it("loads", () => {
    expect(problems).toEqual([]);
    expect(pipelines.map(({ name, priority }) => [name, priority])).toEqual([
      ["site", 20],
      ["late", 50],
    ]);
  });

  it.each<readonly [string, JsonValue, string]>([
    ["a field", { who: "ops-carol" }, "hit"],
    ["a field to several", { who: "u-7" }, "hit"],
    ["a field, another value", { who: "eve" }, "miss"],
    ["all of several are absent", { who: null }, "miss"],
    ["all of several are absent, or one has a value", { who: [null, "u-7"] }, "hit"],
    ["all of several are absent, or one has another value", { who: [null, "eve"] }, "miss"],
    ["the opposite of that", { "who|neq": [null, "u-7"] }, "miss"],
    ["a beginning", { "k8s.verb": "create" }, "hit"],
    ["a value", { namespace: "mine" }, "hit"],
    ["a value of that field only", { verb: "mine" }, "miss"],
    ["a dropped item", { verb: "create", index: "ignored" }, "hit"],
    ["a dropped item, negated", { verb: "create", "index|neq": "ignored" }, "hit"],
    ["vars as placeholders", { "username|expand": "%admins%" }, "hit"],
    ["vars under cidr", { "source.ip|expand|cidr": "%zone%" }, "hit"],
    ["steps in the order of priority", { "place|cidr": "10.1.0.0/16" }, "hit"],
  ])("maps %s", (_why, selection, expected) => {
    expect(outcome(selection, options)).toBe(expected);
  });

  it("adds conditions to every detection", () => {
    expect(outcome({ verb: "create" }, options, { ...EVENT, level: "RequestResponse" })).toBe("miss");
    expect(outcome({ verb: "create" }, options, { ...EVENT, user: { username: "robot" } })).toBe("miss");
  });

  it("runs by priority, whatever the order of the files", () => {
    const reversed = pipelines.toReversed();
    expect(outcome({ "place|cidr": "10.1.0.0/16" }, { pipelines: reversed })).toBe("hit");
  });

  it("lets the caller's placeholders win", () => {
    expect(outcome({ "username|expand": "%admins%" }, { ...options, placeholders: { admins: ["eve"] } })).toBe("miss");
  });

  it("stays bounded when it renames in circles", () => {
    const step: Pipeline["transformations"][number] = {
      type: "field_name_mapping",
      mapping: { a: ["a", "b"], b: ["a", "b"] },
    };
    const circle: Pipeline = { name: "circle", priority: 1, transformations: Array.from({ length: 200 }, () => step) };
    expect(outcome({ a: "x" }, { pipelines: [circle] })).toContain("no audit event has a field");
  });

  it("refuses a field name that it makes too long, wherever a field is named", () => {
    const longer: Pipeline = {
      name: "longer",
      priority: 1,
      transformations: [
        { type: "field_name_prefix_mapping", mapping: { requestObject: `requestObject.${"a.".repeat(100)}spec` } },
        { type: "field_name_mapping", mapping: { who: ["user.username", "b".repeat(513)] } },
        { type: "field_name_prefix_mapping", mapping: { requestObject: `requestObject.${"c.".repeat(150)}spec` } },
      ],
    };
    const tooLong = (field: string, length: number): string =>
      `a pipeline makes of "${field}" a field name of ${length} characters, at most 512 are allowed`;
    const made = tooLong("requestObject.kind", 528);
    const options = { pipelines: [longer] };
    expect(outcome({ "requestObject.kind": "x" }, options)).toContain(made);
    expect(outcome({ "requestObject.kind|exists": true }, options)).toContain(made);
    expect(outcome({ "verb|fieldref": "requestObject.kind" }, options)).toContain(made);
    expect(outcome({ who: "eve" }, options)).toContain(tooLong("who", 513));
    expect(outcome({ verb: "create" }, options)).toBe("hit");
    const head = "title: t, id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10, level: low";
    const rule = "logsource: {product: kubernetes}, detection: {s: {verb: x}, condition: s}";
    const correlation = "type: value_count, timespan: 1m, rules: [a]";
    for (const [path, text] of [
      ["auditsieve.first-seen.fields", `{${head}, ${rule}, auditsieve: {first-seen: {fields: [requestObject.kind]}}}`],
      [
        "auditsieve.first-seen.per",
        `{${head}, ${rule}, auditsieve: {first-seen: {fields: [verb], per: requestObject.kind}}}`,
      ],
      [
        "correlation.group-by",
        `{${head}, correlation: {${correlation}, group-by: [requestObject.kind], condition: {gte: 2, field: verb}}}`,
      ],
      [
        "correlation.condition.field",
        `{${head}, correlation: {${correlation}, condition: {gte: 2, field: requestObject.kind}}}`,
      ],
      [
        "correlation.group-by",
        `{${head}, correlation: {${correlation}, group-by: [it], aliases: {it: {a: requestObject.kind}}, condition: {gte: 2, field: verb}}}`,
      ],
    ] as const) {
      const { detections, problems } = loadDetections(text, "t.yml", options);
      expect(detections).toEqual([]);
      expect(problems).toMatchObject([{ id: "sigma-field", severity: "error", path, line: 1 }]);
      expect(problems[0]?.message).toContain(made);
    }
  });

  it.each([
    ["[1]", "it is not a map with a list"],
    ["{name: x, transformations: [{type: nope}]}", 'its type "nope" is not known'],
    ["{name: x, transformations: [{}]}", "its type null is not known"],
    ["{name: x, transformations: [5]}", "the transformation is not a map"],
    ["{kind: Policy, rules: []}", "it has neither transformations nor vars"],
    ["{name: x, vars: {}, priority: high}", "its priority is not a number"],
    ["{name: x, vars: {a: {b: c}}}", "its vars are no map of texts"],
    ["{name: x, transformations: [{type: map_string, mapping: {a: [b, c]}}]}", "its mapping is no map of texts"],
    ["{name: x, transformations: [{type: field_name_mapping}]}", "its mapping is no map of texts"],
    ["{name: x, transformations: [{type: add_condition}]}", "has no conditions"],
    ["{name: x, transformations: [{type: drop_detection_item, rule_conditions: []}]}", "is not supported"],
    [
      `{name: x, transformations: [{type: add_condition, conditions: {a: [${"b, ".repeat(998)}b]}}, {type: add_condition, conditions: {c: d}}]}`,
      "what it adds to every condition has 1002 fields and values, at most 1000 are allowed",
    ],
    [
      "{name: x, transformations: [{type: drop_detection_item, detection_item_conditions: [{type: match_string, pattern: (?=x)}]}]}",
      "the condition is not one that is known: ",
    ],
  ])("that is wrong is refused: case %#", (text, message) => {
    const loaded = loadPipelines(text, "p.yml");
    expect(loaded.pipelines).toEqual([]);
    expect(loaded.problems[0]?.message).toContain(message);
  });
});

describe("a filter", () => {
  const rule = (name: string, id: number): string =>
    `{title: ${name}, name: ${name}, id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e1${id}, level: low, logsource: {product: kubernetes}, detection: {s: {verb: create}, condition: s}}`;
  const filter = (rules: string): string =>
    `{title: f, logsource: {product: kubernetes}, filter: {rules: ${rules}, ops: {user.name|startswith: ops-}, condition: not ops}}`;
  const outcomes = (rules: string): string[] => {
    const { detections } = loadDetections(`${rule("a", 1)}\n---\n${rule("b", 2)}\n---\n${filter(rules)}`, "f.yml");
    return detections.map((detection) => evaluateDetection(detection, EVENT));
  };

  it.each([
    ["[a]", ["miss", "hit"]],
    ["[5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e12]", ["hit", "miss"]],
    ["[a, b]", ["miss", "miss"]],
    ["any", ["miss", "miss"]],
    ["[c]", ["hit", "hit"]],
  ])("of %s narrows those detections", (rules, expected) => {
    expect(outcomes(rules)).toEqual(expected);
  });

  it("lets other actors through and adds nothing to the needs", () => {
    const { detections, problems } = loadDetectionFiles([
      { file: "f.yml", text: filter("[a]") },
      { file: "a.yml", text: rule("a", 1) },
    ]);
    expect(problems).toEqual([]);
    expect(
      detections.map((detection) => evaluateDetection(detection, { ...EVENT, user: { username: "eve" } })),
    ).toEqual(["hit"]);
    expect(detections[0]?.needs[0]?.fields).toEqual(["verb"]);
  });

  it("warns of a detection that is not there", () => {
    const { problems } = loadDetectionFiles([{ file: "f.yml", text: filter("[c]") }]);
    expect(problems).toMatchObject([{ file: "f.yml", severity: "warning" }]);
    expect(problems[0]?.message).toContain('no detection has the id, name or file name "c"');
  });

  it.each([
    ["{title: f, logsource: {product: kubernetes}, filter: {s: {verb: x}, condition: s}}", "names no detections"],
    ["{title: f, logsource: {product: kubernetes}, filter: {rules: [a], condition: s}}", 'names "s"'],
    ["{title: f, logsource: {product: windows}, filter: {rules: [a], s: {verb: x}, condition: s}}", "logsource"],
    ["{title: f, logsource: {product: kubernetes}, filter: [a]}", "names no detections"],
    [filter("[]"), "names no detections"],
    [filter("[a, 7]"), "has rules that are not texts"],
    [filter("''"), "has rules that are not texts"],
  ])("%s is refused", (text, message) => {
    const { detections, problems } = loadDetections(text, "f.yml");
    expect(detections).toEqual([]);
    expect(problems[0]?.message).toContain(message);
    expect(problems[0]?.severity).toBe("error");
  });

  it("of very many detections that are not there is warned of some, and that there are more", () => {
    const names = Array.from({ length: 1000 }, (_, n) => `d${n}`).join(", ");
    const { problems } = loadDetections(`${filter(`[${names}]`)}\n---\n${rule("a", 1)}`, "f.yml");
    expect(problems).toHaveLength(201);
    expect(problems.at(-1)).toMatchObject({ id: "sigma-too-many", severity: "warning", line: 1 });
  });

  it("of more detections than are allowed is refused for that, a correlation likewise", () => {
    const names = (count: number): string => `[${Array.from({ length: count }, (_, n) => `d${n}`).join(", ")}]`;
    const correlation = `{title: c, id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e13, level: low, correlation: {type: event_count, rules: ${names(65)}, timespan: 1m, condition: {gte: 2}}}`;
    const said = [filter(names(10_001)), correlation].map((text) =>
      loadDetections(text, "f.yml").problems.map(({ message }) => message),
    );
    expect(said).toEqual([
      [expect.stringContaining("the filter names 10001 detections, at most 10000 are allowed")],
      [expect.stringContaining("its rules is not a list of at most 64 different texts")],
    ]);
  });
});
