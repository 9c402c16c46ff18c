export { GrantedAccessVisitor } from "./granted-access.ts";
export type { Identity, LetPass, Membership } from "./let-pass.ts";
export { leastPrivilege } from "./least-privilege.ts";
export type { LeastPrivilege } from "./least-privilege.ts";
export { RightsAtVisitor } from "./rights-at.ts";
export type { BindingAt, RightsAt, RightsQuestion } from "./rights-at.ts";
export { UsedAccessVisitor } from "./used-access.ts";
export type { AccessCount, UsedAccess } from "./used-access.ts";
export { writeManifests } from "./write-manifests.ts";
