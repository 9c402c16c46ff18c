import type { AuditEvent } from "@auditsieve/audit";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DetectionEngine } from "../detection-engine.ts";
import { FindingStream } from "../stream/finding-stream.ts";
import { loadDetectionFiles } from "../load-detections.ts";
import type { LoadedDetectionFiles } from "../load-detections.ts";

const NOW = Date.parse("2026-11-24T12:00:00Z");
const SECRETS = `
title: Secrets listed
id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10
status: test
level: high
logsource: { product: kubernetes, service: audit }
detection: { s: { verb: [list, create], objectRef.resource: secrets }, condition: s }
`;
const DAILY = `
title: Secrets of the day
id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e11
level: low
correlation: { type: event_count, rules: [seen], group-by: [user.username], timespan: 1d, condition: { gte: 2 } }
---
title: Secrets seen
name: seen
id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e12
level: low
logsource: { product: kubernetes, service: audit }
detection: { s: { verb: list, objectRef.resource: secrets }, condition: s }
`;
const NEW = `
title: New program
id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e13
level: low
logsource: { product: kubernetes, service: audit }
detection: { s: { objectRef.resource: secrets }, condition: s }
auditsieve: { first-seen: { fields: [userAgent], per: [user.username], opening: find } }
`;
const FILES = [
  { file: "credential-access/secrets-listed.yml", text: SECRETS },
  { file: "credential-access/secrets-of-the-day.yml", text: DAILY },
  { file: "stealth/new-program.yml", text: NEW },
];

interface Written {
  readonly id?: string;
  readonly rules?: string;
  readonly expires?: string;
  readonly selection?: string;
}

function exception({ id = "e1", rules = "[secrets-listed]", expires = "never", selection }: Written = {}): string {
  return `
title: Backups list secrets
id: ${id}
description: Every night, as decided in OPS-12
author: platform team
logsource: { product: kubernetes, service: audit }
auditsieve: { expires: ${expires} }
filter:
  rules: ${rules}
  backup: ${selection ?? "{ user.username: backup }"}
  condition: not backup
`;
}

function load(...texts: readonly string[]): LoadedDetectionFiles {
  return loadDetectionFiles(FILES, {
    exceptions: texts.map((text, index) => ({ file: `exceptions-${index}.yml`, text })),
    now: NOW,
  });
}

function event(username: string, change: Partial<AuditEvent> = {}): AuditEvent {
  return {
    level: "Request",
    auditID: `${username}-${change.requestReceivedTimestamp ?? ""}`,
    stage: "ResponseComplete",
    verb: "list",
    requestURI: "/api/v1/secrets",
    user: { username },
    userAgent: "velero/1.0",
    objectRef: { resource: "secrets" },
    responseStatus: { code: 200 },
    requestReceivedTimestamp: "2026-11-24T01:00:00.000000Z",
    stageTimestamp: "2026-11-24T01:00:00.010000Z",
    ...change,
  };
}

function run(
  { detections }: LoadedDetectionFiles,
  events: readonly AuditEvent[],
): { readonly found: readonly string[]; readonly suppressed: Readonly<Record<string, number>> } {
  const stream = new FindingStream(new DetectionEngine(detections));
  const findings = [...events.flatMap((one) => stream.push(one)), ...stream.flush()];
  return {
    found: findings.map(({ detection, actor }) => `${detection.title}: ${actor ?? ""}`),
    suppressed: stream.counts().suppressed,
  };
}

