import { loadDetections } from "@auditsieve/detect";
import type { Detection, Finding } from "@auditsieve/detect";
import { loadStreamPolicy, StreamPolicy } from "@auditsieve/policy";
import { describe, expect, test } from "vitest";
import { eventAt, linesOf, logOf, REDACTOR, sample, shippedDetections } from "../replay-fixtures.suite.ts";
import { replayLogs } from "../replay-logs.ts";
import { OtherFindings } from "./compare-findings.ts";
import type { ComparedFindings, OtherReading } from "./compare-findings.ts";

function detection(id: string, level: string, condition: string): readonly Detection[] {
  const { detections, problems } = loadDetections(
    `
title: Detection ${id}
id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e${id}
level: ${level}
logsource: { product: kubernetes, service: audit }
detection: { s: { ${condition} }, condition: s }
`,
    "x.yml",
  );
  expect(problems).toEqual([]);
  return detections;
}

function policy(rules: string): StreamPolicy {
  const loaded = loadStreamPolicy(`apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: ${rules}\n`);
  if (loaded.outcome !== "accepted") {
    throw new Error("the policy of the test does not load");
  }
  return new StreamPolicy(loaded.rules);
}

async function compare(
  log: string | Buffer,
  detections: readonly Detection[],
  reading: Omit<OtherReading, "redactor">,
  isOlder = true,
  isAsked?: (finding: Finding) => boolean,
): Promise<ComparedFindings> {
  const other = new OtherFindings({ ...reading, redactor: REDACTOR });
  const { findings, summary } = await replayLogs({
    logs: [logOf("x", log)],
    detections,
    redactor: REDACTOR,
    visitors: [other],
  });
  const undecided = Object.fromEntries(summary.couldNotDecide.map(({ id, requests }) => [id, requests]));
  return other.compareWith(findings, undecided, { isOlder, ...(isAsked && { isAsked }) });
}

const LISTS = linesOf([eventAt(0), eventAt(1000, { verb: "get" }), eventAt(2000, { verb: "delete" })]);

describe("OtherFindings", () => {
  test("OtherFindings of the same detections differ in nothing", async () => {
    const detections = shippedDetections();
    const compared = await compare(sample("small.log"), detections, { detections });
    expect([[...compared.changes], compared.couldNotDecide]).toEqual([[], []]);
    expect(compared.same).toBeGreaterThan(20);
  });

  test("OtherFindings tell what a new set of detections adds, removes and changes", async () => {
    const before = [...detection("10", "low", "verb: list"), ...detection("11", "low", "verb: get")];
    const after = [...detection("10", "high", "verb: list"), ...detection("12", "low", "verb: delete")];
    const { changes, same } = await compare(LISTS, after, { detections: before });
    expect(
      [...changes].map(({ change, finding }) => `${change} ${finding.detection.title} ${finding.detection.level}`),
    ).toEqual(["changed Detection 10 high", "removed Detection 11 low", "added Detection 12 low"]);
    expect(same).toBe(0);
  });

  test("OtherFindings count what changed and what is the same among the findings that are asked for", async () => {
    const both = [...detection("10", "low", "verb: list"), ...detection("11", "low", "verb: get")];
    const after = [...both, ...detection("12", "low", "verb: delete")];
    const asked =
      (title: string): ((finding: Finding) => boolean) =>
      (finding) =>
        finding.detection.title === title;
    const ofList = await compare(LISTS, after, { detections: both }, true, asked("Detection 10"));
    expect([[...ofList.changes], ofList.same]).toEqual([[], 1]);
    const ofDelete = await compare(LISTS, after, { detections: both }, true, asked("Detection 12"));
    expect([[...ofDelete.changes].map(({ change }) => change), ofDelete.same]).toEqual([["added"], 0]);
  });

  test("OtherFindings behind a policy tell what it hides from the detections", async () => {
    const bodies = detection("13", "high", "verb: create, requestObject.spec.hostPID: true");
    const pod = eventAt(3000, {
      level: "Request",
      verb: "create",
      requestObject: { kind: "Pod", spec: { hostPID: true } },
    });
    const detections = [...detection("10", "low", "verb: list"), ...bodies];
    const log = `${LISTS}${linesOf([pod])}`;
    const rules = "[{ level: None, verbs: [list] }, { level: Metadata }]";
    const compared = await compare(log, detections, { detections, policy: policy(rules) }, false);
    expect([...compared.changes].map(({ change, finding }) => `${change} ${finding.detection.title}`)).toEqual([
      "removed Detection 10",
      "removed Detection 13",
    ]);
    expect(compared.couldNotDecide).toMatchObject([{ title: "Detection 13", before: 0, after: 1 }]);
    expect([compared.dropped, compared.stripped]).toEqual([1, 1]);
  });
});
