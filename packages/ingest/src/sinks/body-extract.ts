import { isJsonObject, own } from "@auditsieve/audit";
import type { JsonValue } from "@auditsieve/audit";

/** What is taken out of a body for searching; lists are passed through, at any depth. */
export type Shape = "keyword" | "boolean" | "long" | { readonly [key: string]: Shape };

const CONTAINER: Shape = {
  name: "keyword",
  image: "keyword",
  volumeMounts: { name: "keyword", mountPath: "keyword" },
  securityContext: {
    privileged: "boolean",
    allowPrivilegeEscalation: "boolean",
    runAsNonRoot: "boolean",
    runAsUser: "long",
    runAsGroup: "long",
    procMount: "keyword",
    capabilities: { add: "keyword" },
  },
};

const POD_SPEC: { readonly [key: string]: Shape } = {
  serviceAccountName: "keyword",
  restartPolicy: "keyword",
  nodeName: "keyword",
  hostNetwork: "boolean",
  hostIPC: "boolean",
  hostPID: "boolean",
  securityContext: { runAsUser: "long", runAsGroup: "long", runAsNonRoot: "boolean" },
  volumes: { name: "keyword", hostPath: { path: "keyword", type: "keyword" } },
  containers: CONTAINER,
  initContainers: CONTAINER,
  ephemeralContainers: CONTAINER,
};

/** The fields of bodies that detection rules ask for. One table for the mapping and for what is sent: they cannot differ. */
export const BODY_SHAPE: Shape = {
  kind: "keyword",
  metadata: { name: "keyword", namespace: "keyword", generateName: "keyword", uid: "keyword" },
  spec: {
    ...POD_SPEC,
    type: "keyword",
    externalIPs: "keyword",
    template: { spec: POD_SPEC },
    jobTemplate: { spec: { template: { spec: POD_SPEC } } },
  },
  roleRef: { kind: "keyword", name: "keyword", apiGroup: "keyword" },
  subjects: { kind: "keyword", name: "keyword", namespace: "keyword" },
  rules: {
    verbs: "keyword",
    resources: "keyword",
    apiGroups: "keyword",
    resourceNames: "keyword",
    nonResourceURLs: "keyword",
  },
  webhooks: { name: "keyword", failurePolicy: "keyword", clientConfig: { url: "keyword" } },
};

export const MOST_VALUES = 1000;
/** Lists in lists, each in the other: more are made to exhaust the stack. */
export const MOST_NESTED = 32;

/** The values of `shape` in `body`, of exactly the types of the mapping; undefined when there are none. */
export function extract(body: JsonValue | undefined, shape: Shape = BODY_SHAPE, depth = 0): JsonValue | undefined {
  if (Array.isArray(body)) {
    if (depth > MOST_NESTED) {
      return undefined;
    }
    const found = (body as readonly JsonValue[])
      .slice(0, MOST_VALUES)
      .flatMap((element) => extract(element, shape, depth + 1) ?? []);
    return found.length === 0 ? undefined : found;
  }
  switch (shape) {
    case "keyword":
      return typeof body === "string" && body !== "" ? body : undefined;
    case "boolean":
      return typeof body === "boolean" ? body : undefined;
    case "long":
      return typeof body === "number" && Number.isSafeInteger(body) ? body : undefined;
    default:
      return isJsonObject(body) ? extractObject(body, shape) : undefined;
  }
}

function extractObject(body: Parameters<typeof own>[0], shape: Readonly<Record<string, Shape>>): JsonValue | undefined {
  const entries = Object.entries(shape).flatMap(([key, inner]) => {
    const value = extract(own(body, key), inner);
    return value === undefined ? [] : [[key, value] as const];
  });
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}