describe("an exception", () => {
  it("keeps what it is about out of the findings and counts it", () => {
    const loaded = load(exception());
    expect(loaded.problems).toEqual([]);
    const { found, suppressed } = run(loaded, [event("backup"), event("eve")]);
    expect(found.filter((one) => one.startsWith("Secrets listed"))).toEqual(["Secrets listed: eve"]);
    expect(suppressed).toEqual({ e1: 1 });
  });

  it("that nothing needed is counted with none", () => {
    expect(run(load(exception()), [event("eve")]).suppressed).toEqual({ e1: 0 });
  });

  it.each([
    ["its file name", "[secrets-listed]"],
    ["its id", "[5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10]"],
    ["all", "any"],
  ])("names a detection by %s", (_, rules) => {
    expect(run(load(exception({ rules })), [event("backup")]).suppressed["e1"]).toBeGreaterThan(0);
  });

  it("does not name the parts of a detection by its file", () => {
    const { detections } = load(exception({ rules: "[secrets-of-the-day]" }));
    expect(detections.filter(({ exceptions }) => exceptions).map(({ title }) => title)).toEqual(["Secrets of the day"]);
  });

  it.each([
    ["the last moment of its last day", "2026-11-24T23:59:59.999999Z", []],
    ["the moment after", "2026-11-25T00:00:00.000000Z", ["Secrets listed: backup"]],
    ["an event without a time", "", ["Secrets listed: backup"]],
  ])("ends with its last day: %s", (_, time, expected) => {
    const loaded = load(exception({ expires: "2026-11-24" }));
    expect(loaded.problems).toEqual([]);
    const only = { ...loaded, detections: loaded.detections.slice(0, 1) };
    const at = event("backup", { requestReceivedTimestamp: time, stageTimestamp: time });
    expect(run(only, [at]).found).toEqual(expected);
  });

  it("that has ended is warned of, and still excuses what was then", () => {
    const loaded = load(exception({ expires: "2026-11-23" }));
    expect(loaded.problems).toMatchObject([
      { id: "exception-expired", severity: "warning", file: "exceptions-0.yml", line: 7 },
    ]);
    const then = event("backup", { requestReceivedTimestamp: "2026-11-23T10:00:00.000000Z" });
    expect(run(loaded, [then]).suppressed).toEqual({ e1: 1 });
    expect(run(loaded, [event("backup")]).suppressed).toEqual({ e1: 0 });
  });

  it("excuses nothing that the log does not say", () => {
    const selection = "{ requestObject.type: Opaque }";
    const loaded = load(exception({ selection }));
    const only = { ...loaded, detections: loaded.detections.slice(0, 1) };
    const made = event("eve", { verb: "create", requestObject: { type: "Opaque" } });
    expect(run(only, [made]).found).toEqual([]);
    const { requestObject: _, ...unsaid } = { ...made, level: "Metadata" as const };
    expect(run(only, [unsaid]).found).toEqual(["Secrets listed: eve"]);
  });

  it.each([
    ["one that is excused", ["10.4.0.1"], 0],
    ["one that is not", ["203.0.113.5"], 1],
    ["one that a client claims, before its own", ["10.4.0.1", "203.0.113.5"], 1],
    ["one that a proxy tells", ["10.4.0.1", "192.0.2.1"], 0],
    ["one that a client claims of a proxy", ["10.4.0.1", "203.0.113.5", "192.0.2.1"], 1],
    ["very many", Array.from({ length: 1000 }, (_, i) => `10.4.${i % 250}.${Math.floor(i / 250)}`), 1],
  ])("excuses what comes from %s", (_, sourceIPs, expected) => {
    const selection = "{ user.username: backup, sourceIPs|cidr: [10.4.0.0/16, 192.0.2.1/32] }";
    const { found } = run(load(exception({ selection })), [event("backup", { sourceIPs })]);
    expect(found.filter((one) => one.startsWith("Secrets listed"))).toHaveLength(expected);
  });

  it("takes its events out of what a correlation counts", () => {
    const later = { requestReceivedTimestamp: "2026-11-24T02:00:00.000000Z" };
    const log = ["backup", "eve"].flatMap((user) => [event(user), event(user, later)]);
    const { found, suppressed } = run(load(exception({ rules: "[secrets-of-the-day]" })), log);
    expect(found.filter((one) => one.startsWith("Secrets of"))).toHaveLength(1);
    expect(run(load(), log).found.filter((one) => one.startsWith("Secrets of"))).toHaveLength(2);
    expect(suppressed).toEqual({ e1: 2 });
  });

  it("counts a request once, however many stages it has", () => {
    const stages = ["RequestReceived", "ResponseStarted", "ResponseComplete"] as const;
    const log = stages.map((stage) => event("backup", { stage }));
    expect(run(load(exception()), log).suppressed).toEqual({ e1: 1 });
    expect(run(load(exception()), log.slice(0, 1)).suppressed).toEqual({ e1: 1 });
  });

  it("lets a first-seen detection learn, so that its end makes no flood", () => {
    const loaded = load(exception({ rules: "[new-program]", expires: "2026-11-24" }));
    const tomorrow = event("backup", { requestReceivedTimestamp: "2026-11-25T02:00:00.000000Z" });
    const { found, suppressed } = run(loaded, [event("backup"), tomorrow]);
    expect([found.filter((one) => one.startsWith("New")), suppressed]).toEqual([[], { e1: 1 }]);
  });

  it("changes nothing but what is found: found and suppressed are what would be found", () => {
    const users = fc.constantFrom("backup", "eve", "dana");
    const requests = fc.array(fc.record({ user: users, verb: fc.constantFrom("list", "get", "create") }), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(
        requests,
        fc.constantFrom("[secrets-listed]", "[new-program]", "[secrets-listed, new-program]"),
        (log, rules) => {
          const events = log.map(({ user, verb }, index) =>
            event(user, { verb, auditID: `a${index}`, userAgent: `program ${index % 3}` }),
          );
          const plain = run(load(), events);
          const excused = run(load(exception({ rules })), events);
          expect(excused.found.length + (excused.suppressed["e1"] ?? 0)).toBe(plain.found.length);
          expect(plain.found).toEqual(expect.arrayContaining([...excused.found]));
        },
      ),
      { numRuns: 25 },
    );
  });
});

