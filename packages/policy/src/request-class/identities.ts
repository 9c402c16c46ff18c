const SERVICE_ACCOUNT = /^system:serviceaccount:([^:]+):[^:]+$/;
const NODE = /^system:node:.+$/;

/**
 * Groups that the apiserver gives a user of this name.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/authentication/
 */
export function impliedGroups(user: string): readonly string[] {
  if (user === "system:anonymous") {
    return ["system:unauthenticated"];
  }
  const namespace = SERVICE_ACCOUNT.exec(user)?.[1];
  if (namespace !== undefined) {
    return ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"];
  }
  return NODE.test(user) ? ["system:nodes", "system:authenticated"] : ["system:authenticated"];
}

/** A user that is in this group by its name, if only such users are. */
export function memberOf(group: string): string | undefined {
  const namespace = /^system:serviceaccounts:(.+)$/.exec(group)?.[1];
  if (namespace !== undefined) {
    return `system:serviceaccount:${namespace}:default`;
  }
  switch (group) {
    case "system:nodes":
      return "system:node:node-1";
    case "system:serviceaccounts":
      return "system:serviceaccount:default:default";
    case "system:unauthenticated":
      return "system:anonymous";
    default:
      return undefined;
  }
}

/** Users of each kind that there is in every cluster. */
export const KINDS_OF_USERS: readonly string[] = [
  "jane",
  "system:anonymous",
  "system:serviceaccount:shop:web",
  "system:node:node-1",
];
