import type { GrantedBy } from "../facts/rights.ts";
import type { RbacObject, Subject } from "./rbac-object.ts";

/** The binding that an authorizer named, as far as its reason tells it: with the role, and one of the subjects. */
export function bindingOfReason({ kind, binding, roleKind, role, subject }: GrantedBy): RbacObject {
  const slash = kind === "RoleBinding" ? binding.lastIndexOf("/") : -1;
  const place =
    slash === -1
      ? { namespace: undefined, name: binding }
      : { namespace: binding.slice(slash + 1), name: binding.slice(0, slash) };
  return { kind, ...place, role: { kind: roleKind, name: role }, subjects: subjectOf(subject), rules: [], created: "" };
}

/** `ServiceAccount "web/shop"` as reasons have it: name first. */
function subjectOf(text: string): readonly Subject[] {
  const [, kind, name = ""] = /^(User|Group|ServiceAccount) "(.*)"$/s.exec(text) ?? [];
  if (kind === undefined) {
    return [];
  }
  const slash = kind === "ServiceAccount" ? name.lastIndexOf("/") : -1;
  return [
    { kind, namespace: slash === -1 ? "" : name.slice(slash + 1), name: slash === -1 ? name : name.slice(0, slash) },
  ];
}
