import { spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Contender } from "./contender.ts";
import { WORK } from "./work.ts";

/** What a contender keeps of twenty lines that are easy to get wrong. */
export interface Verdict {
  readonly name: string;
  /** `same`, or which lines differ. */
  readonly clean: string;
  /** What becomes of the set when one line of it is torn. */
  readonly corrupt: string;
}

interface Case {
  readonly id: string;
  readonly isKept: boolean;
  readonly line: string;
}

/** Does each contender keep the same lines? */
export function judge(contenders: readonly Contender[]): readonly Verdict[] {
  return contenders
    .filter(({ version, name }) => version !== undefined && !name.startsWith("newline scan"))
    .map((contender) => ({
      name: contender.name,
      clean: clean(contender),
      corrupt: corrupt(contender),
    }));
}

function clean(contender: Contender): string {
  const { ids, status } = kept(
    contender,
    CASES.map(({ line }) => line),
  );
  const wrong = CASES.filter(({ id, isKept }) => ids.has(id) !== isKept).map(
    ({ id, isKept }) => `${id} ${isKept ? "dropped" : "kept"}`,
  );
  return status !== 0 ? `ended with ${status}` : wrong.length === 0 ? "same" : wrong.join(", ");
}

function corrupt(contender: Contender): string {
  const lines = CASES.map(({ line }) => line);
  const half = lines.length >> 1;
  const { ids: before, text: cleanText } = kept(contender, lines);
  const { ids, text, status } = kept(contender, [...lines.slice(0, half), TORN, ...lines.slice(half)]);
  const isRestThere = CASES.slice(half).every(({ id }) => !before.has(id) || ids.has(id));
  const parts = [
    status === 0 ? "" : `ends with ${status}`,
    isRestThere ? "" : "what stands behind it is lost",
    text.includes("torn-line") ? "kept" : countLines(text) > countLines(cleanText) ? "kept, redacted" : "not kept",
  ];
  return parts.filter((part) => part !== "").join(", ");
}

function countLines(text: string): number {
  return text.split("\n").length;
}

function kept(
  { command }: Contender,
  lines: readonly string[],
): { readonly ids: ReadonlySet<string>; readonly text: string; readonly status: number | null } {
  const log = join(WORK, `correctness-${process.pid}.log`);
  const out = join(WORK, `correctness-${process.pid}.out`);
  writeFileSync(log, `${lines.join("\n")}\n`);
  writeFileSync(out, "");
  const { status } = spawnSync("bash", ["-c", command(log, out)], { stdio: "ignore" });
  const text = readFileSync(out, "utf8");
  rmSync(log);
  rmSync(out);
  const ids = new Set([...text.matchAll(/^\{.*?"auditID":\s*"([^"]*)"/gm)].map(([, id]) => id ?? ""));
  return { ids, text, status };
}

type Fields = Readonly<Record<string, unknown>>;

function event(id: string, user: unknown, verb: string, resource: string | undefined, more: Fields = {}): string {
  return JSON.stringify({
    kind: "Event",
    apiVersion: "audit.k8s.io/v1",
    level: "RequestResponse",
    auditID: id,
    stage: "ResponseComplete",
    requestURI: resource === undefined ? "/version" : `/api/v1/namespaces/shop/${resource}/x`,
    verb,
    user,
    sourceIPs: ["127.0.0.1"],
    ...(resource === undefined ? {} : { objectRef: { resource, namespace: "shop", name: "x", apiVersion: "v1" } }),
    responseStatus: { metadata: {}, code: 200 },
    ...more,
    requestReceivedTimestamp: "2026-11-24T00:12:19.857508Z",
    stageTimestamp: "2026-11-24T00:12:19.857508Z",
  });
}

const SCHEDULER = { username: "system:kube-scheduler", groups: ["system:authenticated"] };
const NODE = { username: "system:node:n1", groups: ["system:nodes", "system:authenticated"] };
const CONTROLLER = {
  username: "system:serviceaccount:kube-system:job-controller",
  groups: ["system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"],
};
const JANE = { username: "jane", groups: ["dev"] };
const DECOY = { verb: "get", user: SCHEDULER, objectRef: { resource: "leases" } };

const CASES: readonly Case[] = [
  drop("scheduler-reads", SCHEDULER, "get", "pods"),
  drop("node-lease", NODE, "update", "leases"),
  drop("controller-event", CONTROLLER, "create", "events"),
  drop("apiserver-version", { username: "system:apiserver" }, "get", undefined),
  drop("no-groups", { username: "system:kube-scheduler" }, "watch", "nodes"),
  drop("long-noise", NODE, "list", "pods", { responseObject: { items: ["x".repeat(300_000)] } }),
  drop("noise-that-talks-of-jane", SCHEDULER, "list", "pods", { responseObject: { user: JANE, verb: "delete" } }),
  keep("jane-reads", JANE, "get", "pods"),
  keep("scheduler-binds", SCHEDULER, "create", "pods"),
  keep("node-writes", NODE, "patch", "nodes"),
  keep(
    "other-controller",
    { username: "system:serviceaccount:shop:x", groups: ["system:serviceaccounts:shop"] },
    "get",
    "leases",
  ),
  keep("impersonation", SCHEDULER, "get", "pods", { impersonatedUser: { username: "jane" } }),
  keep("nested-decoy", JANE, "create", "pods", { requestObject: DECOY }),
  keep("decoy-as-text", JANE, "create", "pods", { requestObject: { text: JSON.stringify(DECOY) } }),
  keep("decoy-in-groups", { username: "jane", groups: ["system:nodes "] }, "get", "pods"),
  keep("no-user", {}, "get", "pods"),
  keep("no-object", JANE, "get", undefined),
  keep("long", JANE, "create", "configmaps", { requestObject: { data: "y".repeat(2_000_000) } }),
  keep("escapes", { username: 'jane "system:kube-scheduler"', groups: [] }, "get", "pods"),
  keep("behind-the-long-one", JANE, "delete", "pods"),
];

const TORN = event("torn-line", SCHEDULER, "get", "pods", { responseObject: { a: { b: 1 } } }).slice(0, -90);

function drop(id: string, user: unknown, verb: string, resource: string | undefined, more: Fields = {}): Case {
  return { id, isKept: false, line: event(id, user, verb, resource, more) };
}

function keep(id: string, user: unknown, verb: string, resource: string | undefined, more: Fields = {}): Case {
  return { id, isKept: true, line: event(id, user, verb, resource, more) };
}
