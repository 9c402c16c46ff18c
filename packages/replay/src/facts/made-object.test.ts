import { EventScan } from "@auditsieve/audit";
import { describe, expect, test } from "vitest";
import { eventAt } from "../replay-fixtures.suite.ts";
import type { Session } from "./sessions.ts";
import { readMadeObject } from "./made-object.ts";

const MADE = { resource: "pods", session: {} as Session, time: "2026-11-24T10:00:00.000000Z", place: 7 };
const POD = {
  kind: "Pod",
  metadata: {
    name: "web-1",
    namespace: "shop",
    uid: "u1",
    ownerReferences: [{ kind: "Job", name: "j", uid: "u0" }, 1],
  },
  spec: { serviceAccountName: "web" },
};
const STATUS = { kind: "Status", metadata: { name: "no object" } };

function made(more: Readonly<Record<string, unknown>>): unknown {
  const line = Buffer.from(JSON.stringify(eventAt(0, { objectRef: { resource: "pods", namespace: "shop" }, ...more })));
  const scan = new EventScan();
  expect(scan.scan(line, 0, line.length)).toBe(true);
  const { session: _session, time: _time, place: _place, resource: _resource, ...read } = readMadeObject(scan, MADE);
  return read;
}

const READ = {
  key: "pods shop/web-1",
  uid: "u1",
  namespace: "shop",
  name: "web-1",
  owners: [{ kind: "Job", name: "j", uid: "u0" }],
  serviceAccount: "web",
  tokenFor: undefined,
  isBodyMissing: false,
};
const UNKNOWN = { ...READ, key: "pods shop/", uid: undefined, name: "", owners: [], serviceAccount: undefined };

describe("readMadeObject", () => {
  test.each<[string, Readonly<Record<string, unknown>>, unknown]>([
    ["the answer", { responseObject: POD, requestObject: { metadata: { name: "other" } } }, READ],
    ["what was asked for where the answer is a status", { responseObject: STATUS, requestObject: POD }, READ],
    ["no body", { responseObject: STATUS, requestObject: [POD] }, { ...UNKNOWN, isBodyMissing: true }],
    ["an empty body", { responseObject: {}, requestObject: POD }, UNKNOWN],
    [
      "values of another form",
      {
        responseObject: { kind: 1, metadata: [POD.metadata], spec: "web", type: null },
        objectRef: { name: "x", uid: "u9" },
      },
      { ...UNKNOWN, key: "pods x", name: "x", uid: "u9", namespace: "" },
    ],
    [
      "a template, an empty name, a name with an escape",
      {
        responseObject: {
          metadata: { name: "", namespace: "é\n", ownerReferences: null },
          spec: { template: { spec: { serviceAccountName: "t" } } },
        },
      },
      { ...UNKNOWN, key: "pods é\n/", namespace: "é\n", serviceAccount: "t" },
    ],
    [
      "the template of a template",
      { responseObject: { spec: { jobTemplate: { spec: { template: { spec: { serviceAccountName: "c" } } } } } } },
      { ...UNKNOWN, serviceAccount: "c" },
    ],
    [
      "a template that names no service account",
      { responseObject: { spec: { template: { spec: { containers: [] } } } } },
      { ...UNKNOWN, serviceAccount: "default" },
    ],
    [
      "whom a token without end is for",
      {
        responseObject: {
          type: "kubernetes.io/service-account-token",
          metadata: { annotations: { "kubernetes.io/service-account.name": "robot" } },
        },
      },
      { ...UNKNOWN, tokenFor: "robot" },
    ],
  ])("readMadeObject reads %s", (_, more, expected) => {
    expect(made(more)).toEqual(expected);
  });
});
