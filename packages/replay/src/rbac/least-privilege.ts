import { accessKey, describeAccess } from "./access.ts";
import type { Access } from "./access.ts";
import { unusedGrants } from "./granted-access.ts";
import type { GrantedAccessVisitor, UnusedGrant } from "./granted-access.ts";
import { boundRules, leastRoles } from "./least-roles.ts";
import type { LeastRoles } from "./least-roles.ts";
import { boundRuleAllows } from "./rbac-rule.ts";
import type { UsedAccess } from "./used-access.ts";

/** The least privilege of an actor, and what a reader must know about it. */
export interface LeastPrivilege extends LeastRoles {
  readonly actor: string;
  /** Accesses used, and the answers that they stand for. */
  readonly accesses: number;
  readonly events: number;
  /** Used accesses that the roles do not allow: those that RBAC cannot grant. Any other would be a defect. */
  readonly notAllowed: readonly string[];
  /** Accesses of others in the log that the roles would allow the actor too: what RBAC cannot narrow, seen in this log. */
  readonly alsoAllowed: readonly string[];
  /** Asked for and refused; not in the roles. */
  readonly refused: readonly string[];
  /** Why the authorizer allowed it, most often first. */
  readonly allowedBy: readonly { readonly reason: string; readonly events: number }[];
  /** Whether the log shows roles and bindings, without which nothing can be said of grants. */
  readonly hasGrants: boolean;
  readonly neverUsed: readonly UnusedGrant[];
  readonly uncounted: number;
  /** Checks that an apiserver makes without writing them down. */
  readonly notInLog: readonly string[];
}

const MOST_SHOWN = 200;
/** What may choose among objects. */
const SELECTING: ReadonlySet<string> = new Set(["list", "watch", "deletecollection"]);

/**
 * Makes the least roles of what was used, and checks them against the same log.
 *
 * @example
 * const used = new UsedAccessVisitor("ann");
 * const grants = new GrantedAccessVisitor();
 * await replayLogs({ logs, detections: [], redactor, visitors: [used, grants] });
 * const least = leastPrivilege(used.result(), grants);
 * assert.match(writeManifests(least), /kind: Role\n/);
 */
export function leastPrivilege(used: UsedAccess, grants: GrantedAccessVisitor): LeastPrivilege {
  const accesses = used.allowed.map(({ access }) => access);
  const roles = leastRoles(used.actor, accesses);
  const rules = boundRules(roles);
  const isAllowed = (access: Access): boolean => rules.some((rule) => boundRuleAllows(rule, access));
  const usedKeys = new Set(accesses.map(accessKey));
  return {
    actor: used.actor,
    ...roles,
    cannotNarrow: [...roles.cannotNarrow, ...onlySelected(used)],
    accesses: accesses.length,
    events: used.allowed.reduce((sum, { events }) => sum + events, 0),
    notAllowed: accesses.filter((access) => !isAllowed(access)).map(describeAccess),
    alsoAllowed: used.others
      .filter((access) => !usedKeys.has(accessKey(access)) && isAllowed(access))
      .slice(0, MOST_SHOWN)
      .map(describeAccess),
    refused: used.refused.slice(0, MOST_SHOWN).map(({ access }) => describeAccess(access)),
    allowedBy: used.reasons.slice(0, MOST_SHOWN),
    hasGrants: grants.objects > 0,
    neverUsed: unusedGrants(grants.grantsOf(used.actor, used.groups), accesses),
    uncounted: used.uncounted,
    notInLog: notInLog(accesses),
  };
}

/** Where one object is chosen by its name the access has that name. */
function onlySelected({ allowed }: UsedAccess): readonly string[] {
  return allowed
    .filter(({ access: { verb, name }, events, selected }) => SELECTING.has(verb) && name === "" && selected === events)
    .map(
      ({ access }) =>
        `${describeAccess(access)}: only ever with a selector of labels or fields, which no rule can ask for`,
    );
}

function notInLog(accesses: readonly Access[]): readonly string[] {
  const writes = accesses.filter(({ verb }) => ["create", "update", "patch"].includes(verb));
  const touches = (resources: readonly string[]): boolean =>
    writes.some(({ resource }) => resources.includes(resource));
  return [
    ...(touches(["roles", "clusterroles", "rolebindings", "clusterrolebindings"])
      ? ["writing roles and bindings also needs the rights that they give, or the verbs escalate and bind"]
      : []),
    ...(touches(["certificatesigningrequests/approval", "certificatesigningrequests/status"])
      ? ["approving or signing a certificate also needs approve or sign on its signer"]
      : []),
    ...(touches(["validatingadmissionpolicybindings", "validatingadmissionpolicies"])
      ? ["admission policies also need get on the kinds that their parameters are of"]
      : []),
  ];
}
