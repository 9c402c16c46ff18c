import { asksForActor } from "./actor-rulings.ts";
import type { Expression } from "../condition/expression.ts";
import { NEVER, simplify } from "../condition/simplify.ts";
import { isWithoutSubresources } from "../definition/derive-needs.ts";
import type { Detection } from "../definition/detection.ts";
import { headReader } from "./field-readers.ts";
import { DEED_FIELDS, REQUEST_FIELDS } from "../reading/head-view.ts";
import type { HeadView } from "../reading/head-view.ts";
import { prefilter } from "./prefilter.ts";
import { TupleMemo } from "./tuple-memo.ts";

const MAX_REMEMBERED = 8192;

/** What something that was done leaves of a condition. */
export interface Done {
  readonly detection: Detection;
  /** Whether the condition asks who asks. */
  readonly actor: "alone" | "too" | undefined;
  readonly left: Expression;
}

/** A condition with the requests that it is about; undefined where it may be about any. */
interface Asked {
  readonly detection: Detection;
  readonly actor: Done["actor"];
  readonly about: readonly About[] | undefined;
}

/** Requests that a hit may be about, in lower case, resources with their subresources; undefined stands for any, or none. */
interface About {
  readonly verbs: ReadonlySet<string> | undefined;
  readonly resources: ReadonlySet<string> | undefined;
}

/**
 * Says what something that was done leaves of conditions, in steps: those about the verb, those about the resource, what is left of them by
 * the request, and by how it was answered. There are few of each, so most is found the first time that a log is about it.
 */
export class RequestPlan {
  readonly #asked: readonly Asked[];
  readonly #verbs = new TupleMemo<readonly Asked[]>(MAX_REMEMBERED);
  readonly #requests = new TupleMemo<readonly Done[]>(MAX_REMEMBERED);
  readonly #deeds = new TupleMemo<readonly Done[]>(MAX_REMEMBERED);

  constructor(asked: readonly Detection[]) {
    // A correlation looks at no event itself.
    this.#asked = asked
      .filter(({ correlation }) => correlation === undefined)
      .map((one) => ({ detection: one, actor: asksForActor(one), about: aboutOf(one) }));
  }

  /** What is left of each condition that is not ruled out by what was done and how it ended, in their order. */
  of(head: HeadView): readonly Done[] {
    const tuple = DEED_FIELDS.map((field) => head.get(field));
    return this.#deeds.get(tuple, () => {
      const says = prefilter(head, "deed");
      return leftOf(this.#ofRequest(head), (condition) => says.left(condition));
    });
  }

  #ofRequest(head: HeadView): readonly Done[] {
    const tuple = REQUEST_FIELDS.map((field) => head.get(field));
    return this.#requests.get(tuple, () => {
      const resource = nameIn(head.get("objectRef.resource"));
      const subresource = nameIn(head.get("objectRef.subresource"));
      const reader = headReader(head, "request");
      const about = this.#ofVerb(head).filter(
        (one) => one.about?.some(({ resources }) => isAbout(resources, resource, subresource)) ?? true,
      );
      return leftOf(
        about.map(({ detection, actor }) => ({ detection, actor, left: detection.condition })),
        (condition) => simplify(condition, reader),
      );
    });
  }

  #ofVerb(head: HeadView): readonly Asked[] {
    const tuple = [head.get("verb")];
    return this.#verbs.get(tuple, () => {
      const verb = nameIn(tuple[0]);
      const ofVerb = this.#asked.map(({ detection, actor, about }) => ({
        detection,
        actor,
        about: about?.filter(({ verbs }) => verbs === undefined || verb === undefined || verbs.has(verb)),
      }));
      return ofVerb.filter(({ about }) => about?.length !== 0);
    });
  }
}

function leftOf(conditions: readonly Done[], less: (condition: Expression) => Expression | undefined): readonly Done[] {
  const all: Done[] = [];
  for (let i = 0; i < conditions.length; i++) {
    const { detection, actor, left } = conditions[i] as Done;
    // What was done says nothing of those that ask for the actor alone.
    const rest = actor === "alone" ? left : less(left);
    if (rest !== undefined && rest !== NEVER) {
      all.push({ detection, actor, left: rest });
    }
  }
  return all;
}

function aboutOf({ needs }: Detection): readonly About[] | undefined {
  const present = needs.filter(({ earlier }) => earlier !== true);
  return present.length === 0
    ? undefined
    : present.map(({ request: { verbs, resources } }) => ({
        verbs: inLowerCase(verbs),
        resources: inLowerCase(resources),
      }));
}

function inLowerCase(names: readonly string[] | undefined): ReadonlySet<string> | undefined {
  return names && new Set(names.map((name) => name.toLowerCase()));
}

/** Empty where there is none; undefined where it is no text, which then may be like anything. */
function nameIn(value: ReturnType<HeadView["get"]>): string | undefined {
  return typeof value === "string" ? value.toLowerCase() : value === undefined || value === null ? "" : undefined;
}

/** Whether some of the names may be those of the resource; `pods` alone is not `pods/exec`, and `pods/*` is any but the pods themselves. */
function isAbout(
  names: ReadonlySet<string> | undefined,
  resource: string | undefined,
  subresource: string | undefined,
): boolean {
  if (names === undefined || resource === undefined) {
    return true;
  }
  if (subresource === "" || isWithoutSubresources(resource)) {
    return names.has(resource);
  }
  return subresource === undefined
    ? Array.from(names).some((name) => name === resource || name.startsWith(`${resource}/`))
    : names.has(`${resource}/${subresource}`) || names.has(`${resource}/*`);
}
