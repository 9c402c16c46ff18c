import { isLevelBelow } from "@auditsieve/audit";
import type { Stage } from "@auditsieve/audit";
import { BLANK_REQUEST } from "../blank-request.ts";
import { evaluate } from "../evaluate.ts";
import type { Decision } from "../evaluate.ts";
import type { Policy } from "../policy.ts";

/** What a policy makes of a class of requests. */
export type Recording = Omit<Decision, "rule">;

/** Recordings by rule; the last one is that of requests which no rule matches. */
export function recordingsOf(policy: Policy): readonly Recording[] {
  const recordingOf = (rules: Policy["rules"]): Recording => {
    const { level, omitStages, omitManagedFields } = evaluate({ ...policy, rules }, BLANK_REQUEST);
    return { level, omitStages, omitManagedFields };
  };
  return [
    ...policy.rules.map(({ level, omitStages = [], omitManagedFields }) =>
      recordingOf([{ level, omitStages, ...(omitManagedFields === undefined ? {} : { omitManagedFields }) }]),
    ),
    recordingOf([]),
  ];
}

/** Whether two recordings are the same to the letter. */
export function isSameRecording(a: Recording, b: Recording): boolean {
  return (
    a.level === b.level && a.omitManagedFields === b.omitManagedFields && a.omitStages.join() === b.omitStages.join()
  );
}

/** Whether one and the same is written: at None nothing is, whatever stages and fields are left out. */
export function isSameWriting(a: Recording, b: Recording): boolean {
  return (a.level === "None" && b.level === "None") || isSameRecording(a, b);
}

/** Stages that were written and are no longer. */
function lostStages(from: Recording, to: Recording): readonly Stage[] {
  return from.level === "None" ? [] : to.omitStages.filter((stage) => !from.omitStages.includes(stage));
}

/** Whether less can be seen: a lower level, or a stage that is no longer written. */
export function isLessVisible(from: Recording, to: Recording): boolean {
  return isLevelBelow(to.level, from.level) || lostStages(from, to).length > 0;
}
