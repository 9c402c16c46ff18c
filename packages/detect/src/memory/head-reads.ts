import { isJsonObject, own } from "@auditsieve/audit";
import type { JsonValue } from "@auditsieve/audit";
import type { HeadView } from "../reading/head-view.ts";
import { CREDENTIAL_ID, useKey } from "./credential-ledger.ts";

/** Users and groups that the request is made as, impersonated ones too. */
export function namesOf(head: HeadView): readonly string[] {
  const fields = ["user.username", "user.groups", "impersonatedUser.username", "impersonatedUser.groups"] as const;
  return fields.flatMap((field) => head.get(field) ?? []).filter((name): name is string => typeof name === "string");
}

/** What the authorizer says why it allowed the request. */
export function reasonOf(head: HeadView): string | undefined {
  const annotations = head.get("annotations");
  const reason = isJsonObject(annotations) ? own(annotations, "authorization.k8s.io/reason") : undefined;
  return typeof reason === "string" ? reason : undefined;
}

/** The credential and the address that a request comes from, as the ledger asks for them; undefined where there is none. */
export function useOf(head: HeadView): string | undefined {
  const id = credentialId(head);
  return id === undefined ? undefined : useKey(id, lastAddress(head));
}

/** The id of the credential that the request was made with. */
export function credentialId(head: HeadView): string | undefined {
  const ids = head.get(`user.extra.${CREDENTIAL_ID}`);
  const id = Array.isArray(ids) ? (ids as readonly JsonValue[])[0] : ids;
  return typeof id === "string" && id !== "" ? id.slice(0, 256) : undefined;
}

/** The address that the apiserver itself saw: those before it a client may have claimed. */
export function lastAddress(head: HeadView): string {
  const addresses = head.get("sourceIPs");
  const last = Array.isArray(addresses) ? (addresses as readonly JsonValue[]).at(-1) : undefined;
  return typeof last === "string" ? last.slice(0, 64) : "";
}

/** Every address of the event, the last ones where there are very many. */
export function addressesOf(head: HeadView): readonly string[] {
  const addresses = head.get("sourceIPs");
  return (Array.isArray(addresses) ? (addresses as readonly JsonValue[]) : [])
    .slice(-16)
    .filter((address) => typeof address === "string")
    .map((address) => address.slice(0, 64));
}
