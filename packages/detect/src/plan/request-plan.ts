import { asksForActor } from "./actor-rulings.ts";
import type { FieldReader } from "../condition/evaluate.ts";
import type { Expression } from "../condition/expression.ts";
import { simplify } from "../condition/simplify.ts";
import { isWithoutSubresources } from "../definition/derive-needs.ts";
import type { Detection } from "../definition/detection.ts";
import { REQUEST_FIELDS } from "../reading/head-view.ts";
import type { HeadView } from "../reading/head-view.ts";
import { TupleMemo } from "./tuple-memo.ts";

const MAX_REMEMBERED = 8192;

/** A condition that may be about what was asked for. */
export interface Done {
  readonly detection: Detection;
  /** Whether the condition asks who asks. */
  readonly actor: "alone" | "too" | undefined;
  /** What the request leaves of the condition; any reader of the part `request` of a head with this request says it. */
  left(reader: FieldReader): Expression;
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
 * Says which conditions may be about a request, in steps: those about the verb, those about the resource. What is left of them by the
 * request is found when it is first asked for: five of six are ruled out by who asks. There are few requests, so most is found the first
 * time that a log is about them.
 */
export class RequestPlan {
  readonly #asked: readonly Asked[];
  readonly #verbs = new TupleMemo<readonly Asked[]>(MAX_REMEMBERED);
  readonly #requests = new TupleMemo<readonly Done[]>(MAX_REMEMBERED);

  constructor(asked: readonly Detection[]) {
    // A correlation looks at no event itself.
    this.#asked = asked
      .filter(({ correlation }) => correlation === undefined)
      .map((one) => ({ detection: one, actor: asksForActor(one), about: aboutOf(one) }));
  }

  /** The conditions that are not ruled out by what they are about, in their order. */
  of(head: HeadView): readonly Done[] {
    const tuple = REQUEST_FIELDS.map((field) => head.get(field));
    return this.#requests.get(tuple, () => {
      const resource = nameIn(head.get("objectRef.resource"));
      const subresource = nameIn(head.get("objectRef.subresource"));
      const done: Done[] = [];
      const ofVerb = this.#ofVerb(head);
      for (let i = 0; i < ofVerb.length; i++) {
        const { detection, actor, about } = ofVerb[i] as Asked;
        if (about === undefined || isOneAbout(about, resource, subresource)) {
          done.push(new Left(detection, actor));
        }
      }
      return done;
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

class Left implements Done {
  readonly detection: Detection;
  readonly actor: Done["actor"];
  #left: Expression | undefined;

  constructor(detection: Detection, actor: Done["actor"]) {
    this.detection = detection;
    this.actor = actor;
  }

  left(reader: FieldReader): Expression {
    // What was asked for says nothing of those that ask for the actor alone.
    this.#left ??= this.actor === "alone" ? this.detection.condition : simplify(this.detection.condition, reader);
    return this.#left;
  }
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

function isOneAbout(about: readonly About[], resource: string | undefined, subresource: string | undefined): boolean {
  for (let i = 0; i < about.length; i++) {
    if (isAbout(about[i]?.resources, resource, subresource)) {
      return true;
    }
  }
  return false;
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
    ? isOneOf(names, resource)
    : names.has(`${resource}/${subresource}`) || names.has(`${resource}/*`);
}

function isOneOf(names: ReadonlySet<string>, resource: string): boolean {
  return Array.from(names).some((name) => name === resource || name.startsWith(`${resource}/`));
}
