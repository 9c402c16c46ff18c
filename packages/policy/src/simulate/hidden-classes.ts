import { attributesOf, isLevelBelow } from "@auditsieve/audit";
import type { EventScan, Level, RequestAttributes, Stage } from "@auditsieve/audit";
import { evaluate } from "../evaluate.ts";
import type { Policy } from "../policy.ts";
import { ruleWitnesses } from "./rule-witnesses.ts";

/** A class of requests that every cluster has, or that matters too much to be missed in silence. */
interface CommonClass {
  readonly what: string;
  /** Verb, user and URI of one such request; an empty user stands for a failed login. */
  readonly sample: readonly [verb: string, user: string, requestURI: string];
  readonly isOne: (request: RequestAttributes, scan: EventScan) => boolean;
}

const READS: ReadonlySet<string> = new Set(["get", "list"]);
const HEALTH = /^\/(?:livez|readyz|healthz)(?:\/|$)/;
const DISCOVERY = /^\/(?:api|apis|openapi|version)(?:\/|$)/;
const SESSIONS: ReadonlySet<string> = new Set(["exec", "attach", "portforward"]);

const COMMON: readonly CommonClass[] = [
  {
    what: "failed logins (401)",
    sample: ["list", "", "/api/v1/namespaces/default/pods"],
    isOne: (request, scan) => request.user === undefined || scan.code === 401,
  },
  {
    what: "refused requests (403)",
    sample: ["list", "jane", "/api/v1/secrets"],
    isOne: (_request, scan) => scan.code === 403,
  },
  {
    what: "reads of objects",
    sample: ["get", "jane", "/api/v1/namespaces/default/pods/web"],
    isOne: ({ isResourceRequest, verb }) => isResourceRequest && READS.has(verb),
  },
  {
    what: "watches",
    sample: ["watch", "jane", "/api/v1/pods?watch=true"],
    isOne: ({ verb }) => verb === "watch",
  },
  {
    what: "reads of secrets",
    sample: ["get", "jane", "/api/v1/namespaces/default/secrets/db"],
    isOne: ({ resource, verb }) => resource === "secrets" && READS.has(verb),
  },
  {
    what: "leases, which control planes and nodes renew every few seconds",
    sample: ["update", "system:node:n", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n"],
    isOne: ({ resource }) => resource === "leases",
  },
  {
    what: "status reports of nodes and pods",
    sample: ["patch", "system:node:n", "/api/v1/nodes/n/status"],
    isOne: ({ resource, subresource }) => subresource === "status" && (resource === "nodes" || resource === "pods"),
  },
  {
    what: "Kubernetes events",
    sample: ["create", "system:node:n", "/api/v1/namespaces/default/events"],
    isOne: ({ resource, verb }) => resource === "events" && verb === "create",
  },
  {
    what: "health probes",
    sample: ["get", "system:anonymous", "/readyz"],
    isOne: ({ isResourceRequest, path }) => !isResourceRequest && HEALTH.test(path),
  },
  {
    what: "discovery (/api, /apis, /openapi)",
    sample: ["get", "jane", "/apis"],
    isOne: ({ isResourceRequest, path }) => !isResourceRequest && DISCOVERY.test(path),
  },
  {
    what: "sessions (exec, attach, port-forward)",
    sample: ["get", "jane", "/api/v1/namespaces/default/pods/web/exec?command=sh"],
    isOne: ({ subresource }) => SESSIONS.has(subresource),
  },
];

/** Notes which common classes of requests a log holds. */
export class SeenClasses {
  readonly #unseen = new Set(COMMON);

  event(request: RequestAttributes, scan: EventScan): void {
    for (const each of this.#unseen) {
      if (each.isOne(request, scan)) {
        this.#unseen.delete(each);
      }
    }
  }

  /** What the log has none of though the policy would write it: there was none, or the log's own policy hid it. */
  absent(policy: Policy): readonly string[] {
    return [...this.#unseen]
      .filter(({ sample: [verb, username, requestURI] }) => {
        const groups = username.startsWith("system:node:") ? ["system:nodes"] : [];
        const request = attributesOf({ verb, username, requestURI, groups: [...groups, "system:authenticated"] });
        return evaluate(policy, request).level !== "None";
      })
      .map(({ what }) => what);
  }
}

/** A rule of the baseline that writes less than the policy does of a request. */
export interface HiddenByBaseline {
  /** Index of the baseline's rule; null: no rule matches. */
  readonly rule: number | null;
  readonly baselineLevel: Level;
  readonly policyLevel: Level;
  /** Stages that only the policy writes, where the levels are the same. */
  readonly stages: readonly Stage[];
  /** A request that shows it. */
  readonly witness: RequestAttributes;
}

/** Classes that a log recorded under `baseline` cannot show, though `policy` would write more of them. */
export function hiddenByBaseline(baseline: Policy, policy: Policy): readonly HiddenByBaseline[] {
  const hidden = new Map<string, HiddenByBaseline>();
  for (const witness of [...ruleWitnesses(baseline), ...ruleWitnesses(policy)]) {
    const before = evaluate(baseline, witness);
    const after = evaluate(policy, witness);
    const stages = after.level === "None" ? [] : before.omitStages.filter((stage) => !after.omitStages.includes(stage));
    const isLess = isLevelBelow(before.level, after.level);
    const key = `${before.rule}/${after.level}/${stages.join()}`;
    if ((isLess || (before.level !== "None" && stages.length > 0)) && !hidden.has(key)) {
      hidden.set(key, {
        rule: before.rule,
        baselineLevel: before.level,
        policyLevel: after.level,
        stages: isLess ? [] : stages,
        witness,
      });
    }
  }
  return [...hidden.values()].sort((a, b) => (a.rule ?? Infinity) - (b.rule ?? Infinity));
}
