import { MEMORY_ROOT, readsOf } from "../condition/remembered-fields.ts";
import { headFieldOf, isInPart } from "../reading/head-view.ts";
import type { HeadPart } from "../reading/head-view.ts";

/** Detections name a few hundred fields. */
const MAX_REMEMBERED = 8192;
const NAMESPACE = "objectRef.namespace";

type FieldTest = (field: string) => boolean;

function isOfHeadOutside(field: string, part: HeadPart): boolean {
  const held = headFieldOf(field);
  return held !== undefined && !isInPart(held, part);
}

/** The same answer for the same field, which detections name over and over. */
function byField(test: FieldTest): FieldTest {
  const known = new Map<string, boolean>();
  return (field) => {
    const before = known.get(field);
    if (before !== undefined) {
      return before;
    }
    if (known.size >= MAX_REMEMBERED) {
      known.clear();
    }
    const answer = test(field);
    known.set(field, answer);
    return answer;
  };
}

/** Whether earlier events say what the field is. */
export const isRemembered: FieldTest = byField((field) => field.startsWith(`${MEMORY_ROOT}.`));
/** Whether a name is read for the field, if only to look it up. */
export const isOfName: FieldTest = byField((field) => readsOf(field).some((read) => isOfHeadOutside(read, "unnamed")));
/** Whether the namespace of the object is read for the field, or all that the object is referred to by. */
export const isPlaced: FieldTest = byField((field) =>
  readsOf(field).some((read) => read === NAMESPACE || read === "objectRef"),
);
/** Whether the field stands in the head, but not in the part. */
export const isOutside: Readonly<Record<"unnamed" | "narrow", FieldTest>> = {
  unnamed: byField((field) => isOfHeadOutside(field, "unnamed")),
  narrow: byField((field) => isOfHeadOutside(field, "narrow")),
};
