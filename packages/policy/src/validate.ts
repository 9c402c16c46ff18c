import { goJsonString, goQuote, LEVELS, STAGES } from "@auditsieve/audit";
import { DEFAULT_KUBERNETES_VERSION, isGroupWildcardAllowed } from "./kubernetes-version.ts";
import type { GroupResources, Policy, PolicyRule } from "./policy.ts";

/** One complaint of the apiserver's validation. */
export interface FieldError {
  /** As upstream prints it: for `resources` it names no index. */
  readonly path: string;
  /** Where it really is. */
  readonly steps: readonly (string | number)[];
  /** The whole line, verbatim: path, kind of error, value, detail. */
  readonly text: string;
}

const MAX_GROUP_LENGTH = 253;
const LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const SUBDOMAIN = new RegExp(`^${LABEL}(\\.${LABEL})*$`);
const NO_SUBDOMAIN =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', " +
  "and must start and end with an alphanumeric character " +
  `(e.g. 'example.com', regex used for validation is '${LABEL}(\\.${LABEL})*')`;

/**
 * All errors of a policy, in the apiserver's order and words. `policy` may hold any strings: this is what decides
 * whether they are levels and stages.
 *
 * @see https://github.com/kubernetes/apiserver/blob/v0.37.2/pkg/apis/audit/validation/validation.go
 * @example
 * const [error] = validatePolicy({ rules: [{ level: "None", nonResourceURLs: ["healthz"] }] });
 * assert.equal(error?.path, "rules[0].nonResourceURLs[0]");
 */
export function validatePolicy(
  policy: Policy,
  kubernetesVersion: string = DEFAULT_KUBERNETES_VERSION,
): readonly FieldError[] {
  return [
    ...validateOmitStages(policy.omitStages, "omitStages", ["omitStages"]),
    ...policy.rules.flatMap((rule, index) => validateRule(rule, index, kubernetesVersion)),
  ];
}

/** How Go prints several errors as one: `[e1, e2]`, each once. */
export function aggregate(errors: readonly FieldError[]): string {
  const texts = [...new Set(errors.map(({ text }) => text))];
  return texts.length === 1 ? (texts[0] ?? "") : `[${texts.join(", ")}]`;
}

function validateRule(rule: PolicyRule, index: number, kubernetesVersion: string): FieldError[] {
  const path = `rules[${index}]`;
  const steps = ["rules", index];
  const { nonResourceURLs = [], resources = [], namespaces = [] } = rule;
  const errors = [
    ...validateLevel(rule.level, `${path}.level`, [...steps, "level"]),
    ...validateNonResourceURLs(nonResourceURLs, `${path}.nonResourceURLs`, [...steps, "nonResourceURLs"]),
    ...resources.flatMap((entry, at) =>
      validateGroupResources(entry, `${path}.resources`, [...steps, "resources", at], kubernetesVersion),
    ),
    ...validateOmitStages(rule.omitStages, `${path}.omitStages`, [...steps, "omitStages"]),
  ];
  if (nonResourceURLs.length > 0 && (resources.length > 0 || namespaces.length > 0)) {
    const detail = "rules cannot apply to both regular resources and non-resource URLs";
    errors.push(
      invalid(`${path}.nonResourceURLs`, [...steps, "nonResourceURLs"], goJsonStrings(nonResourceURLs), detail),
    );
  }
  return errors;
}

function validateLevel(level: string, path: string, steps: FieldError["steps"]): FieldError[] {
  if (level === "") {
    return [{ path, steps, text: `${path}: Required value` }];
  }
  if ((LEVELS as readonly string[]).includes(level)) {
    return [];
  }
  const supported = LEVELS.map((name) => `"${name}"`).join(", ");
  return [{ path, steps, text: `${path}: Unsupported value: ${goJsonString(level)}: supported values: ${supported}` }];
}

function validateNonResourceURLs(urls: readonly string[], path: string, steps: FieldError["steps"]): FieldError[] {
  return urls.flatMap((url, index) => {
    const errors: FieldError[] = [];
    const at = `${path}[${index}]`;
    if (url !== "*" && !url.startsWith("/")) {
      const detail = "non-resource URL rules must begin with a '/' character";
      errors.push(invalid(at, [...steps, index], goQuote(url), detail));
    }
    if (url.slice(0, -1).includes("*")) {
      const detail = "non-resource URL wildcards '*' must be the final character of the rule";
      errors.push(invalid(at, [...steps, index], goQuote(url), detail));
    }
    return errors;
  });
}

function validateGroupResources(
  { group = "", resources = [], resourceNames = [] }: GroupResources,
  path: string,
  steps: FieldError["steps"],
  kubernetesVersion: string,
): FieldError[] {
  const errors: FieldError[] = [];
  const isWildcard = group === "*" && isGroupWildcardAllowed(kubernetesVersion);
  if (group !== "" && !isWildcard) {
    const details = [
      ...(Buffer.byteLength(group) > MAX_GROUP_LENGTH ? [`must be no more than ${MAX_GROUP_LENGTH} characters`] : []),
      ...(SUBDOMAIN.test(group) ? [] : [NO_SUBDOMAIN]),
    ];
    if (details.length > 0) {
      errors.push(invalid(`${path}.group`, [...steps, "group"], goQuote(group), details.join(",")));
    }
  }
  if (resourceNames.length > 0 && resources.length === 0) {
    const detail = "using resourceNames requires at least one resource";
    errors.push(invalid(`${path}.resourceNames`, [...steps, "resourceNames"], goJsonStrings(resourceNames), detail));
  }
  return errors;
}

function validateOmitStages(
  stages: readonly string[] | undefined,
  path: string,
  steps: FieldError["steps"],
): FieldError[] {
  return (stages ?? []).flatMap((stage, index) =>
    (STAGES as readonly string[]).includes(stage)
      ? []
      : [invalid(`${path}[${index}]`, [...steps, index], goQuote(stage), `allowed stages are ${STAGES.join(",")}`)],
  );
}

function invalid(path: string, steps: FieldError["steps"], value: string, detail: string): FieldError {
  return { path, steps, text: `${path}: Invalid value: ${value}: ${detail}` };
}

function goJsonStrings(values: readonly string[]): string {
  return `[${values.map(goJsonString).join(",")}]`;
}
