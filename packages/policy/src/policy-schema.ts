import type { GoField, GoStruct, GoType } from "./go-decode.ts";

const string: GoType = { kind: "string", name: "string" };
const bool: GoType = { kind: "bool", name: "bool" };
const int64: GoType = { kind: "int64", name: "int64" };
const time: GoType = { kind: "time", name: "v1.Time" };

/**
 * The Go types that an audit policy is decoded into, as far as messages name them.
 *
 * @see https://github.com/kubernetes/apiserver/blob/v0.37.2/pkg/apis/audit/v1/types.go
 * @see https://github.com/kubernetes/apimachinery/blob/v0.37.2/pkg/apis/meta/v1/types.go
 */
const objectMeta = struct("v1.ObjectMeta", {
  name: string,
  generateName: string,
  namespace: string,
  selfLink: string,
  uid: { kind: "string", name: "types.UID" },
  resourceVersion: string,
  generation: int64,
  creationTimestamp: time,
  deletionTimestamp: pointer(time),
  deletionGracePeriodSeconds: pointer(int64),
  labels: { kind: "map", name: "map[string]string", element: string },
  annotations: { kind: "map", name: "map[string]string", element: string },
  ownerReferences: slice(
    struct("v1.OwnerReference", {
      apiVersion: string,
      kind: string,
      name: string,
      uid: { kind: "string", name: "types.UID" },
      controller: pointer(bool),
      blockOwnerDeletion: pointer(bool),
    }),
  ),
  finalizers: slice(string),
  managedFields: slice(
    struct("v1.ManagedFieldsEntry", {
      manager: string,
      operation: { kind: "string", name: "v1.ManagedFieldsOperationType" },
      apiVersion: string,
      time: pointer(time),
      fieldsType: string,
      fieldsV1: { kind: "any", name: "v1.FieldsV1" },
      subresource: string,
    }),
  ),
});

const typeMeta: Readonly<Record<string, GoField>> = {
  kind: { type: string, embedded: "TypeMeta" },
  apiVersion: { type: string, embedded: "TypeMeta" },
};

/** What a document of apiVersion audit.k8s.io/v1 is decoded into. */
export const POLICY_V1: GoStruct = {
  kind: "struct",
  name: "v1.Policy",
  fields: { ...typeMeta, metadata: { type: objectMeta }, ...policyFields("v1", (name) => name) },
};

/** What a document without apiVersion is decoded into: Go's internal type, whose fields are in capitals. */
export const POLICY_INTERNAL: GoStruct = {
  kind: "struct",
  name: "audit.Policy",
  fields: {
    ...typeMeta,
    ...Object.fromEntries(
      Object.entries(objectMeta.fields).map(([name, { type }]) => [name, { type, embedded: "ObjectMeta" }]),
    ),
    ...policyFields("audit", (name) => name[0]?.toUpperCase() + name.slice(1)),
  },
};

function policyFields(pkg: string, spell: (name: string) => string): Record<string, GoField> {
  const stages = slice({ kind: "string", name: `${pkg}.Stage` });
  const named = (fields: Readonly<Record<string, GoType>>): Record<string, GoField> =>
    Object.fromEntries(Object.entries(fields).map(([name, type]) => [spell(name), { type }]));
  const groupResources: GoType = {
    kind: "struct",
    name: `${pkg}.GroupResources`,
    fields: named({ group: string, resources: slice(string), resourceNames: slice(string) }),
  };
  const rule: GoType = {
    kind: "struct",
    name: `${pkg}.PolicyRule`,
    fields: named({
      level: { kind: "string", name: `${pkg}.Level` },
      users: slice(string),
      userGroups: slice(string),
      verbs: slice(string),
      resources: slice(groupResources),
      namespaces: slice(string),
      nonResourceURLs: slice(string),
      omitStages: stages,
      omitManagedFields: pointer(bool),
    }),
  };
  return named({ rules: slice(rule), omitStages: stages, omitManagedFields: bool });
}

function struct(name: string, fields: Readonly<Record<string, GoType>>): GoStruct {
  return {
    kind: "struct",
    name,
    fields: Object.fromEntries(Object.entries(fields).map(([key, type]) => [key, { type }])),
  };
}

function slice(element: GoType): GoType {
  return { kind: "slice", name: `[]${element.name}`, element };
}

function pointer(element: GoType): GoType {
  return { kind: "pointer", name: `*${element.name}`, element };
}
