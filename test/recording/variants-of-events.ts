import { ERIN } from "./people.ts";
import { binding, clusterRole, named, rule } from "./setting.ts";
import { account, person, sent } from "./sent.ts";
import type { Call } from "./sent.ts";
import { createdBy } from "./step.ts";
import type { Step } from "./step.ts";

const BOT = "system:serviceaccount:ci:ci-bot";
const BACKUP = "system:serviceaccount:kube-system:backup-operator";
const REPLICASETS = "system:serviceaccount:kube-system:replicaset-controller";
const NODE = "system:node:node-1";
const REGARDING = { kind: "Pod", namespace: "shop", name: "web" };

/** An event as a component of its time writes it: its name stands in it twice. */
function told(name: string, component: string, reason: string): Call {
  const body = {
    ...named("Event", "v1", name, "shop"),
    involvedObject: REGARDING,
    reason,
    message: `${reason} web`,
    source: { component, host: "node-1" },
    reportingComponent: component,
    type: "Normal",
  };
  return ["POST", "/api/v1/namespaces/shop/events", { body }];
}

/** The same by the newer interface; `more` is what stands beside it. */
function reported(name: string, controller: string, reason: string, more: object = {}): Call {
  const body = {
    ...named("Event", "events.k8s.io/v1", name, "shop"),
    regarding: REGARDING,
    reason,
    note: `${reason} web`,
    action: reason,
    reportingController: controller,
    reportingInstance: `${controller}-1`,
    eventTime: "2026-11-24T08:00:00.000000Z",
    type: "Normal",
    ...more,
  };
  return ["POST", "/apis/events.k8s.io/v1/namespaces/shop/events", { body }];
}

/** Events in which programs say what others did, and what they did themselves. */
export const EVENT_VARIANTS: readonly Step[] = [
  createdBy(ERIN)(
    "bot-may-write-events",
    "none",
    "clusterroles",
    clusterRole("event-writer", [rule("", "events", "create,patch"), rule("events.k8s.io", "events", "create,patch")]),
    binding("event-writer", "event-writer", { kind: "ServiceAccount", name: "ci-bot", namespace: "ci" }),
    binding("backups-tell", "event-writer", {
      kind: "ServiceAccount",
      name: "backup-operator",
      namespace: "kube-system",
    }),
  ),
  sent(["bot-speaks-as-kubelet", "T1036", BOT], account("ci", "ci-bot"), told("web.1", "kubelet", "Started")),
  sent(
    ["bot-speaks-as-scheduler", "T1036", BOT],
    account("ci", "ci-bot"),
    reported("web.2", "default-scheduler", "Scheduled"),
  ),
  sent(
    ["bot-speaks-for-itself", "none", BOT],
    account("ci", "ci-bot"),
    told("web.3", "ci-bot", "Deployed"),
    reported("web.4", "acme.example/ci-bot", "Deployed"),
  ),
  sent(
    ["node-speaks-as-a-controller", "T1036", NODE],
    person(NODE),
    told("web.5", "replicaset-controller", "SuccessfulDelete"),
    reported("web.6", "default-scheduler", "Preempted"),
  ),
  sent(
    ["node-speaks-for-itself", "none", NODE],
    person(NODE),
    told("web.7", "kubelet", "Killing"),
    reported("web.8", "kubelet", "Killing"),
  ),
  sent(
    ["backup-speaks-as-kubelet", "T1036", BACKUP],
    account("kube-system", "backup-operator"),
    told("web.9", "kubelet", "Killing"),
    told("web.10", "replicaset-controller", "SuccessfulCreate"),
  ),
  sent(
    ["backup-speaks-for-itself", "none", BACKUP],
    account("kube-system", "backup-operator"),
    told("web.11", "backup-operator", "Saved"),
  ),
  sent(
    ["controller-speaks-as-others", "T1036", REPLICASETS],
    account("kube-system", "replicaset-controller"),
    told("web.12", "kubelet", "Killing"),
    reported("web.13", "default-scheduler", "Preempted"),
  ),
  sent(
    ["controller-speaks-for-itself", "none", REPLICASETS],
    account("kube-system", "replicaset-controller"),
    told("web.14", "replicaset-controller", "SuccessfulDelete"),
  ),
  // Since 1.19 the newer interface refuses the older field; what was tried is in the log.
  sent(
    ["bot-speaks-in-the-older-field", "T1036", BOT],
    account("ci", "ci-bot"),
    reported("web.15", "acme.example/ci-bot", "Killing", {
      deprecatedSource: { component: "kubelet", host: "node-1" },
    }),
    reported("web.16", "acme.example/ci-bot", "Preempted", { deprecatedSource: { component: "default-scheduler" } }),
  ),
  sent(
    ["bot-speaks-for-itself-in-the-older-field", "none", BOT],
    account("ci", "ci-bot"),
    reported("web.17", "acme.example/ci-bot", "Deployed", { deprecatedSource: { component: "ci-bot" } }),
  ),
];
