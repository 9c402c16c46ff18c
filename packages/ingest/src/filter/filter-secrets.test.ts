import { loadStreamPolicy } from "@auditsieve/policy";
import { expect, test } from "vitest";
import { findingDifferencesCut, redacting } from "./filter-findings.suite.ts";
import { filterChunks } from "./filter-fuzz.suite.ts";
import { Dice, varyValues } from "./line-mutator.suite.ts";

const loaded = loadStreamPolicy("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: RequestResponse}]");
if (loaded.outcome !== "accepted") {
  throw new Error(loaded.problems[0]?.message);
}
const KEEP_ALL = loaded.rules;

/** What the request is about: path and objectRef. */
const OBJECTS = [
  ["/api/v1/namespaces/a/secrets/db", '"resource":"secrets","namespace":"a","name":"db"'],
  ["/api/v1/namespaces/a/secrets/db-2", '"resource":"secrets","namespace":"a","name":"db-2"'],
  ["/api/v1/secrets", '"resource":"secrets"'],
  [
    "/api/v1/namespaces/a/serviceaccounts/x/token",
    '"resource":"serviceaccounts","namespace":"a","name":"x","subresource":"token"',
  ],
  ["/api/v1/namespaces/a/secrets/db", '"resource":"configmaps","namespace":"a","name":"db"'],
] as const;
const QUERIES = [
  "",
  "?limit=500",
  "?limit=10",
  "?resourceVersion=7\\u0026watch=true",
  "?token=abc",
  "?token=",
  "?command=sh\\u0026command=1",
  "?command=sh\\u0026command=2",
  "?command=mysql\\u0026command=%2D%69hunter2",
  "?command=mysql\\u0026command=%2D%70hunter2",
  "?fieldSelector=a%3Db",
] as const;
/** Those that a real one has come first. What follows says more of a secret than its head does, or looks as if it did. */
const STATUSES = [
  '"responseStatus":{"metadata":{},"code":200},',
  '"responseStatus":{"metadata":{},"status":"Success","code":200},',
  '"responseStatus":{"metadata":{},"reason":"mess","code":200},',
  '"responseStatus":{"metadata":{},"status":"Failure","message":"invalid value hunter2","code":200},',
  '"responseStatus":{"metadata":{},"details":{"name":"db","kind":"secrets"},"code":200},',
  '"responseStatus":{"metadata":{},"details":{"message":"invalid value hunter2","kind":"secrets"},"code":200},',
  '"responseStatus":{"metadata":{},"me\\u0073sage":"invalid value hunter2","code":200},',
  "",
] as const;
const ANNOTATIONS = [
  '"annotations":{"authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":""}',
  '"annotations":{"authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":"data"}',
  '"annotations":{"authorization.k8s.io/decision":"allow","data":"hunter2"}',
  '"annotations":{"authorization.k8s.io/decision":"allow","path":{"keys":"hunter2"}}',
  '"annotations":{"authorization.k8s.io/decision":"allow","path":{"data":"hunter2"}}',
  '"annotations":{"a":"RBAC: allowed by RoleBinding \\"data\\" of Role \\"x\\""}',
  '"annotations":{"a":"RBAC: allowed by RoleBinding \\"view\\" of Role \\"y\\""}',
  '"annotations":{"a":"{\\"data\\":\\"hunter2\\"}"}',
  '"annotations":{"a":" {\\"data\\":\\"hunter2\\"}"}',
  '"annotations":{"a":"x\\"data\\"y\\"hunter2\\"}"}',
  '"annotations":{"a":"\\u007b\\"data\\":\\"hunter2\\"}"}',
] as const;
const BODIES = [
  "",
  '"requestObject":{"kind":"Secret","data":{"a":"aHVudGVyMg=="}},',
  '"requestObject":"hunter2",',
  '"responseObject":{"data":{"a":"aHVudGVyMg=="}},',
  '"responseObject":null,',
] as const;
const AGENTS = [
  "kubectl/v1",
  "kubectl/v2",
  "x Bearer abcdefgh12345678",
  "a Secret",
  "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln",
] as const;

/** Where lines of one log differ, beside their times: in one of these, and sometimes in any. */
const DIFFERING = [QUERIES, STATUSES, ANNOTATIONS, BODIES, AGENTS] as const;

function secretLine(dice: Dice, n: number, differing: (typeof DIFFERING)[number]): Buffer {
  const one = (of: (typeof DIFFERING)[number]): string =>
    of === differing || dice.below(8) === 0 ? dice.of<string>(of) : of[0];
  const [path, reference] = dice.below(2) === 0 ? OBJECTS[0] : dice.of(OBJECTS);
  const isAnswered = dice.below(3) > 0;
  const time = `2026-11-24T10:00:0${dice.below(10)}.${dice.below(10)}00000Z`;
  return Buffer.from(
    `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse","auditID":"id-${n >> 1}",` +
      `"stage":"${isAnswered ? "ResponseComplete" : "RequestReceived"}","requestURI":"${path}${one(QUERIES)}","verb":"get",` +
      `"user":{"username":"ann","groups":["system:authenticated"]},"sourceIPs":["10.0.0.1"],"userAgent":"${one(AGENTS)}",` +
      `"objectRef":{${reference},"apiVersion":"v1"},${isAnswered ? one(STATUSES) : ""}${one(BODIES)}` +
      `"requestReceivedTimestamp":"${time}","stageTimestamp":"${time}",${one(ANNOTATIONS)}}`,
  );
}

test("Filter takes lines about secrets without bodies by their templates, and redacts as each by itself", () => {
  let [shown, told] = [0, 0];
  for (const differing of DIFFERING) {
    const dice = new Dice(shown * 1000);
    const some = Array.from({ length: 200 }, (_, n) => {
      const line = secretLine(dice, n, differing);
      return dice.below(4) === 0 ? varyValues(line, dice) : line;
    });
    const found = findingDifferencesCut(KEEP_ALL, some, dice, { verify: dice.below(4) === 0 }, true, {});
    expect(found.differences, `differing in ${differing[1]}`).toEqual([]);
    const log = Buffer.from(some.map((line) => `${line.toString("latin1")}\n`).join(""), "latin1");
    const [alone, each] = [false, true].map((isEach) =>
      filterChunks(KEEP_ALL, [log], redacting(isEach)).out.toString(),
    );
    expect(alone, `differing in ${differing[1]}`).toBe(each);
    shown += found.shown;
    told += found.told;
  }
  expect(shown / DIFFERING.length).toBeLessThan(0.95);
  expect(told / DIFFERING.length).toBeGreaterThan(0.05);
});
