import type { AskedRequest } from "./asked-request.ts";
import type { KubectlCall } from "./kubectl-call.ts";
import { isUnclear, PODS, podOf, requestFor, targetsOf } from "./kubectl-targets.ts";
import type { Target, Unclear } from "./kubectl-targets.ts";
import { httpRequest } from "./read-http-request.ts";
import { typeOf } from "./resource-names.ts";

/** The requests of a command, or what is not clear about it. */
export type CommandRequests =
  | { readonly requests: readonly AskedRequest[]; readonly notes: readonly string[] }
  | Unclear;

type Command = (call: KubectlCall) => CommandRequests;

/** kubectl's commands, by name, and which requests each sends. */
export const KUBECTL_COMMANDS: ReadonlyMap<string, Command> = new Map<string, Command>([
  ["get", get],
  ["describe", describe],
  ["create", create],
  ["run", (call) => all([requestFor(call, "create", { type: PODS, name: "" })])],
  ["delete", remove],
  ["edit", (call) => change(call)],
  ["patch", (call) => change(call, call.flags.get("subresource"))],
  ["label", (call) => change(call)],
  ["annotate", (call) => change(call)],
  ["scale", (call) => change(call, "scale")],
  ["set", (call) => change({ ...call, args: call.args.slice(1) })],
  ["taint", (call) => change(call)],
  ["cordon", (call) => change({ ...call, args: ["nodes", ...call.args] })],
  ["uncordon", (call) => change({ ...call, args: ["nodes", ...call.args] })],
  ["rollout", rollout],
  ["autoscale", (call) => creationFor(call, typeOf("autoscaling", "horizontalpodautoscalers"))],
  ["expose", (call) => creationFor(call, typeOf("", "services"))],
  ["drain", drain],
  ["exec", (call) => session(call, "exec")],
  ["attach", (call) => session(call, "attach")],
  ["port-forward", (call) => session(call, "portforward")],
  ["logs", (call) => session(call, "log")],
  ["cp", copy],
  ["debug", debug],
  ["auth", auth],
  ["certificate", certificate],
  ["top", top],
  ["events", (call) => all([requestFor(call, "list", { type: typeOf("", "events"), name: "" })])],
  ["wait", wait],
  ["version", () => urls("/version")],
  ["api-resources", () => urls("/api", "/apis")],
  ["api-versions", () => urls("/api", "/apis")],
  ["explain", () => urls("/openapi/v3")],
  [
    "cluster-info",
    (call) =>
      all([requestFor({ ...call, namespace: "kube-system" }, "list", { type: typeOf("", "services"), name: "" })]),
  ],
]);

function all(requests: readonly AskedRequest[], notes: readonly string[] = []): CommandRequests {
  return { requests, notes };
}

function urls(...paths: readonly string[]): CommandRequests {
  return all(paths.map((path) => ({ request: httpRequest("GET", path), isMain: true })));
}

/** Makes requests of the targets of a command. */
function each(
  call: KubectlCall,
  requestsOf: (target: Target) => readonly AskedRequest[],
  notes: readonly string[] = [],
): CommandRequests {
  const targets = targetsOf(call.args);
  return isUnclear(targets) ? targets : all(targets.flatMap(requestsOf), notes);
}

function get(call: KubectlCall): CommandRequests {
  const raw = call.flags.get("raw");
  if (raw !== undefined) {
    return raw.startsWith("/")
      ? urls(raw)
      : { what: `--raw "${raw}" is no path`, hint: "Write kubectl get --raw /healthz" };
  }
  const subresource = call.flags.get("subresource") ?? "";
  const selected = /(?:^|,)metadata\.name==?([^,]+)/.exec(call.flags.get("field-selector") ?? "")?.[1] ?? "";
  const [isWatch, isWatchOnly] = [call.flags.has("watch"), call.flags.has("watch-only")];
  return each(call, (target) => {
    if (target.name !== "") {
      const watch = requestFor(call, "watch", target);
      return [
        ...(isWatchOnly ? [] : [requestFor(call, "get", target, { subresource })]),
        ...(isWatch || isWatchOnly ? [watch] : []),
      ];
    }
    const selection = { ...target, name: selected };
    return [
      ...(isWatchOnly ? [] : [requestFor(call, "list", selection)]),
      ...(isWatch || isWatchOnly ? [requestFor(call, "watch", selection)] : []),
    ];
  });
}

