import { breakText, dressText } from "./fuzz-text.suite.ts";
import type { Random } from "./fuzz-random.suite.ts";
import { writeDocument } from "./fuzz-write.suite.ts";
import type { Nature, Plain } from "./fuzz-write.suite.ts";

/** Words that rules and requests draw from, so that they meet. */
export const WORDS = {
  users: ["system:kube-proxy", "alice", "", "system:serviceaccount:kube-system:gc", "system:anonymous", "*"],
  groups: ["system:nodes", "system:masters", "system:authenticated", "dev", "", "*"],
  verbs: ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "*", "GET", "", "post"],
  apiGroups: ["", "apps", "rbac.authorization.k8s.io", "metrics.k8s.io", "*"],
  resources: [
    ["pods", "pods/*", "pods/exec", "pods/status", "*/status", "*/*", "*", "secrets", "configmaps", "nodes/proxy"],
    ["", "Pods", "pods/", "/", "/*", "*/", "a/b/c", "deployments", "deployments/scale", "serviceaccounts/token"],
  ].flat(),
  names: ["web", "controller-leader", "", "*", "a.b"],
  namespaces: ["default", "kube-system", "", "*", "kube-*"],
  urls: ["/healthz", "/healthz*", "/healthz/*", "/api*", "/", "*", "/*", "/version", "/metrics", "/openapi/v3"],
  levels: ["None", "Metadata", "Request", "RequestResponse"],
  stages: ["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"],
} as const;

/** What stands where something else should: YAML 1.1 words, numbers, nulls, other kinds. */
const ODD: readonly Plain[] = [
  [null, true, false, 0, 1, -1, 1.5, 1e21, "", "yes", "no", "on", "~", "null", "0x10", "010", "1_000", "1e3"],
  [".inf", "2001-01-01", "=", "<<", "a: b", "# c", "- x", "'", '"', "\\", "\t", "é", "\u{1F600}", "\u0085x", "a\nb"],
  [[], {}, [[]], [null], { a: 1 }, [{ b: [] }], "!", "&", "*", "|", ">", "%", "@", "`", "?", ":", "-", "---", "..."],
].flat(1) as Plain[];
const BAD_LEVELS = ["metadata", "Nome", "REQUEST", " None", "Request ", "Everything"];
const BAD_URLS = ["healthz", "", "/a*b", "/a**", "**", "a*", "*a"];
const BAD_GROUPS = ["apps/v1", "Apps", "apps*", "-a", "a..b", "a".repeat(254), "*.k8s.io"];
const BAD_STAGES = ["requestReceived", "", "Complete"];
const UNKNOWN = [
  "verb",
  "nonResourceUrls",
  "userGroup",
  "resource",
  "omitStage",
  "Level",
  "stream",
  "RULES",
  "x-y",
  "1",
];
const TYPES: readonly (readonly [Plain, Plain])[] = [
  ...(["v1beta1", "v1alpha1", "v2", "__internal", "", "v1/x"] as const).map(
    (v) => [`audit.k8s.io/${v}`, "Policy"] as const,
  ),
  ...(["Event", "PolicyList", "EventList", "policy", "ListOptions", "Status"] as const).map(
    (k) => ["audit.k8s.io/v1", k] as const,
  ),
  ...([
    ["v1", "Policy"],
    ["v1", "Status"],
    ["", ""],
    [null, null],
    [1, "Policy"],
    ["audit.k8s.io/v1", ["Policy"]],
  ] as const),
  ...([
    ["apps/v1", "Policy"],
    ["/", "Policy"],
    ["/v1", "Policy"],
    ["audit.k8s.io", "Policy"],
    ["a/b/c", "Policy"],
  ] as const),
];

type PlainMap = { [key: string]: Plain };

/** The text of a random policy. */
export function randomPolicy(random: Random): { readonly nature: Nature; readonly text: string } {
  const roll = random.next();
  const nature: Nature = roll < 0.6 ? "valid" : roll < 0.78 ? "nearly valid" : roll < 0.9 ? "hostile" : "broken";
  const policy = soundPolicy(random);
  if (nature === "nearly valid") {
    misspell(random, policy);
  }
  const faults = nature === "hostile" ? 1 + random.below(3) : 0;
  for (let fault = 0; fault < faults; fault++) {
    distort(random, policy);
  }
  const text = writeDocument(random, policy, nature);
  return { nature, text: nature === "broken" ? breakText(random, text) : dressText(random, text, nature) };
}

