import { keyTable } from "./json/key-table.ts";
import type { KeyTable } from "./json/key-table.ts";

/** The fields of an audit event whose place `EventScan` finds. The number is the field's slot. */
export const FIELD = {
  kind: 0,
  apiVersion: 1,
  level: 2,
  auditID: 3,
  stage: 4,
  requestURI: 5,
  verb: 6,
  user: 7,
  impersonatedUser: 8,
  sourceIPs: 9,
  userAgent: 10,
  objectRef: 11,
  responseStatus: 12,
  requestObject: 13,
  responseObject: 14,
  requestReceivedTimestamp: 15,
  stageTimestamp: 16,
  annotations: 17,
  "user.username": 18,
  "user.uid": 19,
  "user.groups": 20,
  "user.extra": 21,
  "impersonatedUser.username": 22,
  "impersonatedUser.uid": 23,
  "impersonatedUser.groups": 24,
  "impersonatedUser.extra": 25,
  "objectRef.resource": 26,
  "objectRef.namespace": 27,
  "objectRef.name": 28,
  "objectRef.uid": 29,
  "objectRef.apiGroup": 30,
  "objectRef.apiVersion": 31,
  "objectRef.resourceVersion": 32,
  "objectRef.subresource": 33,
  "responseStatus.code": 34,
} as const;

/** A field that `EventScan` finds, in audit spelling. */
export type Field = keyof typeof FIELD;

export const SLOT_COUNT = 35;
/** Value forms a field may have; anything else (null counts as absent) makes the line undecidable. */
export const FORM = { string: 1, object: 2, list: 3, number: 4, any: 5 } as const;

export const FORMS: Uint8Array = new Uint8Array(SLOT_COUNT).fill(FORM.string);
for (const field of ["user", "impersonatedUser", "objectRef", "responseStatus", "annotations"] as const) {
  FORMS[FIELD[field]] = FORM.object;
}
for (const field of ["user.extra", "impersonatedUser.extra"] as const) {
  FORMS[FIELD[field]] = FORM.object;
}
for (const field of ["sourceIPs", "user.groups", "impersonatedUser.groups"] as const) {
  FORMS[FIELD[field]] = FORM.list;
}
FORMS[FIELD.requestObject] = FORM.any;
FORMS[FIELD.responseObject] = FORM.any;
FORMS[FIELD["responseStatus.code"]] = FORM.number;

export const TOP: KeyTable = keyTable(fieldsBelow(""));
/** Keys of the four objects that are looked into, by slot of the object. */
export const NESTED: readonly (KeyTable | undefined)[] = Array.from({ length: SLOT_COUNT }, (_, slot) => {
  const parent = (Object.keys(FIELD) as Field[]).find((field) => FIELD[field] === slot);
  const keys = fieldsBelow(`${parent}.`);
  return Object.keys(keys).length > 0 ? keyTable(keys) : undefined;
});

function fieldsBelow(prefix: string): Record<string, number> {
  const below: Record<string, number> = {};
  for (const field of Object.keys(FIELD) as Field[]) {
    const name = field.startsWith(prefix) ? field.slice(prefix.length) : "";
    if (name !== "" && !name.includes(".")) {
      below[name] = FIELD[field];
    }
  }
  return below;
}

/** Name of the field in a slot. */
export function nameOf(slot: number): string | undefined {
  return Object.keys(FIELD)[slot];
}
