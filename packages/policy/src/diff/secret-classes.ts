import { isLevelBelow } from "@auditsieve/audit";
import type { Level } from "@auditsieve/audit";
import type { Recording } from "./decision-change.ts";

/** Requests whose bodies hold secrets. */
export interface SecretClass {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  /** The level up to which nothing secret is written, then each one from which on there is more. */
  readonly safe: readonly Level[];
}

/**
 * What holds values of secrets or tokens that work: requests of writes and answers of reads. The answer to a patch
 * holds the whole secret, of which its request has a part.
 */
export const SECRET_CLASSES: readonly SecretClass[] = [
  ...["create", "update"].map((verb) => secretClass(verb, "", "secrets", "", ["Metadata"])),
  secretClass("patch", "", "secrets", "", ["Metadata", "Request"]),
  ...["get", "list", "delete", "deletecollection"].map((verb) => secretClass(verb, "", "secrets", "", ["Request"])),
  secretClass("create", "", "serviceaccounts", "token", ["Request"]),
  secretClass("create", "authentication.k8s.io", "tokenreviews", "", ["Metadata"]),
];

/** Whether more of the secrets is written than before. */
export function holdsMoreSecrets({ safe }: SecretClass, from: Recording, to: Recording): boolean {
  return safe.some((level) => !isAbove(from, level) && isAbove(to, level));
}

/** Bodies come with the stage ResponseComplete (with a panic too, which no one can count on). */
function isAbove({ level, omitStages }: Recording, safe: Level): boolean {
  return isLevelBelow(safe, level) && !omitStages.includes("ResponseComplete");
}

function secretClass(
  verb: string,
  group: string,
  resource: string,
  subresource: string,
  safe: readonly Level[],
): SecretClass {
  return { verb, group, resource, subresource, safe };
}
