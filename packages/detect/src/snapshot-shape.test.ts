import { isJsonObject } from "@auditsieve/audit";
import type { AuditEvent, JsonObject, JsonValue } from "@auditsieve/audit";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { DetectionEngine } from "./detection-engine.ts";
import { eventAt, podCreated } from "./memory/events.suite.ts";
import { shippedDocuments } from "./shipped-detections.suite.ts";
import { snapshotProblem } from "./snapshot-shape.ts";
import { FindingStream } from "./stream/finding-stream.ts";
import { runs } from "../../../test/property-runs.ts";

const engine = new DetectionEngine(shippedDocuments);

/** Of everything that is remembered there is something. */
function events(): readonly AuditEvent[] {
  const refused = Array.from({ length: 12 }, (_, n) =>
    eventAt(n + 1, {
      verb: "get",
      objectRef: { resource: "secrets", namespace: "shop", name: `s${n}` },
      user: { username: "eve", extra: { "authentication.kubernetes.io/credential-id": ["X509SHA256=11"] } },
      responseStatus: { code: 403 },
      annotations: { "authorization.k8s.io/decision": "forbid" },
    }),
  );
  const binding = eventAt(20, {
    verb: "create",
    level: "RequestResponse",
    objectRef: { resource: "clusterrolebindings", apiGroup: "rbac.authorization.k8s.io", name: "eve-admin" },
    requestObject: {
      roleRef: { kind: "ClusterRole", name: "cluster-admin" },
      subjects: [{ kind: "User", name: "eve" }],
    },
    responseStatus: { code: 201 },
  });
  const token = eventAt(21, {
    verb: "create",
    objectRef: { resource: "serviceaccounts", subresource: "token", namespace: "shop", name: "web" },
    responseStatus: { code: 201 },
    annotations: { "authentication.kubernetes.io/issued-credential-id": "JTI=22" },
  });
  const exec = eventAt(22, {
    stage: "RequestReceived",
    verb: "create",
    requestURI: "/api/v1/namespaces/shop/pods/web/exec",
    objectRef: { resource: "pods", subresource: "exec", namespace: "shop", name: "web" },
  });
  const pod = podCreated(0, "web", { containers: [{ name: "c", securityContext: { privileged: true } }] });
  return [pod, ...refused, binding, token, exec];
}

function written(): JsonObject {
  const stream = new FindingStream(engine);
  events().forEach((event) => stream.push(event));
  return JSON.parse(JSON.stringify(stream.snapshot())) as JsonObject;
}

type Path = readonly (string | number)[];

function pathsIn(value: JsonValue, path: Path = []): readonly Path[] {
  const children = Array.isArray(value)
    ? value.flatMap((child, i) => pathsIn(child as JsonValue, [...path, i]))
    : isJsonObject(value)
      ? Object.entries(value).flatMap(([key, child]) => pathsIn(child, [...path, key]))
      : [];
  return [path, ...children];
}

function replaced(value: JsonValue, [key, ...rest]: Path, by: JsonValue): JsonValue {
  if (key === undefined) {
    return by;
  }
  if (Array.isArray(value)) {
    return value.map((child, i) => (i === key ? replaced(child as JsonValue, rest, by) : (child as JsonValue)));
  }
  return isJsonObject(value) ? { ...value, [key]: replaced(value[key] ?? null, rest, by) } : by;
}

it("snapshotProblem has nothing against what a stream writes, and each part of it is there to be looked at", () => {
  const snapshot = written();
  expect(snapshotProblem(snapshot)).toBeUndefined();
  expect(pathsIn(snapshot).map((path) => path.filter((key) => typeof key === "string").join("."))).toEqual(
    expect.arrayContaining([
      "memory.pods.young",
      "memory.grants.grants.young.at",
      "memory.credentials.credentials.young.addresses",
      "firstSeen.tuples.young",
      "open",
      "correlations.windows",
      "evidence.hits",
    ]),
  );
  const learned = new FindingStream(engine);
  events().forEach((event) => learned.push(event));
  expect(snapshotProblem(JSON.parse(JSON.stringify(learned.learned())))).toBeUndefined();
});

it.each<readonly [string, Path, JsonValue]>([
  ["it is of version 3, this program knows 2", ["version"], 3],
  ["its memory is of version 2, this program knows 1", ["memory", "version"], 2],
  ["its firstSeen is no object", ["firstSeen"], [["a", 1]]],
  ["its firstSeen.tuples.young is no list", ["firstSeen", "tuples", "young"], { a: true }],
  ["its firstSeen.groups.young[0][1] is no number", ["firstSeen", "groups", "young", 0, 1], "2026-01-01"],
  ["its memory.pods.young[0][1].addresses is no list", ["memory", "pods", "young", 0, 1, "addresses"], "10.0.0.1"],
  [
    "its memory.credentials.credentials.young[0][1].addresses[0] is no text",
    ["memory", "credentials", "credentials", "young", 0, 1, "addresses"],
    [{ ip: "10.0.0.1" }],
  ],
  ["its correlations.windows is no list", ["correlations", "windows"], {}],
  ["its open[0] is no list", ["open", 0], { key: "a", time: 1 }],
  ["its evidence.hits[0][3] is no list", ["evidence", "hits", 0, 3], null],
])("snapshotProblem says: %s", (problem, path, by) => {
  expect(snapshotProblem(replaced(written(), path, by))).toBe(problem);
});

it.each([undefined, null, [], "x", 7])("snapshotProblem refuses what is no object: %j", (snapshot) => {
  expect(snapshotProblem(snapshot)).toBe("it is no JSON object");
});

it("FindingStream.restore takes nothing over of what has another shape, and what it takes over never makes it fail", () => {
  const snapshot = written();
  const paths = pathsIn(snapshot);
  fc.assert(
    fc.property(fc.constantFrom(...paths), fc.jsonValue(), (path, by) => {
      const changed = replaced(snapshot, path, by as JsonValue);
      const stream = new FindingStream(engine);
      const isTaken = stream.restore(changed);
      // A memory that another stream writes is no problem of the snapshot, but nothing that this one can go on from.
      const hasMemory = isJsonObject(changed) && changed["memory"] !== null;
      expect(isTaken).toBe(hasMemory && snapshotProblem(changed) === undefined);
      if (!isTaken) {
        expect(JSON.stringify(stream.snapshot())).toBe(JSON.stringify(new FindingStream(engine).snapshot()));
      }
      events().forEach((event) => stream.push({ ...event, auditID: `${event.auditID}-2` }));
      stream.flush();
    }),
    { numRuns: runs(300) },
  );
});
