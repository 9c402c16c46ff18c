import { DEFAULT_KUBERNETES_VERSION } from "../kubernetes-version.ts";
import { isLevelBelow } from "@auditsieve/audit";
import type { Level, Need, RequestAttributes } from "@auditsieve/audit";
import { evaluate } from "../evaluate.ts";
import type { Policy } from "../policy.ts";
import { partsOfClass } from "./class-parts.ts";
import type { ClassPart } from "./class-parts.ts";
import { witnessesOf } from "./witnesses.ts";
import type { CoverageWitness } from "./witnesses.ts";

/** What a policy writes of the requests that a detection is about. */
export type CoverageAnswer = "sees" | "partly" | "without body" | "blind";

/** What a policy writes of one request: all that the need asks for, too little, or no event. */
export type Visibility = "seen" | "without body" | "hidden";

/** Requests that one rule shows or hides alike. */
export interface CoveragePart {
  readonly visibility: Visibility;
  /** Index of the rule that decides; null: no rule matches. */
  readonly rule: number | null;
  readonly level: Level;
  /** Such a request, confirmed by the evaluator. */
  readonly witness: RequestAttributes;
  /** The names that the part is limited to, at most 20; undefined: not by names. */
  readonly users: readonly string[] | undefined;
  /** The groups that it is limited to. */
  readonly groups: readonly string[];
}

/** Coverage of one of a detection's needs. */
export interface NeedCoverage {
  readonly need: Need;
  readonly answer: CoverageAnswer;
  /** One for each rule and visibility: seen first. */
  readonly parts: readonly CoveragePart[];
}

/** Coverage of a detection. */
export interface Coverage {
  readonly answer: CoverageAnswer;
  readonly needs: readonly NeedCoverage[];
}

/** What {@link coverNeeds} takes beside the policy and the needs. */
export interface CoverageOptions {
  /** Default 1.37. */
  readonly kubernetesVersion?: string;
  /**
   * The level at which a request like this one could be a hit, as far as its head says; undefined where it can be none. Needs know
   * verbs and resources; a detection may also ask who it was, and read a body of some requests only: what it can never hit on hides
   * nothing from it. Default: every request could be a hit at the need's level.
   */
  readonly levelToHit?: (witness: CoverageWitness) => Level | undefined;
}

/**
 * What a policy writes of what a detection needs: exactly, over all requests of its classes, whoever sends them.
 *
 * @example
 * const policy = { rules: [{ level: "None", users: ["robot"] }, { level: "Metadata" }] };
 * const need = { request: { verbs: ["get"], resources: ["secrets"] }, stages: ["ResponseComplete"], level: "Metadata", fields: [] };
 * const coverage = coverNeeds(policy, [need]);
 * assert.equal(coverage.answer, "partly");
 * assert.deepEqual(coverage.needs[0].parts.find(({ visibility }) => visibility === "hidden").users, ["robot"]);
 */
export function coverNeeds(policy: Policy, needs: readonly Need[], options: CoverageOptions = {}): Coverage {
  const covered = needs.map((need) => coverNeed(policy, need, options));
  return { answer: together(covered.map(({ answer }) => answer)), needs: covered };
}

/** What the policy writes of this request, measured by what the need asks for; `level` where it is less than the need's. */
export function visibilityOf(
  policy: Policy,
  need: Need,
  request: RequestAttributes,
  levelToHit: Level = need.level,
): Visibility {
  const { level, omitStages } = evaluate(policy, request);
  if (level === "None" || need.stages.every((stage) => omitStages.includes(stage))) {
    return "hidden";
  }
  return isLevelBelow(level, need.level) && isLevelBelow(level, levelToHit) ? "without body" : "seen";
}

function coverNeed(
  policy: Policy,
  need: Need,
  { kubernetesVersion = DEFAULT_KUBERNETES_VERSION, levelToHit }: CoverageOptions,
): NeedCoverage {
  const groups = new Map<string, { readonly part: CoveragePart; readonly users: Set<string> | undefined }>();
  for (const part of partsOfClass(policy, need.request, kubernetesVersion)) {
    for (const witness of witnessesOf(part.cell, part.region)) {
      const level = levelToHit === undefined || need.earlier === true ? need.level : levelToHit(witness);
      if (level === undefined) {
        continue;
      }
      const { request } = witness;
      const visibility = visibilityOf(policy, need, request, level);
      const key = `${visibility}/${part.rule}`;
      const known = groups.get(key) ?? {
        part: partOf(policy, part, visibility, witness),
        users: part.region.user.kind === "in" ? new Set<string>() : undefined,
      };
      known.users?.add(request.user?.name ?? "");
      groups.set(key, known);
    }
  }
  const parts = [...groups.values()]
    .map(({ part, users }) => ({ ...part, users: users === undefined ? undefined : [...users].slice(0, MOST_USERS) }))
    .sort((a, b) => ORDER[a.visibility] - ORDER[b.visibility] || (a.rule ?? Infinity) - (b.rule ?? Infinity));
  return { need, answer: answerOf(parts.map(({ visibility }) => visibility)), parts };
}

function partOf(
  policy: Policy,
  { region, rule }: ClassPart,
  visibility: Visibility,
  { request }: CoverageWitness,
): CoveragePart {
  const { level } = evaluate(policy, request);
  return { visibility, rule, level, witness: request, users: undefined, groups: region.anyGroup.flat() };
}

const ORDER: Readonly<Record<Visibility, number>> = { seen: 0, "without body": 1, hidden: 2 };
const MOST_USERS = 20;

function answerOf(found: readonly Visibility[]): CoverageAnswer {
  const isSeen = found.includes("seen");
  const isReduced = found.includes("without body");
  const isHidden = found.includes("hidden");
  if (isSeen) {
    return isReduced || isHidden ? "partly" : "sees";
  }
  return isReduced ? "without body" : "blind";
}

/** Needs are ways to a hit: what one of them shows is seen, what another hides is not. */
function together(answers: readonly CoverageAnswer[]): CoverageAnswer {
  const [first = "blind"] = answers;
  if (answers.every((answer) => answer === first)) {
    return first;
  }
  return answers.includes("sees") || answers.includes("partly") ? "partly" : "without body";
}
