import { createRequire } from "node:module";

interface ControlLoopsFile {
  readonly origin: string;
  readonly users: readonly string[];
}

/** Extracted from the bootstrap policy of k8s.io/kubernetes (Apache-2.0); see catalogue/make-control-loops.ts. */
const FILE = createRequire(import.meta.url)("../../catalogue/control-loops.json") as ControlLoopsFile;
const BOOTSTRAP: ReadonlySet<string> = new Set(FILE.users);
const NODE = /^system:node:[^:]+$/;

/** What a noise rule names: users, or the group of the nodes. */
export interface LoopIdentity {
  readonly kind: "user" | "nodes" | "anonymous" | "named";
  /** As rules write it: the user, or `system:nodes`. */
  readonly name: string;
  /** Where it is known from. */
  readonly source: string;
}

/**
 * The control loop behind a request, if it is known for one: an identity of the bootstrap policy, a node, the apiserver itself, the
 * anonymous prober, or one that the operator has named. How often somebody asks makes nobody a control loop.
 */
export function loopIdentity(
  user: { readonly name: string; readonly groups: readonly string[] } | undefined,
  named: ReadonlySet<string>,
): LoopIdentity | undefined {
  if (user === undefined) {
    return undefined;
  }
  const { name, groups } = user;
  if (named.has(name)) {
    return { kind: "named", name, source: "named by the operator (--identity)" };
  }
  if (BOOTSTRAP.has(name)) {
    return { kind: "user", name, source: FILE.origin.replace(/ \(.*$/s, "") };
  }
  if (name === "system:apiserver") {
    return { kind: "user", name, source: "the apiserver's own loopback client" };
  }
  if (NODE.test(name) && groups.includes("system:nodes")) {
    return { kind: "nodes", name: "system:nodes", source: "node authorizer, group system:nodes" };
  }
  return name === "system:anonymous"
    ? { kind: "anonymous", name, source: "probes: ClusterRole system:public-info-viewer" }
    : undefined;
}
