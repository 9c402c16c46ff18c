import { describeRule } from "../lint/describe-rule.ts";
import type { Recording } from "./decision-change.ts";
import type { PolicyChange, Witness } from "./policy-change.ts";

/** More entries of resources than these are counted, not named. */
const MAX_ENTRIES = 6;

/**
 * The requests of a change, in words.
 *
 * @example
 * const rules = [{ level: "None", verbs: ["watch"], users: ["ann"] }, { level: "Metadata" }];
 * const [change] = diffPolicies({ rules: [{ level: "Metadata" }] }, { rules }).changes;
 * assert.equal(describeRequests(change), "watch of every request, resources and URLs alike by ann");
 */
export function describeRequests({ requests }: Pick<PolicyChange, "requests">): string {
  const { userGroups = [], resources = [], ...rest } = requests;
  const [first, second] = userGroups;
  const shown = resources.length > MAX_ENTRIES ? resources.slice(0, MAX_ENTRIES - 1) : resources;
  const described = describeRule({ level: "None", ...rest, resources: shown, ...(first && { userGroups: first }) });
  const last = shown.length > 0 ? describeRule({ level: "None", resources: shown.slice(-1) }) : "";
  const more = `${last} and ${resources.length - shown.length} more entries`;
  const words = shown === resources ? described : described.replace(last, () => more);
  return second === undefined ? words : `${words} who is in ${second.join(" or ")} too`;
}

/**
 * What is recorded, in words: `Metadata without RequestReceived`.
 *
 * @example
 * const omitStages = ["RequestReceived"];
 * assert.equal(
 *   describeRecording({ level: "Metadata", omitStages, omitManagedFields: false }),
 *   "Metadata without RequestReceived",
 * );
 */
export function describeRecording({ level, omitStages, omitManagedFields }: Recording): string {
  const without = level === "None" ? [] : [...omitStages, ...(omitManagedFields ? ["managed fields"] : [])];
  return without.length > 0 ? `${level} without ${without.join(", ")}` : level;
}

/** A request and who sends it, in words: as kubectl would send it, else as HTTP does. */
export function describeWitness({ request, http, kubectl }: Witness): string {
  const line = kubectl ?? (http === undefined ? undefined : `${http.method} ${http.uri}`);
  const { user } = request;
  const groups = user?.groups.length ? ` (${user.groups.join(", ")})` : "";
  const name = user?.name === "" ? "a user without a name" : user?.name;
  return `${line ?? JSON.stringify(request)} ${user === undefined ? "after a failed login" : `as ${name}${groups}`}`;
}
