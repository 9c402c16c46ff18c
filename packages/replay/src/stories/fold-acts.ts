import type { Act } from "../facts/sessions.ts";

/** So many alike are still told one by one. */
const FEW = 2;

interface Step {
  readonly time: string;
  readonly text: string;
  readonly act?: Act;
}

/**
 * Tells acts that follow one another and differ in the object alone as one: who deletes thirty events has done one thing, and what came
 * before and after it should be seen.
 */
export function foldActs<T extends Step>(steps: readonly T[]): readonly T[] {
  const runs: T[][] = [];
  for (const step of steps) {
    const run = runs.at(-1);
    const [first] = run ?? [];
    if (run !== undefined && first?.act !== undefined && step.act !== undefined && isAlike(first.act, step.act)) {
      run.push(step);
    } else {
      runs.push([step]);
    }
  }
  return runs.flatMap((run) => {
    const [first] = run;
    const last = run.at(-1);
    return first === undefined || last === undefined || run.length <= FEW
      ? run
      : [{ ...first, text: `${first.text}, and ${run.length - 1} more like it until ${last.time}` }];
  });
}

function isAlike(a: Act, b: Act): boolean {
  const { session, verb, resource, namespace } = a.touch;
  return (
    a.code === b.code &&
    b.touch.session === session &&
    b.touch.verb === verb &&
    b.touch.resource === resource &&
    b.touch.namespace === namespace
  );
}