function describe(call: KubectlCall): CommandRequests {
  const events = requestFor(call, "list", { type: typeOf("", "events"), name: "" }, { isMain: false });
  return each(call, (target) => [requestFor(call, target.name === "" ? "list" : "get", target), events]);
}

/** What `kubectl create` calls otherwise than its type. */
const CREATED: Readonly<Record<string, readonly [group: string, resource: string]>> = {
  deployment: ["apps", "deployments"],
  quota: ["", "resourcequotas"],
};

function create(call: KubectlCall): CommandRequests {
  const [word, ...args] = call.args;
  if (word === undefined) {
    return {
      what: "there is no type of object to create",
      hint: "Write kubectl create deployment x, or POST and a path",
    };
  }
  if (word === "token") {
    const [name] = args;
    return name === undefined
      ? { what: "there is no service account to make a token for", hint: "Write kubectl create token NAME" }
      : all([requestFor(call, "create", { type: typeOf("", "serviceaccounts"), name }, { subresource: "token" })]);
  }
  const known = Object.hasOwn(CREATED, word) ? CREATED[word] : undefined;
  const targets = known === undefined ? targetsOf([word]) : [{ type: typeOf(...known), name: "" }];
  // The name of what is created is in the body: the policy does not see it.
  return isUnclear(targets) ? targets : all(targets.map((target) => requestFor(call, "create", target)));
}

function remove(call: KubectlCall): CommandRequests {
  const isOfAll = call.flags.has("all") || call.flags.has("selector") || call.flags.has("field-selector");
  return each(
    call,
    (target) =>
      target.name === ""
        ? [
            requestFor(call, "list", target, { isMain: false }),
            requestFor(call, "delete", { ...target, name: "example" }),
          ]
        : [requestFor(call, "delete", target)],
    isOfAll ? ['kubectl lists and deletes one by one; one name is taken to be "example" here'] : [],
  );
}

function change(call: KubectlCall, subresource = ""): CommandRequests {
  const { type, names } = splitChanged(call.args);
  return each({ ...call, args: [...type, ...names] }, (target) => [
    requestFor(call, "get", target, { isMain: false }),
    requestFor(call, "patch", target.name === "" ? { ...target, name: "example" } : target, { subresource }),
  ]);
}

/** `deploy/web a=b c-` and `deploy web a=b`: labels, images and taints are no names. */
function splitChanged(args: readonly string[]): {
  readonly type: readonly string[];
  readonly names: readonly string[];
} {
  return { type: args.slice(0, 1), names: args.slice(1).filter((word) => !word.includes("=") && !word.endsWith("-")) };
}

function rollout(call: KubectlCall): CommandRequests {
  const [action = "", ...args] = call.args;
  if (action === "status" || action === "history") {
    return get({ ...call, args });
  }
  return ["restart", "undo", "pause", "resume"].includes(action)
    ? change({ ...call, args })
    : { what: `kubectl rollout has no "${action}"`, hint: "Known: restart, undo, pause, resume, status, history" };
}

function creationFor(call: KubectlCall, type: Target["type"]): CommandRequests {
  return each(call, (target) => [
    requestFor(call, "get", target, { isMain: false }),
    requestFor(call, "create", { type, name: "" }),
  ]);
}

