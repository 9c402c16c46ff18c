import type { Delivery } from "../sink.ts";

const TIME = "2026-11-24T00:13:26.471919Z";

/** Events whose every corner is made to be refused by a mapping. */
export function hostileDeliveries(): readonly Delivery[] {
  const base = {
    kind: "Event",
    apiVersion: "audit.k8s.io/v1",
    level: "RequestResponse",
    auditID: "a",
    stage: "ResponseComplete",
    requestURI: "/",
    verb: "get",
    user: {},
  };
  const deep = Array.from({ length: 200 }).reduce<unknown>((inner) => ({ a: inner }), "x");
  const bodies: readonly object[] = [
    { requestObject: { ".": 1, "..": { ".a.": 2 }, "": 3, " ": 4, "a.b": 5, a: "text" } },
    { requestObject: { spec: "text", metadata: [1, 2], roleRef: true, rules: { verbs: { a: 1 } } } },
    { requestObject: { spec: { containers: "x", hostNetwork: "yes", volumes: [[{ hostPath: { path: 7 } }]] } } },
    { requestObject: deep, responseObject: [deep, 1, null, "x"] },
    {
      requestObject: { metadata: { name: "n".repeat(100_000), managedFields: [{ fieldsV1: { "f:x": { ".": {} } } }] } },
    },
    {
      requestObject: {
        spec: { securityContext: { runAsUser: 1.5e300, runAsGroup: 12345678901234567890n.toString() } },
      },
    },
    {
      user: {
        username: "u".repeat(50_000),
        groups: ["g".repeat(50_000), ""],
        extra: {
          "": ["x"],
          "a.b..c": ["y"],
          ["k".repeat(40_000)]: ["z"],
          n: ["v".repeat(60_000)],
          ["nul\0"]: ["a\0b"],
        },
      },
    },
    { user: { extra: { __proto__x: ["1"], constructor: ["2"], deep } } },
    { sourceIPs: ["999.1.1.1", "fe80::1%eth0", "::ffff:10.0.0.1", "not an ip", "10.0.0.1"] },
    { userAgent: "\u001b[31m\ud800 x".repeat(5000), requestURI: `/${"é".repeat(60_000)}` },
    { responseStatus: { code: 99_999, message: "m".repeat(60_000), details: { ".": 1 }, status: { a: 1 } } },
    { responseStatus: { code: "200" }, objectRef: { name: ["a"], namespace: { b: 1 } } },
    { requestReceivedTimestamp: "yesterday", stageTimestamp: "0001-01-01T00:00:00Z" },
    { stageTimestamp: "9999-12-31T23:59:59.999999Z", requestReceivedTimestamp: "2026-02-30T00:00:00Z" },
    {
      annotations: {
        "authorization.k8s.io/decision": { a: 1 },
        ".": "x",
        "": "y",
        "authorization.k8s.io/reason": "r".repeat(50_000),
      },
    },
    { impersonatedUser: { username: 5, uid: null, groups: "g" } },
  ];
  return bodies.map((body, i) => ({
    id: `hostile-${i}`,
    kind: "event",
    time: TIME,
    document: Buffer.from(JSON.stringify({ ...base, ...body })),
  }));
}
