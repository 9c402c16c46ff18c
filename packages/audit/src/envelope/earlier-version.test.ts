import { describe, expect, test } from "vitest";
import { decodeEvent } from "../decode.ts";
import { EventScan } from "../scan.ts";
import { asV1 } from "./earlier-version.ts";
import { EnvelopeReader } from "../event-list/envelope-reader.ts";

/** As Kubernetes 1.7 writes it: the example of the upstream documentation, with the answer. */
const OF_1_7 =
  '{"kind":"Event","apiVersion":"audit.k8s.io/v1alpha1","metadata":{"creationTimestamp":null},"level":"Metadata","timestamp":"2017-06-15T23:07:40Z","auditID":"4faf711a","stage":"ResponseComplete","requestURI":"/apis/rbac.authorization.k8s.io/v1beta1/namespaces/kube-public/rolebindings/x","verb":"get","user":{"username":"system:apiserver","groups":["system:masters"]},"sourceIPs":["127.0.0.1"],"objectRef":{"resource":"rolebindings","namespace":"kube-public","name":"x","apiVersion":"rbac.authorization.k8s.io/v1beta1"},"responseStatus":{"metadata":{},"code":200}}';

function v1(text: string): unknown {
  const bytes = Buffer.from(`x${text}y`);
  const event = asV1(bytes, 1, bytes.length - 1);
  if (event === undefined) {
    return undefined;
  }
  const scan = new EventScan();
  expect(scan.scan(event, 0, event.length), scan.reason).toBe(true);
  return JSON.parse(event.toString("utf8"));
}

describe("asV1", () => {
  test("asV1 reads an event of v1alpha1 as the apiserver converts it: the version, the moment, the group", () => {
    expect(v1(OF_1_7)).toEqual({
      ...(JSON.parse(OF_1_7) as object),
      apiVersion: "audit.k8s.io/v1",
      requestReceivedTimestamp: "2017-06-15T23:07:40.000000Z",
      objectRef: {
        resource: "rolebindings",
        namespace: "kube-public",
        name: "x",
        apiVersion: "v1beta1",
        apiGroup: "rbac.authorization.k8s.io",
      },
    });
  });

  test.each<[string, string, Readonly<Record<string, unknown>>]>([
    [
      "the core group as 1.7 writes it",
      OF_1_7.replace('rbac.authorization.k8s.io/v1beta1"}', '/v1"}'),
      { objectRef: { resource: "rolebindings", namespace: "kube-public", name: "x", apiVersion: "v1" } },
    ],
    [
      "the core group as 1.8 writes it",
      OF_1_7.replace('rbac.authorization.k8s.io/v1beta1"}', 'v1"}'),
      { objectRef: { resource: "rolebindings", namespace: "kube-public", name: "x", apiVersion: "v1" } },
    ],
    [
      "a moment of the stage",
      OF_1_7.replace('"creationTimestamp":null', '"creationTimestamp":"2017-06-15T23:07:41Z"'),
      {
        requestReceivedTimestamp: "2017-06-15T23:07:40.000000Z",
        stageTimestamp: "2017-06-15T23:07:41.000000Z",
      },
    ],
    [
      "moments that are null",
      `${OF_1_7.slice(0, -1)},"requestReceivedTimestamp":null,"stageTimestamp":null}`,
      { requestReceivedTimestamp: "2017-06-15T23:07:40.000000Z", stageTimestamp: null },
    ],
    [
      "moments in microseconds, as 1.8 to 1.23 write them",
      `${OF_1_7.slice(0, -1)},"requestReceivedTimestamp":"2017-06-15T23:07:40.123456Z","stageTimestamp":"2017-06-15T23:07:40.223456Z"}`,
      { requestReceivedTimestamp: "2017-06-15T23:07:40.123456Z", stageTimestamp: "2017-06-15T23:07:40.223456Z" },
    ],
    ["a time of another form", OF_1_7.replace("40Z", "40"), { requestReceivedTimestamp: undefined }],
    ["v1beta1", OF_1_7.replace("v1alpha1", "v1beta1"), { requestReceivedTimestamp: "2017-06-15T23:07:40.000000Z" }],
    [
      "an item of a list, which says no version",
      OF_1_7.replace('"kind":"Event","apiVersion":"audit.k8s.io/v1alpha1",', ""),
      { requestReceivedTimestamp: "2017-06-15T23:07:40.000000Z" },
    ],
  ])("asV1 of %s", (_, text, expected) => {
    const { apiVersion, ...event } = v1(text) as Record<string, unknown>;
    expect(apiVersion).toBe(text.includes('apiVersion":"audit') ? "audit.k8s.io/v1" : undefined);
    expect(Object.fromEntries(Object.keys(expected).map((key) => [key, event[key]]))).toEqual(expected);
  });

  test.each([
    ["v1", OF_1_7.replace("v1alpha1", "v1")],
    ["a version that is none", OF_1_7.replace("v1alpha1", "v1alpha2")],
    ["two versions", OF_1_7.replace("{", '{"apiVersion":"audit.k8s.io/v1",')],
    ["a version below the top", `{"x":${OF_1_7},"stage":"Panic"}`],
    ["the log of another component", '{"timestamp":"2017-06-15T23:07:40Z","message":"x"}'],
    ["an item of v1", OF_1_7.replace(/"kind".*"level"/, '"level"').replace(/"timestamp":"[^"]*",/, "")],
  ])("asV1 leaves %s", (_, text) => {
    expect(v1(text)).toBe(undefined);
  });

  test("an EventList of v1alpha1 gives events of v1, and of another version a problem that names the field", () => {
    const reader = new EnvelopeReader();
    const item = OF_1_7.replace('"kind":"Event","apiVersion":"audit.k8s.io/v1alpha1",', "");
    const list = `{"kind":"EventList","apiVersion":"audit.k8s.io/v1alpha1","metadata":{},"items":[${item},${item}]}\n`;
    const lines = reader.write(Buffer.from(list)).toString("utf8").split("\n");
    expect(lines.slice(0, 2).map((line) => (JSON.parse(line) as Record<string, unknown>)["objectRef"])).toMatchObject([
      { apiGroup: "rbac.authorization.k8s.io", apiVersion: "v1beta1" },
      { apiGroup: "rbac.authorization.k8s.io", apiVersion: "v1beta1" },
    ]);
    const other = decodeEvent(Buffer.from(OF_1_7.replace("v1alpha1", "v2")));
    expect(other.ok ? undefined : other.problem).toMatchObject({ id: "line-not-an-audit-event" });
    expect(other.ok ? "" : `${other.problem.message} ${other.problem.hint}`).toMatch(/apiVersion.*v1alpha1/);
  });
});