function soundPolicy(random: Random): PlainMap {
  const policy: PlainMap = { apiVersion: "audit.k8s.io/v1", kind: "Policy" };
  if (random.chance(0.3)) {
    policy["metadata"] = random.chance(0.5) ? { name: "p", labels: { a: "b" } } : { creationTimestamp: null };
  }
  if (random.chance(0.4)) {
    policy["omitStages"] = random.some(WORDS.stages);
  }
  if (random.chance(0.3)) {
    policy["omitManagedFields"] = random.chance(0.5);
  }
  policy["rules"] = Array.from({ length: 1 + random.below(6) }, () => soundRule(random));
  return policy;
}

function soundRule(random: Random): PlainMap {
  const rule: PlainMap = { level: random.pick(WORDS.levels) };
  const maybe = (key: string, words: readonly string[], chance: number): void => {
    if (random.chance(chance)) {
      rule[key] = random.chance(0.05) ? [] : random.some(words);
    }
  };
  maybe("users", WORDS.users, 0.25);
  maybe("userGroups", WORDS.groups, 0.2);
  maybe("verbs", WORDS.verbs, 0.35);
  maybe("omitStages", WORDS.stages, 0.25);
  if (random.chance(0.2)) {
    rule["omitManagedFields"] = random.chance(0.5);
  }
  if (random.chance(0.25)) {
    maybe("nonResourceURLs", WORDS.urls, 1);
  } else {
    maybe("namespaces", WORDS.namespaces, 0.2);
    if (random.chance(0.6)) {
      rule["resources"] = Array.from({ length: 1 + random.below(2) }, () => soundResources(random));
    }
  }
  return rule;
}

function soundResources(random: Random): PlainMap {
  const entry: PlainMap = {};
  if (random.chance(0.8)) {
    entry["group"] = random.pick(WORDS.apiGroups);
  }
  if (random.chance(0.85)) {
    entry["resources"] = random.some(WORDS.resources);
    if (random.chance(0.25)) {
      entry["resourceNames"] = random.some(WORDS.names);
    }
  }
  return entry;
}

/** One thing that the validation or the strict decoder complains of. */
function misspell(random: Random, policy: PlainMap): void {
  const rule = randomRule(random, policy);
  const faults: readonly (() => void)[] = [
    () => (rule["level"] = random.pick(BAD_LEVELS)),
    () => delete rule["level"],
    () => (rule["nonResourceURLs"] = random.some(BAD_URLS)),
    () => (rule["resources"] = [{ group: random.pick(BAD_GROUPS), resources: ["pods"] }, { resourceNames: ["a"] }]),
    () => (rule["omitStages"] = random.some([...BAD_STAGES, ...WORDS.stages])),
    () => Object.assign(rule, { nonResourceURLs: ["/x"], namespaces: ["a"] }),
    () => (rule[random.pick(UNKNOWN)] = oddValue(random)),
    () => (policy[random.pick(UNKNOWN)] = oddValue(random)),
    () => (policy["rules"] = random.pick([[], null, [{}], [null]])),
    () => ([policy["apiVersion"], policy["kind"]] = random.pick(TYPES) as [Plain, Plain]),
    () => delete policy[random.pick(["apiVersion", "kind"])],
  ];
  random.pick(faults)();
}

/** Puts something odd in a random place. */
function distort(random: Random, policy: PlainMap): void {
  const rule = randomRule(random, policy);
  const odd = oddValue(random);
  const places: readonly (() => void)[] = [
    () => (rule[random.pick(["level", "users", "verbs", "resources", "omitManagedFields", "nonResourceURLs"])] = odd),
    () => (rule[random.pick(["users", "verbs", "namespaces", "userGroups"])] = [oddValue(random), odd]),
    () => (rule["resources"] = [{ group: odd, resources: [oddValue(random)] }]),
    () => (rule["resources"] = [odd]),
    () => (policy[random.pick(["rules", "omitStages", "omitManagedFields", "metadata", "kind"])] = odd),
    () => (policy["rules"] = [odd, rule]),
    () => (policy["metadata"] = { name: odd, annotations: { x: odd } }),
    // No times that are nearly right: what Go says of those is not reproduced.
    () => (policy["metadata"] = { creationTimestamp: random.pick(["", "soon", null, true, []]) }),
    () => (policy[random.pick(UNKNOWN)] = { [typeof odd === "string" ? odd : "x"]: oddValue(random) }),
  ];
  random.pick(places)();
}

function randomRule(random: Random, policy: PlainMap): PlainMap {
  const rules = Array.isArray(policy["rules"]) ? policy["rules"] : [];
  const rule = rules.length > 0 ? random.pick(rules) : undefined;
  return typeof rule === "object" && rule !== null && !Array.isArray(rule) ? rule : {};
}

/** A value of its own each time: what is distorted once may be distorted again. */
function oddValue(random: Random): Plain {
  return structuredClone(random.pick(ODD));
}
