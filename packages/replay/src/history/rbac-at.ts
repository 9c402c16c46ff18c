/** One change to a role or binding, with what the log shows of it. */
export interface RbacChange {
  readonly time: string;
  readonly verb: string;
  /** `clusterrolebindings.rbac.authorization.k8s.io web-cluster-admin`. */
  readonly key: string;
  readonly actor: string;
  /** `ClusterRole cluster-admin`, of a binding. */
  readonly role: string;
  /** `ServiceAccount shop/web`, of a binding. */
  readonly subjects: readonly string[];
  /** `get, list secrets`, of a role. */
  readonly rules: readonly string[];
  /** False where the level holds no body: that it changed is known, not to what. */
  readonly hasBody: boolean;
  /** Index of the event in the report. */
  readonly event?: number;
}

/** A role or binding as it stood at some time. */
export interface RbacStanding {
  readonly change: RbacChange;
  /** It was there before its first change in the log. */
  readonly isOlder: boolean;
  readonly changes: number;
}

/**
 * Roles and bindings as they stood at `time`, as far as the log tells: those written in it before that time and not deleted
 * since. What stood before the log begins and was not written in it is not among them.
 */
export function rbacAt(changes: readonly RbacChange[], time: string): readonly RbacStanding[] {
  const standing = new Map<string, RbacStanding>();
  for (const change of changes) {
    if (change.time > time) {
      break;
    }
    const before = standing.get(change.key);
    if (change.verb === "delete" || change.verb === "deletecollection") {
      standing.delete(change.key);
    } else {
      standing.set(change.key, {
        change: change.hasBody || before === undefined ? change : { ...before.change, time: change.time },
        isOlder: before === undefined ? change.verb !== "create" : before.isOlder,
        changes: (before?.changes ?? 0) + 1,
      });
    }
  }
  return [...standing.values()];
}
