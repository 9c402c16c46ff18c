import type { ReplayedEvent, ReplayVisitor } from "../replayed-event.ts";
import { describeKind } from "./access.ts";
import type { Access } from "./access.ts";
import { isSubject, rbacText } from "./rbac-object.ts";
import { ruleAllows } from "./rbac-rule.ts";
import type { RbacRule } from "./rbac-rule.ts";
import { StandingRbac } from "./standing-rbac.ts";

/** A rule that the log shows as granted to the actor. */
export interface Grant {
  /** `ClusterRoleBinding admins`, `RoleBinding shop/edit`. */
  readonly binding: string;
  readonly role: string;
  readonly namespace: string | undefined;
  readonly rule: RbacRule;
}

/** What a binding grants and was never used: verbs of resources or of paths. */
export interface UnusedGrant {
  readonly binding: string;
  readonly role: string;
  /** Pairs of verb and resource that the role allows; one with a wildcard counts as one. */
  readonly granted: number;
  /** The pairs that were never used. */
  readonly unused: readonly string[];
  /** Pairs with a wildcard of which something was used, and which allow far more. */
  readonly wildcards: readonly string[];
}

const MOST_PAIRS = 2000;

/** Looks on while a log is replayed, and gathers roles and bindings out of answers that carry them. */
export class GrantedAccessVisitor implements ReplayVisitor {
  readonly #rbac = new StandingRbac();

  begin(): void {
    this.#rbac.clear();
  }

  event(event: ReplayedEvent): void {
    this.#rbac.event(event);
  }

  /** How many roles and bindings the log shows. */
  get objects(): number {
    return this.#rbac.standing().length;
  }

  /** The rules that are bound to the actor or one of its groups at the end of the log. */
  grantsOf(actor: string, groups: readonly string[]): readonly Grant[] {
    return this.#rbac.standing().flatMap((standing) => {
      const { kind, namespace, object } = standing;
      if (!kind.endsWith("Binding") || object?.subjects.some((subject) => isSubject(subject, actor, groups)) !== true) {
        return [];
      }
      const { role } = object;
      const binding = rbacText(standing);
      const bound = this.#rbac.find(role.kind, role.kind === "Role" ? namespace : undefined, role.name);
      const rules = bound?.object?.rules ?? [];
      return rules.map((rule) => ({ binding, role: `${role.kind} ${role.name}`, namespace, rule }));
    });
  }
}

/** What of the grants was never used, by binding, in verbs of resources and paths. */
export function unusedGrants(grants: readonly Grant[], used: readonly Access[]): readonly UnusedGrant[] {
  const bindings = Map.groupBy(grants, ({ binding }) => binding);
  return [...bindings].flatMap(([binding, rules]) => {
    const namespace = rules[0]?.namespace;
    const inPlace = used.filter((access) => namespace === undefined || access.namespace === namespace);
    const parts = new Map(rules.flatMap(({ rule }) => partsOf(rule).map(({ part, words }) => [words, part] as const)));
    const isUsed = (part: RbacRule): boolean => inPlace.some((access) => ruleAllows(part, access));
    const unused = [...parts].filter(([, part]) => !isUsed(part)).map(([words]) => words);
    const wildcards = [...parts].filter(([, part]) => isWild(part) && isUsed(part)).map(([words]) => words);
    return unused.length + wildcards.length === 0
      ? []
      : [{ binding, role: rules[0]?.role ?? "", granted: parts.size, unused: unused.slice(0, MOST_PAIRS), wildcards }];
  });
}

function isWild({ apiGroups = [], resources = [], nonResourceURLs = [], verbs }: RbacRule): boolean {
  return [apiGroups, resources, verbs, nonResourceURLs].some((list) => list.some((each) => each.includes("*")));
}

/** One rule for each pair of verb and resource or path. */
function partsOf(rule: RbacRule): readonly { readonly part: RbacRule; readonly words: string }[] {
  const { apiGroups = [], resources = [], resourceNames, nonResourceURLs = [], verbs } = rule;
  const names = resourceNames === undefined || resourceNames.length === 0 ? {} : { resourceNames };
  const shown = "resourceNames" in names ? ` ${names.resourceNames.join(",")}` : "";
  return verbs.flatMap((verb) => [
    ...apiGroups.flatMap((group) =>
      resources.map((resource) => ({
        part: { apiGroups: [group], resources: [resource], ...names, verbs: [verb] },
        words: `${verb} ${describeKind(group, resource)}${shown}`,
      })),
    ),
    ...nonResourceURLs.map((url) => ({ part: { nonResourceURLs: [url], verbs: [verb] }, words: `${verb} ${url}` })),
  ]);
}
