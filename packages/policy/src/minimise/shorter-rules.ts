import type { PolicyRule } from "../policy.ts";

/** A rule with one value less, and which it was. */
export interface ShorterRule {
  readonly rule: PolicyRule;
  readonly field: string;
  readonly value: string;
}

/** All rules that have one value less in one list. A list is never emptied: an empty one matches everything. */
export function shorterRules(rule: PolicyRule): readonly ShorterRule[] {
  const plain = (["users", "userGroups", "verbs", "namespaces", "nonResourceURLs"] as const).flatMap((field) =>
    withoutEach(rule[field]).map(({ rest, value }) => ({ rule: { ...rule, [field]: rest }, field, value })),
  );
  const { resources = [] } = rule;
  const entries = withoutEach(resources).map(({ rest, value }, at) => ({
    rule: { ...rule, resources: rest },
    field: `resources[${at}]`,
    value: `group ${JSON.stringify(value.group ?? "")}`,
  }));
  const within = resources.flatMap((entry, at) =>
    (["resources", "resourceNames"] as const).flatMap((field) =>
      withoutEach(entry[field]).map(({ rest, value }) => ({
        rule: { ...rule, resources: resources.with(at, { ...entry, [field]: rest }) },
        field: `resources[${at}].${field}`,
        value,
      })),
    ),
  );
  return [...entries, ...plain, ...within];
}

function withoutEach<T>(
  values: readonly T[] | undefined,
): readonly { readonly rest: readonly T[]; readonly value: T }[] {
  return values === undefined || values.length < 2
    ? []
    : values.map((value, at) => ({ rest: values.toSpliced(at, 1), value }));
}
