import { attributesOfEvent, decodeEvent, EventScan, isLevelBelow, stripLine } from "@auditsieve/audit";
import type { AuditEvent } from "@auditsieve/audit";
import { readFileSync } from "node:fs";
import { zstdDecompressSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { evaluate } from "../evaluate.ts";
import { loadPolicy } from "../load.ts";
import type { Policy } from "../policy.ts";
import { Simulation } from "./simulation.ts";
import type { PredictedEvent, SimulationOptions } from "./simulation.ts";
import type { SimulationResult } from "./simulation-result.ts";

const METADATA: Policy = { rules: [{ level: "Metadata" }], omitStages: ["RequestReceived"] };
const ALL: Policy = { rules: [{ level: "RequestResponse" }] };
const POD = "/api/v1/namespaces/shop/pods";

const EVENT = {
  level: "RequestResponse",
  auditID: "a",
  stage: "ResponseComplete",
  requestURI: `${POD}/web`,
  verb: "update",
  user: { username: "jane", groups: ["system:authenticated"] },
  responseStatus: { code: 200 },
  requestObject: { metadata: { name: "web", managedFields: [{ manager: "kubectl" }] } },
  responseObject: { metadata: { name: "web" } },
  requestReceivedTimestamp: "2026-11-24T00:00:00.000000Z",
  stageTimestamp: "2026-11-24T00:00:00.000000Z",
};

describe("Simulation", () => {
  const cases: readonly (readonly [string, Policy, object, Partial<PredictedEvent> | undefined])[] = [
    ["leaves out what is None", { rules: [{ level: "None" }] }, {}, undefined],
    ["leaves out what no rule matches", { rules: [{ level: "Request", users: ["joe"] }] }, {}, undefined],
    ["leaves out omitted stages", METADATA, { stage: "RequestReceived" }, undefined],
    [
      "keeps bodies up to the level",
      ALL,
      {},
      { level: "RequestResponse", bodies: ["requestObject", "responseObject"] },
    ],
    [
      "cuts what is above the level",
      { rules: [{ level: "Request" }] },
      {},
      { level: "Request", bodies: ["requestObject"] },
    ],
    ["cuts both bodies at Metadata", METADATA, {}, { level: "Metadata", bodies: [], unknownBodies: [] }],
    [
      "does not know a body that the log's level was too low for",
      ALL,
      { level: "Metadata", requestObject: undefined, responseObject: undefined },
      { level: "RequestResponse", bodies: [], unknownBodies: ["requestObject", "responseObject"] },
    ],
    [
      "knows that a read has no request body",
      { rules: [{ level: "Request" }] },
      { level: "Metadata", verb: "get", requestObject: undefined, responseObject: undefined },
      { level: "Request", unknownBodies: [] },
    ],
    [
      "knows that a session has no bodies",
      ALL,
      {
        level: "Metadata",
        verb: "get",
        requestURI: `${POD}/web/exec?command=sh`,
        requestObject: undefined,
        responseObject: undefined,
      },
      { level: "RequestResponse", unknownBodies: [] },
    ],
    [
      "knows that a watch has no answer",
      ALL,
      {
        level: "Metadata",
        verb: "watch",
        requestURI: `${POD}?watch=true`,
        requestObject: undefined,
        responseObject: undefined,
      },
      { unknownBodies: [] },
    ],
    [
      "asks the policy about the URI, never about objectRef",
      { rules: [{ level: "None", resources: [{ group: "", resources: ["secrets"] }] }, { level: "Metadata" }] },
      { objectRef: { resource: "secrets" } },
      { rule: 1 },
    ],
    [
      "matches no rule with users for a failed login",
      {
        rules: [
          { level: "None", userGroups: ["system:authenticated", "system:unauthenticated"] },
          { level: "Metadata" },
        ],
      },
      { user: {}, stage: "ResponseStarted", responseStatus: { code: 401 } },
      { rule: 1, stage: "ResponseStarted" },
    ],
  ];
  test.each(cases)("%s", (_what, policy, change, expected) => {
    const [predicted] = simulate([{ ...EVENT, ...change }], { policy }).events;
    if (expected === undefined) {
      expect(predicted).toBeUndefined();
    } else {
      expect(predicted).toMatchObject(expected);
    }
  });

  test("measures what would have been written, byte for byte", () => {
    const lines = [EVENT, { ...EVENT, level: "Metadata", requestObject: undefined, responseObject: undefined }];
    const { result, events } = simulate(lines, { policy: { rules: [{ level: "Request", omitManagedFields: true }] } });
    const written = {
      ...EVENT,
      level: "Request",
      requestObject: { metadata: { name: "web" } },
      responseObject: undefined,
    };
    const raised = { ...written, requestObject: undefined };
    expect(events.map(({ bytes }) => bytes)).toEqual([written, raised].map((each) => JSON.stringify(each).length + 1));
    expect(result.sizeUnknown).toBe(1);
  });

  test("compares with a baseline instead of the log, and names what such a log hides", () => {
    const baseline: Policy = { rules: [{ level: "None", verbs: ["watch"] }, { level: "Metadata" }] };
    const { result } = simulate([EVENT, { ...EVENT, verb: "watch" }], { policy: ALL, baseline });
    expect([result.before.events, result.after.events]).toEqual([1, 2]);
    expect(result.cannotShow.hiddenByBaseline).toMatchObject([
      { rule: 0, baselineLevel: "None", policyLevel: "RequestResponse" },
      { rule: 1, baselineLevel: "Metadata", policyLevel: "RequestResponse" },
    ]);
  });

  test("says what a log recorded without RequestReceived cannot show", () => {
    const { result } = simulate([EVENT], { policy: ALL });
    expect(result.cannotShow).toMatchObject({
      stagesNotInLog: ["RequestReceived", "ResponseStarted"],
      eventsMissing: 1,
    });
    expect(result.cannotShow.classesNotInLog).toContain("failed logins (401)");
    expect(simulate([EVENT], { policy: METADATA }).result.cannotShow.eventsMissing).toBe(0);
  });

  test("counts requests without a last stage, and does not take a failed login for one", () => {
    const watch = { ...EVENT, verb: "watch", requestObject: undefined, responseObject: undefined };
    const { result } = simulate(
      [
        { ...EVENT, stage: "RequestReceived" },
        EVENT,
        { ...EVENT, auditID: "b", stage: "RequestReceived" },
        { ...watch, auditID: "c", stage: "RequestReceived" },
        { ...watch, auditID: "c", stage: "ResponseStarted" },
        { ...EVENT, auditID: "d", stage: "ResponseStarted", user: {}, responseStatus: { code: 401 } },
        { ...EVENT, auditID: "e".repeat(5000), stage: "RequestReceived" },
      ],
      { policy: ALL },
    );
    expect(result.cannotShow.unanswered).toEqual({ requests: 2, open: 1, notFollowed: 1 });
  });

  test("extrapolates a day, and nothing from less than a minute", () => {
    const later = { ...EVENT, auditID: "b", requestReceivedTimestamp: "2026-11-24T00:14:24.000000Z" };
    const { result } = simulate([EVENT, later], { policy: METADATA });
    expect(result.log.seconds).toBe(864);
    expect(result.perDay?.before.events).toBe(200);
    expect(simulate([EVENT], { policy: METADATA }).result.perDay).toBeUndefined();
  });

  test("counts lines that are no events apart, and goes on", () => {
    const told: number[] = [];
    const simulation = new Simulation({ policy: ALL, onUndecidable: (line) => told.push(line) });
    simulation.write(Buffer.from(`{"half\n\n${JSON.stringify(EVENT)}`));
    simulation.end();
    expect(simulation.result()).toMatchObject({ log: { lines: 3, undecidable: 2 }, after: { events: 1 } });
    expect(told).toEqual([1, 2]);
  });

  test("holds a bounded number of actors, whatever names a log gives, and loses no event", () => {
    const simulation = new Simulation({ policy: ALL });
    for (let i = 0; i < 12_000; i++) {
      simulation.write(
        Buffer.from(`${JSON.stringify({ ...EVENT, user: { username: `u${i}${"x".repeat(i % 400)}` } })}\n`),
      );
    }
    simulation.end();
    const { byActor } = simulation.result();
    expect(byActor.length).toBe(10_001);
    expect(byActor.every(({ actor }) => actor.length < 300)).toBe(true);
    expect(byActor.reduce((sum, { after }) => sum + after.events, 0)).toBe(12_000);
  });
});

describe.each(["tiered", "minimal"])("Simulation of %s over a real log", (name) => {
  const policy = policyOf(
    readFileSync(new URL(`../../../../profiles/policies/${name}.policy.yaml`, import.meta.url), "utf8"),
  );
  const log = zstdDecompressSync(readFileSync(new URL("../../../../samples/attack.log.zst", import.meta.url)));

  test("agrees with deciding and stripping each event by itself, and its tables sum up", () => {
    const events: PredictedEvent[] = [];
    const simulation = new Simulation({ policy, onEvent: (event) => events.push(event) });
    for (let at = 0; at < log.length; at += 100_003) {
      simulation.write(log.subarray(at, at + 100_003));
    }
    simulation.end();
    const result = simulation.result();
    const expected = log
      .toString("utf8")
      .split("\n")
      .filter((line) => line !== "")
      .flatMap((line) => reference(policy, Buffer.from(line)));
    expect(events.map(({ auditID, stage, level, bytes }) => [auditID, stage, level, bytes])).toEqual(expected);
    expect(result.after).toEqual({
      events: expected.length,
      bytes: expected.reduce((sum, [, , , bytes]) => sum + bytes, 0),
    });
    for (const rows of [result.byRule, result.byLevel, result.byActor]) {
      expect(sum(rows, "before")).toEqual(result.before);
      expect(sum(rows, "after")).toEqual(result.after);
    }
    expect(result.before).toEqual({ events: 9457, bytes: log.length });
  });
});

type Written = readonly [auditID: string, stage: string, level: string, bytes: number];

function reference(policy: Policy, line: Buffer): readonly Written[] {
  const decoded = decodeEvent(line);
  if (!decoded.ok) {
    throw new Error(decoded.problem.message);
  }
  const event: AuditEvent = decoded.event;
  const { level, omitStages, omitManagedFields } = evaluate(policy, attributesOfEvent(event));
  if (level === "None" || omitStages.includes(event.stage)) {
    return [];
  }
  expect(isLevelBelow(event.level, level)).toBe(false);
  const scan = new EventScan();
  scan.scan(line, 0, line.length);
  return [[event.auditID, event.stage, level, stripLine(scan, { level, omitManagedFields }).length + 1]];
}

function sum(
  rows: SimulationResult["byActor"] | SimulationResult["byRule"] | SimulationResult["byLevel"],
  key: "before" | "after",
): unknown {
  const volumes = rows.map((row) => row[key]);
  return {
    events: volumes.reduce((total, { events }) => total + events, 0),
    bytes: volumes.reduce((total, { bytes }) => total + bytes, 0),
  };
}

function simulate(
  lines: readonly object[],
  options: SimulationOptions,
): { readonly result: SimulationResult; readonly events: readonly PredictedEvent[] } {
  const events: PredictedEvent[] = [];
  const simulation = new Simulation({ ...options, onEvent: (event) => events.push(event) });
  simulation.write(Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join("")));
  simulation.end();
  return { result: simulation.result(), events };
}

function policyOf(text: string): Policy {
  const loaded = loadPolicy(text);
  if (loaded.outcome === "refused") {
    throw new Error(loaded.error);
  }
  return loaded.policy;
}
