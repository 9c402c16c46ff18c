import type { OracleRequest } from "../../../test/engines/policy-oracle/policy-oracle.ts";
import { WORDS } from "./fuzz-policy.suite.ts";
import type { Random } from "./fuzz-random.suite.ts";

/** A random request, of the words that policies are made of. */
export function randomRequest(random: Random): OracleRequest {
  const who = random.chance(0.06)
    ? { noUser: true }
    : { user: random.pick(WORDS.users), groups: random.chance(0.2) ? [] : random.some(WORDS.groups) };
  const verb = random.pick(WORDS.verbs);
  if (random.chance(0.3)) {
    const path = random.chance(0.8)
      ? random.pick(WORDS.urls)
      : random.pick(["/healthzz", "/healthz/etcd", "/apis", ""]);
    return { ...who, verb: random.chance(0.7) ? "get" : verb, path, isResourceRequest: false };
  }
  const [resource = "", ...rest] = random.pick(WORDS.resources).split("/");
  return {
    ...who,
    verb,
    isResourceRequest: true,
    apiGroup: random.pick(WORDS.apiGroups),
    apiVersion: "v1",
    resource,
    subresource: random.chance(0.7) ? rest.join("/") : random.pick(["status", "exec", "scale", ""]),
    namespace: random.pick(WORDS.namespaces),
    name: random.pick(WORDS.names),
    path: random.pick(WORDS.urls),
  };
}