function drain(call: KubectlCall): CommandRequests {
  const [node] = call.args;
  if (node === undefined) {
    return { what: "there is no node to drain", hint: "Write kubectl drain NODE" };
  }
  const target = { type: typeOf("", "nodes"), name: node };
  return all(
    [
      requestFor(call, "patch", target, { isMain: false }),
      requestFor({ ...call, namespace: "" }, "list", { type: PODS, name: "" }, { isMain: false }),
      requestFor(call, "create", { type: PODS, name: "example" }, { subresource: "eviction" }),
    ],
    [
      `kubectl evicts the node's pods one by one; one is taken to be "example" in the namespace "${call.namespace}" here`,
    ],
  );
}

function session(call: KubectlCall, subresource: string): CommandRequests {
  const pod = podOf(call.args[0]);
  if (isUnclear(pod)) {
    return pod;
  }
  const target = { type: PODS, name: pod.pod };
  return all(
    [requestFor(call, "get", target, { subresource }), requestFor(call, "get", target, { isMain: false })],
    [...pod.notes, ...(subresource === "log" ? [] : [WEBSOCKET])],
  );
}

const WEBSOCKET =
  "kubectl opens sessions by WebSocket, which is the verb get, since 1.30 (port-forward since 1.31); before that it was create";

function copy(call: KubectlCall): CommandRequests {
  const remote = call.args.find((word) => word.includes(":")) ?? "";
  const place = remote.slice(0, remote.indexOf(":"));
  const [first = "", second] = place.split("/");
  const [namespace, pod] = second === undefined ? [call.namespace, first] : [first, second];
  return session({ ...call, namespace, args: [pod] }, "exec");
}

function debug(call: KubectlCall): CommandRequests {
  const [word = ""] = call.args;
  if (/^(?:node|nodes|no)\//.test(word) || call.flags.has("copy-to")) {
    return all([requestFor(call, "create", { type: PODS, name: "" })]);
  }
  const pod = podOf(word);
  return isUnclear(pod)
    ? pod
    : all(
        [
          requestFor(call, "patch", { type: PODS, name: pod.pod }, { subresource: "ephemeralcontainers" }),
          requestFor(call, "get", { type: PODS, name: pod.pod }, { isMain: false }),
        ],
        pod.notes,
      );
}

function auth(call: KubectlCall): CommandRequests {
  const [action = ""] = call.args;
  const reviews: Readonly<Record<string, readonly [string, string]>> = {
    "can-i": ["authorization.k8s.io", call.flags.has("list") ? "selfsubjectrulesreviews" : "selfsubjectaccessreviews"],
    whoami: ["authentication.k8s.io", "selfsubjectreviews"],
  };
  const review = Object.hasOwn(reviews, action) ? reviews[action] : undefined;
  return review === undefined
    ? { what: `kubectl auth ${action} is not known here`, hint: "Known: can-i, whoami" }
    : all([requestFor(call, "create", { type: typeOf(...review), name: "" })]);
}

function certificate(call: KubectlCall): CommandRequests {
  const [action = "", name] = call.args;
  if (name === undefined || !["approve", "deny"].includes(action)) {
    return { what: `kubectl certificate ${action} is not`, hint: "Write kubectl certificate approve NAME" };
  }
  const target = { type: typeOf("certificates.k8s.io", "certificatesigningrequests"), name };
  return all([
    requestFor(call, "update", target, { subresource: "approval" }),
    requestFor(call, "get", target, { isMain: false }),
  ]);
}

function top(call: KubectlCall): CommandRequests {
  const [word = "", name = ""] = call.args;
  const resource = /^(?:no|nodes?)$/.test(word) ? "nodes" : /^(?:po|pods?)$/.test(word) ? "pods" : undefined;
  return resource === undefined
    ? { what: `kubectl top ${word} is not`, hint: "Write kubectl top pods, or kubectl top nodes" }
    : all([requestFor(call, name === "" ? "list" : "get", { type: typeOf("metrics.k8s.io", resource), name })]);
}

function wait(call: KubectlCall): CommandRequests {
  return each(call, (target) => [requestFor(call, "list", target), requestFor(call, "watch", target)]);
}
