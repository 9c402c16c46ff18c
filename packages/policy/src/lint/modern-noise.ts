import type { RequestAttributes } from "@auditsieve/audit";
import { evaluate } from "../evaluate.ts";
import { impliedGroups } from "../request-class/identities.ts";
import type { LintRule } from "./lint-rule.ts";
import { PERSON, personsRequest } from "./person.ts";

export const modernNoise: LintRule = {
  id: "modern-noise",
  summary:
    "A policy that drops the noise of old should drop what took its place: leases, endpointslices, events.k8s.io, /livez and /readyz.",
  bad: '- level: None\n  users: ["system:anonymous"]\n  verbs: [get]\n  nonResourceURLs: [/healthz]\n- level: Metadata',
  good: '- level: None\n  users: ["system:anonymous"]\n  verbs: [get]\n  nonResourceURLs: [/healthz, /livez, /readyz]\n- level: Metadata',
  check: ({ policy }) =>
    SUCCESSORS.flatMap(({ old, now, what, hint }) => {
      const dropped = old.map((request) => evaluate(policy, request)).find(({ level }) => level === "None");
      const written = now.filter((request) => evaluate(policy, request).level !== "None");
      if (dropped === undefined || dropped.rule === null || written.length === 0) {
        return [];
      }
      const message = `Cannot drop today's noise by rules[${dropped.rule}]: ${what} written`;
      return [{ severity: "info" as const, steps: ["rules", dropped.rule], message, hint }];
    }),
};

interface Successor {
  readonly old: readonly RequestAttributes[];
  readonly now: readonly RequestAttributes[];
  readonly what: string;
  readonly hint: string;
}

function by(name: string, request: RequestAttributes, namespace = request.namespace): RequestAttributes {
  return { ...request, namespace, user: { name, groups: impliedGroups(name) } };
}

const url = (path: string): RequestAttributes => by("system:anonymous", { ...PERSON, path });
const PROXIES = ["system:kube-proxy", "system:serviceaccount:kube-system:kube-proxy"];
const MANAGER = "system:kube-controller-manager";

const SUCCESSORS: readonly Successor[] = [
  {
    old: [url("/healthz")],
    now: [url("/livez"), url("/readyz")],
    what: "/livez and /readyz, which took the place of /healthz, are",
    hint: 'Drop "/livez", "/readyz" and what is below them too, for system:anonymous',
  },
  {
    old: [by("system:kube-scheduler", personsRequest("create", "events")), personsRequest("create", "events")],
    now: [by("system:kube-scheduler", personsRequest("create", "events.events.k8s.io"))],
    what: "events of events.k8s.io are",
    hint: "Add group: events.k8s.io, for the control loops that write events",
  },
  {
    old: [by(MANAGER, personsRequest("update", "endpoints"), "kube-system")],
    now: [
      by(MANAGER, personsRequest("update", "leases.coordination.k8s.io"), "kube-system"),
      by("system:node:n", personsRequest("update", "leases.coordination.k8s.io"), "kube-node-lease"),
    ],
    what: "leases, by which controllers elect a leader and nodes say that they live, are",
    hint: "Drop get and update of leases for the control plane and the group system:nodes",
  },
  {
    old: PROXIES.map((name) => by(name, personsRequest("watch", "endpoints"))),
    now: PROXIES.map((name) => by(name, personsRequest("watch", "endpointslices.discovery.k8s.io"))),
    what: "watches of endpointslices, which kube-proxy follows instead of endpoints, are",
    hint: "Add group: discovery.k8s.io and resources: [endpointslices]",
  },
];
