import { DEFAULT_KUBERNETES_VERSION } from "./kubernetes-version.ts";
import { readGoYaml } from "@auditsieve/audit";
import type { JsonValue, Position, SourceNode } from "@auditsieve/audit";
import { decodeGo } from "./go-decode.ts";
import type { GoData, StrictError } from "./go-decode.ts";
import { readGoJson } from "./go-json.ts";
import { resolvePolicyKind } from "./policy-kind.ts";
import { POLICY_INTERNAL, POLICY_V1 } from "./policy-schema.ts";
import type { Policy } from "./policy.ts";
import { sourceOf } from "./policy-source.ts";
import type { PolicySource } from "./policy-source.ts";
import { aggregate, validatePolicy } from "./validate.ts";
import type { FieldError } from "./validate.ts";

/** How {@link loadPolicy} reads. */
export interface LoadOptions {
  /** Version of the apiserver that will load the policy. Default 1.37. */
  readonly kubernetesVersion?: string;
  /**
   * Whether the key `stream`, at the top and in rules, is ours: then it is not complained of, and its values are
   * returned. An apiserver ignores it with a warning.
   */
  readonly allowStream?: boolean;
}

/** What the strict decoder complains of. The apiserver logs it and starts, without the fields named. */
export interface StrictWarnings {
  /** Verbatim: `strict decoding error: unknown field "rules[0].verb"`. */
  readonly strictError: string;
  /** As the apiserver logs it. */
  readonly warning: string;
  /** The unknown fields, and for JSON the repeated ones. */
  readonly fields: readonly StrictError[];
}

/** Raw values of `stream`, if {@link LoadOptions.allowStream} asked for them; undefined where it is not given. */
export interface StreamValues {
  readonly policy: JsonValue | undefined;
  /** By rule. */
  readonly rules: readonly (JsonValue | undefined)[];
}

/** What {@link loadPolicy} gives. */
export type LoadedPolicy =
  | {
      readonly outcome: "accepted";
      readonly policy: Policy;
      readonly strict: StrictWarnings | undefined;
      readonly source: PolicySource;
      readonly stream: StreamValues | undefined;
    }
  | {
      readonly outcome: "refused";
      /** What the apiserver dies with, verbatim, without its `loading audit policy file:` and `: from file`. */
      readonly error: string;
      /** The validation's errors one by one; empty where the text could not be decoded. */
      readonly fieldErrors: readonly FieldError[];
      readonly strict: StrictWarnings | undefined;
      /** Where it failed, if that is one place. */
      readonly position: Position | undefined;
      /** Where a field stands, or what it is missing from. */
      readonly locate: (steps: FieldError["steps"]) => Position | undefined;
    };

/**
 * Loads an audit policy as kube-apiserver 1.37 does: strictly, then leniently with a warning; only the first YAML
 * document; the same policies accepted, refused ones with its own words.
 *
 * @see https://github.com/kubernetes/apiserver/blob/v0.37.2/pkg/audit/policy/reader.go
 * @example
 * const loaded = loadPolicy("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Metadata\n");
 * assert.equal(loaded.outcome, "accepted");
 */
export function loadPolicy(text: string, options: LoadOptions = {}): LoadedPolicy {
  const { kubernetesVersion = DEFAULT_KUBERNETES_VERSION, allowStream = false } = options;
  const read = readRoot(text);
  if (read.outcome === "refused") {
    return refused(`failed decoding: ${read.error}`, { position: read.position });
  }
  const kind = resolvePolicyKind(read.root, text);
  if (kind.outcome === "refused") {
    return refused(`failed decoding: ${kind.error}`, { position: read.root.position });
  }
  const decoded = decodeGo(read.root, kind.isInternal ? POLICY_INTERNAL : POLICY_V1);
  if (decoded.outcome === "refused") {
    return refused(`failed decoding: ${decoded.error}`);
  }
  const fields = allowStream ? decoded.strictErrors.filter((error) => !isStreamKey(error)) : decoded.strictErrors;
  const strict = strictWarnings(read.strictError, fields);
  const policy = toPolicy(decoded.value, kind.isInternal);
  const fieldErrors = validatePolicy(policy, kubernetesVersion);
  if (kind.isInternal) {
    const error = `unknown group version field ${kind.printed} in policy`;
    return refused(error, { fieldErrors, strict, position: read.root.position });
  }
  const source = sourceOf(read.root);
  if (fieldErrors.length > 0) {
    const position = source.locate(fieldErrors[0]?.steps ?? []);
    return refused(aggregate(fieldErrors), { fieldErrors, strict, position, locate: (steps) => source.locate(steps) });
  }
  if (policy.rules.length === 0) {
    return refused("loaded illegal policy with 0 rules", { strict, position: source.locate(["rules"]) });
  }
  const stream = allowStream ? streamValues(source, policy.rules.length) : undefined;
  return { outcome: "accepted", policy, strict, source, stream };
}

