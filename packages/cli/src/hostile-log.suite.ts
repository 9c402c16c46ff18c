import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { finished } from "node:stream/promises";

/** What is new on each line of a log that somebody writes who knows that it is read. `everything` is all of it but long names. */
export type MadeUp = "identities" | "objects" | "addresses" | "agents" | "names" | "everything";

const LONG_NAME = "x".repeat(100_000);
/** Of `everything` some names are long. */
const OFTEN_LONG = 1_200;

const ALLOWED = { "authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": "" };
const FORBIDDEN = { "authorization.k8s.io/decision": "forbid", "authorization.k8s.io/reason": "" };

/** So many lines, each of which is a finding or more; their times are spread evenly from `start` on, in milliseconds since 1970. */
export function* hostileLines(
  kind: MadeUp,
  count: number,
  { start, stepMs }: { readonly start: number; readonly stepMs: number },
): Generator<string, void> {
  for (let i = 0; i < count; i++) {
    const micros = Math.floor((start + i * stepMs) * 1_000);
    const time = new Date(micros / 1_000).toISOString().replace("Z", `${String(micros % 1_000).padStart(3, "0")}Z`);
    const times = { requestReceivedTimestamp: time, stageTimestamp: time };
    yield `${JSON.stringify({ ...deed(kind, i), auditID: `made-up-${kind}-${i}`, ...times })}\n`;
  }
}

/** So many made-up lines of these kinds by turns among those of a recorded log, in the order of their times. */
export function* hostileLog(log: readonly string[], kinds: readonly MadeUp[], count: number): Generator<string, void> {
  const [start, end] = [timeOf(log[0]), timeOf(log.at(-1))];
  const each = Math.ceil(count / kinds.length);
  const span = { start, stepMs: (end - start) / each };
  const madeUp = kinds.map((kind) => hostileLines(kind, each, span));
  let next = 0;
  for (let i = 0; i < each; i++) {
    const until = start + i * span.stepMs;
    while (next < log.length && timeOf(log[next]) <= until) {
      yield `${log[next++]}\n`;
    }
    for (const lines of madeUp) {
      yield lines.next().value as string;
    }
  }
  yield* log.slice(next).map((line) => `${line}\n`);
}

/** Writes lines, as many as there may be. */
export async function writeLines(path: string, lines: Iterable<string>): Promise<void> {
  const out = createWriteStream(path);
  for (const line of lines) {
    if (!out.write(line)) {
      await once(out, "drain");
    }
  }
  out.end();
  await finished(out);
}

/** Of a line as apiservers write it, in milliseconds since 1970. */
function timeOf(line: string | undefined): number {
  return Date.parse(/"stageTimestamp":"([^"]+)"/.exec(line ?? "")?.[1] ?? "");
}

/** By turns a read of a secret, a binding that is made, a command in a pod that is refused, and a probe of somebody without a name. */
function deed(kind: MadeUp, i: number): object {
  const isNew = (what: MadeUp): boolean => kind === what || kind === "everything";
  const isLong = kind === "names" || (kind === "everything" && i % OFTEN_LONG === 0);
  const namespace = isNew("objects") ? `ns-${i % 5_000}` : "ns";
  const name = `o${isNew("objects") || isLong ? `-${i}` : ""}${isLong ? `-${LONG_NAME}` : ""}`;
  const who = isNew("identities") ? i : 0;
  const address = isNew("addresses") ? `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}` : "10.0.0.1";
  const username = `system:serviceaccount:${namespace}:sa-${who}`;
  const base = {
    kind: "Event",
    apiVersion: "audit.k8s.io/v1",
    level: "RequestResponse",
    stage: "ResponseComplete",
    user: {
      username,
      groups: ["system:serviceaccounts", "system:authenticated"],
      extra: { "authentication.kubernetes.io/credential-id": [`JTI=${who}`] },
    },
    sourceIPs: [address, "192.0.2.1"],
    userAgent: isNew("agents") ? `agent-${i}/1.0` : "agent/1.0",
    annotations: ALLOWED,
  };
  const core = { namespace, name, apiVersion: "v1" };
  switch (i % 4) {
    case 0:
      return {
        ...base,
        verb: "get",
        requestURI: `/api/v1/namespaces/${namespace}/secrets/${name}`,
        objectRef: { resource: "secrets", ...core },
        responseStatus: { code: 200 },
      };
    case 1: {
      const metadata = { name: `b-${name}` };
      const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" };
      return {
        ...base,
        verb: "create",
        requestURI: "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
        objectRef: { resource: "clusterrolebindings", apiGroup: roleRef.apiGroup, apiVersion: "v1", ...metadata },
        responseStatus: { code: 201 },
        requestObject: { kind: "ClusterRoleBinding", metadata, roleRef, subjects: [{ kind: "User", name: username }] },
      };
    }
    case 2:
      return {
        ...base,
        impersonatedUser: isNew("identities") ? { username: `admin-${i}`, groups: ["system:masters"] } : undefined,
        verb: "create",
        requestURI: `/api/v1/namespaces/${namespace}/pods/${name}/exec?command=sh`,
        objectRef: { resource: "pods", subresource: "exec", ...core },
        responseStatus: { code: 403 },
        annotations: FORBIDDEN,
      };
    default:
      return {
        ...base,
        user: { username: "system:anonymous", groups: ["system:unauthenticated"] },
        verb: "list",
        requestURI: `/api/v1/namespaces/${namespace}/secrets?labelSelector=${name}`,
        objectRef: { resource: "secrets", namespace, apiVersion: "v1" },
        responseStatus: { code: 403 },
        annotations: FORBIDDEN,
      };
  }
}
