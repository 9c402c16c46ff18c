/** Who has not logged in. */
export const ANONYMOUS = "system:anonymous";
/** Everyone who has. */
export const AUTHENTICATED = "system:authenticated";
/** The group of the anonymous user. */
export const UNAUTHENTICATED = "system:unauthenticated";

/**
 * The groups that the apiserver gives a user of this name, or that such a user is usually in.
 *
 * @example
 * assert.deepEqual(usualGroups("system:node:a"), ["system:nodes", "system:authenticated"]);
 */
export function usualGroups(user: string): readonly string[] {
  if (user === ANONYMOUS) {
    return [UNAUTHENTICATED];
  }
  const serviceAccount = /^system:serviceaccount:([^:]+):[^:]+$/.exec(user);
  if (serviceAccount !== null) {
    return ["system:serviceaccounts", `system:serviceaccounts:${serviceAccount[1]}`, AUTHENTICATED];
  }
  return user.startsWith("system:node:") ? ["system:nodes", AUTHENTICATED] : [AUTHENTICATED];
}