type ReadRoot =
  | { readonly outcome: "read"; readonly root: SourceNode; readonly strictError: string | undefined }
  | { readonly outcome: "refused"; readonly error: string; readonly position: Position | undefined };

/** What begins with a brace is JSON and never YAML; the spaces before it are those of Go's unicode.IsSpace. */
function readRoot(text: string): ReadRoot {
  if (!/^[\t\n\v\f\r \u0085\p{Z}]*\{/u.test(text)) {
    return readGoYaml(text);
  }
  const read = readGoJson(text);
  return read.outcome === "read"
    ? { ...read, strictError: undefined }
    : { ...read, error: `couldn't get version/kind; json parse error: ${read.error}` };
}

function refused(
  error: string,
  rest: {
    readonly [K in "fieldErrors" | "strict" | "position" | "locate"]?: (LoadedPolicy & { outcome: "refused" })[K];
  } = {},
): LoadedPolicy {
  const { fieldErrors = [], strict, position, locate = () => position } = rest;
  return { outcome: "refused", error, fieldErrors, strict, position, locate };
}

function strictWarnings(yaml: string | undefined, fields: readonly StrictError[]): StrictWarnings | undefined {
  const parts = [...(yaml === undefined ? [] : [yaml]), ...fields.map(({ text }) => text)];
  if (parts.length === 0) {
    return undefined;
  }
  const strictError = `strict decoding error: ${parts.join(", ")}`;
  const warning = `Audit policy contains errors, falling back to lenient decoding: ${strictError}`;
  return { strictError, warning, fields };
}

function isStreamKey({ kind, steps }: StrictError): boolean {
  const [first, index, key] = steps;
  const isTop = steps.length === 1 && first === "stream";
  const isOfRule = steps.length === 3 && first === "rules" && typeof index === "number" && key === "stream";
  return kind === "unknown field" && (isTop || isOfRule);
}

function streamValues(source: PolicySource, rules: number): StreamValues {
  return {
    policy: source.valueAt(["stream"]),
    rules: Array.from({ length: rules }, (_, index) => source.valueAt(["rules", index, "stream"])),
  };
}

/** From Go's structs to ours: both have the shape of the document; absent lists stay absent. */
function toPolicy(value: GoData, isInternal: boolean): Policy {
  const plain = isInternal ? lowerKeys(value) : value;
  const { rules, omitStages, omitManagedFields } = (plain ?? {}) as Record<string, GoData>;
  const policy: Record<string, unknown> = { rules: (Array.isArray(rules) ? rules : []).map(toRule) };
  if (omitStages !== undefined) {
    policy["omitStages"] = omitStages;
  }
  if (omitManagedFields !== undefined) {
    policy["omitManagedFields"] = omitManagedFields;
  }
  return policy as unknown as Policy;
}

/** A null rule is one without a level, which the validation complains of. */
function toRule(rule: GoData): unknown {
  const given = Object.entries((rule ?? {}) as Record<string, GoData>).filter(([, value]) => value !== undefined);
  const plain = given.map(([key, value]) => [
    key,
    key === "resources" && Array.isArray(value) ? value.map((entry) => ({ ...(entry as object | undefined) })) : value,
  ]);
  return { level: "", ...Object.fromEntries(plain) };
}

function lowerKeys(value: GoData): GoData {
  if (Array.isArray(value)) {
    return value.map(lowerKeys);
  }
  if (typeof value !== "object") {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key[0]?.toLowerCase() + key.slice(1), lowerKeys(inner)]),
  );
}