describe("an override", () => {
  const override = (keys: string): string =>
    `{title: Everyday, id: o1, description: why, author: us, auditsieve: {override: {${keys}}}}`;

  it("changes severity and maturity, and nothing else", () => {
    const { detections, problems } = load(override("rules: [secrets-listed], level: low, status: experimental"));
    expect(problems).toEqual([]);
    const [plain] = load().detections;
    const expected: unknown = {
      ...plain,
      selections: expect.any(Map) as unknown,
      severity: "low",
      status: "experimental",
      condition: expect.anything(),
    };
    expect(detections[0]).toEqual(expected);
  });

  it.each([false, true])("among the detections does the same, in a folder: %s", (isOfFolder) => {
    const text = override("rules: [secrets-listed], level: low");
    const { detections, problems, others } = loadDetectionFiles([...FILES, { file: "o.yml", text, isOfFolder }], {
      now: NOW,
    });
    expect([problems, others]).toEqual([[], []]);
    expect(detections[0]?.severity).toBe("low");
    const wrong = loadDetectionFiles([{ file: "o.yml", text: text.replace("low", "lower"), isOfFolder }]);
    expect(wrong.problems.map(({ id, file }) => [id, file])).toContainEqual(["exception-override", "o.yml"]);
    const both = loadDetectionFiles([
      { file: "o.yml", text: text.replace("title:", "detection: {}, title:"), isOfFolder },
    ]);
    expect(both.problems.map(({ id }) => id)).toEqual(["exception-key"]);
  });

  it("that comes later wins", () => {
    const { detections } = load(
      override("rules: [secrets-listed], level: low"),
      override("rules: [secrets-listed], level: medium"),
    );
    expect(detections[0]?.severity).toBe("medium");
  });
});

describe("What the log must hold", () => {
  it("is the same with exceptions: policy coverage and policy tune need none", () => {
    const needs = (exceptions: readonly { file: string; text: string }[]): unknown =>
      loadDetectionFiles(FILES, { exceptions, now: NOW }).detections.map(({ id, needs: own }) => [id, own]);
    const written = [{ file: "e.yml", text: exception({ rules: "any", selection: "{ verb|exists: true }" }) }];
    expect(needs(written)).toEqual(needs([]));
    expect(JSON.stringify(needs([]))).toContain("secrets");
  });
});

describe("an exceptions file", () => {
  it.each([
    ["a detection", SECRETS, "exception-document", 2, "neither a filter nor an override"],
    [
      "no reason",
      exception().replace(/description.*\n/, ""),
      "exception-account",
      2,
      "no description: why it is there",
    ],
    ["no owner", exception().replace(/author.*\n/, ""), "exception-account", 2, "no author: who answers for it"],
    ["no id", exception().replace(/id: e1\n/, ""), "exception-account", 2, "no id"],
    ["no end", exception().replace(/auditsieve.*\n/, ""), "exception-expires", 2, "it has no end"],
    ["an end that is no day", exception({ expires: "2026-02-30" }), "exception-expires", 7, "no day"],
    ["an end that is a number", exception({ expires: "20270331" }), "exception-expires", 7, "no day"],
    ["a misspelt key", exception().replace("author", "owner: x\nauthor"), "exception-key", 5, '"owner" is no key'],
    ["a misspelt key of ours", exception().replace("expires:", "until: x, expires:"), "exception-key", 7, '"until"'],
    ["every detection", exception({ rules: "any" }), "sigma-filter", 9, "from every detection"],
    ["a detection that is not there", exception({ rules: "[exec]" }), "sigma-filter", 9, '"exec"'],
    ["a field that is not there", exception({ selection: "{ user.nme: x }" }), "sigma-unknown-field", 10, "user.nme"],
    ["another log", exception().replace("kubernetes", "windows"), "sigma-logsource", 6, "not the Kubernetes audit log"],
    ["a list", "- a", "exception-document", 1, "not a map"],
    ["no YAML", "a: [", "yaml-syntax", 1, ""],
    [
      "an override of nothing",
      "{title: t, id: i, description: d, author: a, auditsieve: {override: {rules: [secrets-listed]}}}",
      "exception-override",
      1,
      "changes nothing",
    ],
    [
      "a strange level",
      "{title: t, id: i, description: d, author: a, auditsieve: {override: {rules: [secrets-listed], level: bad}}}",
      "exception-override",
      1,
      '"bad"',
    ],
    [
      "an override of all",
      "{title: t, id: i, description: d, author: a, auditsieve: {override: {rules: any, level: low}}}",
      "exception-override",
      1,
      "the override is for all detections",
    ],
    [
      "an override of nobody",
      "{title: t, id: i, description: d, author: a, auditsieve: {override: {level: low}}}",
      "exception-override",
      1,
      "the override names no detections",
    ],
  ])("with %s is complained of at its line", (_, text, id, line, message) => {
    const { problems } = load(text);
    const problem = problems.find((one) => one.id === id);
    expect(problem?.message).toContain(message);
    expect([problem?.file, problem?.line]).toEqual(["exceptions-0.yml", line]);
  });

  it("says every problem at once, and refuses two exceptions of one id", () => {
    expect(load(exception().replace(/(?:author|description).*\n/g, "")).problems).toHaveLength(2);
    expect(load(exception(), exception()).problems).toMatchObject([{ severity: "error", file: "exceptions-1.yml" }]);
  });
});
