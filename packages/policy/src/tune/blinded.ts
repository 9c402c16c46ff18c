import type { Level, Need, RequestAttributes, RequestClass } from "@auditsieve/audit";
import type { Cell } from "../coverage/cells.ts";
import { partsOfCell } from "../coverage/class-parts.ts";
import { witnessesOf } from "../coverage/witnesses.ts";
import type { CoverageWitness } from "../coverage/witnesses.ts";
import { visibilityOf } from "../coverage/coverage.ts";
import { ALL_RESOURCES } from "../resource-catalogue.ts";
import type { Policy, PolicyRule } from "../policy.ts";

/** What `tune` knows of a detection. */
export interface TunedDetection {
  readonly id: string;
  readonly title: string;
  readonly needs: readonly Need[];
  /** As for coverage: at which level such a request could be a hit. */
  readonly levelToHit?: (witness: CoverageWitness) => Level | undefined;
}

/** A detection from which a new rule would hide requests that it sees now. */
export interface Blinded {
  readonly detection: TunedDetection;
  readonly witness: RequestAttributes;
  /** It is about every request there is, such as one that impersonates: any rule of None hides some from it. */
  readonly isOfEverything: boolean;
}

/** The detections that would see less with `rule` put before the rule at `at`. */
export function blindedBy(
  policy: Policy,
  rule: PolicyRule,
  at: number,
  detections: readonly TunedDetection[],
): readonly Blinded[] {
  const tuned: Policy = { ...policy, rules: policy.rules.toSpliced(at, 0, rule) };
  const hidden = cellsOfRule(rule).flatMap((cell) =>
    partsOfCell(tuned, cell)
      .filter((part) => part.rule === at)
      .map((part) => ({ cell, witnesses: witnessesOf(part.cell, part.region) })),
  );
  return detections.flatMap((detection) => {
    for (const { cell, witnesses } of hidden) {
      for (const need of detection.needs.filter(({ request }) => isAbout(request, cell))) {
        const witness = witnesses.find((each) => isSeen(policy, detection, need, each));
        if (witness !== undefined) {
          const { verbs, resources, apiGroups } = need.request;
          const isOfEverything = verbs === undefined && resources === undefined && apiGroups === undefined;
          return [{ detection, witness: witness.request, isOfEverything }];
        }
      }
    }
    return [];
  });
}

function isSeen(policy: Policy, detection: TunedDetection, need: Need, witness: CoverageWitness): boolean {
  const level = detection.levelToHit === undefined ? need.level : detection.levelToHit(witness);
  return level !== undefined && visibilityOf(policy, need, witness.request, level) !== "hidden";
}

/** Noise rules name their verbs and resources: no wildcard, no prefix. */
function cellsOfRule({ verbs = [], resources = [], nonResourceURLs = [] }: PolicyRule): readonly Cell[] {
  return verbs.flatMap((verb) => [
    ...nonResourceURLs.map((path) => ({ kind: "url" as const, verb, path })),
    ...resources.flatMap(({ group = "", resources: names = [] }) =>
      names.map((name) => {
        const [resource = "", subresource = ""] = name.split("/");
        const known = ALL_RESOURCES.find((one) => one.group === group && one.resource === resource);
        return {
          kind: "resource" as const,
          verb,
          group,
          resource,
          subresource,
          namespaced: known?.namespaced,
          isAnyGroup: false,
          isAnyResource: false,
        };
      }),
    ),
  ]);
}

function isAbout({ verbs, apiGroups, resources }: RequestClass, cell: Cell): boolean {
  if (!(verbs?.includes(cell.verb) ?? true)) {
    return false;
  }
  if (cell.kind === "url") {
    return resources === undefined && apiGroups === undefined;
  }
  const names = [
    cell.subresource === "" ? cell.resource : `${cell.resource}/${cell.subresource}`,
    ...(cell.subresource === "" ? [] : [`${cell.resource}/*`]),
  ];
  return (apiGroups?.includes(cell.group) ?? true) && (resources?.some((resource) => names.includes(resource)) ?? true);
}
