import { fieldsRead } from "./condition/fields-read.ts";
import type { Detection } from "./detection.ts";
import { HEAD_FIELDS, headFieldOf, isInPart, isWide } from "./head-view.ts";
import type { HeadField, HeadPart, HeadView } from "./head-view.ts";
import type { ClusterMemory } from "./memory/cluster-memory.ts";
import { MEMORY_ROOT } from "./memory/remembered-fields.ts";
import { prefilter } from "./prefilter.ts";
import { TupleMemo } from "./tuple-memo.ts";

/** Fields that decide what is absent and what unknown are part of every memo key. */
const DECIDING: readonly HeadField[] = [
  "stage",
  "verb",
  "objectRef.resource",
  "objectRef.subresource",
  "responseStatus.code",
];
const MAX_REMEMBERED = 8192;

/** What a view was asked to note. It may serve several plans. */
interface Noted {
  readonly plan: HeadPlan;
  readonly found: readonly Detection[];
}

/**
 * Says for which detections an event must be parsed, all conditions together, in steps that each cost more and are
 * needed less often: what was noted for the same head; what was noted for the same head but for names, and the few
 * conditions that look at those; all conditions. What only earlier events decide is asked last and each time.
 */
export class HeadPlan {
  /** By the one resource that they are about, together with those about any. */
  readonly #byResource: ReadonlyMap<string, readonly Detection[]>;
  readonly #ofAny: readonly Detection[];
  /** Detections that a part does not settle as far as the whole head does. */
  readonly #open: Readonly<Record<"unnamed" | "narrow", ReadonlySet<Detection>>>;
  readonly #ofMemory: ReadonlySet<Detection>;
  readonly #keyFields: readonly HeadField[];
  readonly #narrow = new TupleMemo<readonly Detection[]>(MAX_REMEMBERED);

  constructor(asked: readonly Detection[]) {
    const resources = new Map(asked.map((one) => [one, resourcesOf(one)]));
    const names = new Set([...resources.values()].flatMap((of) => [...(of ?? [])]));
    this.#ofAny = asked.filter((one) => resources.get(one) === undefined);
    this.#byResource = new Map(
      [...names].map((name) => [name, asked.filter((one) => resources.get(one)?.has(name) ?? true)]),
    );
    this.#open = { unnamed: openIn("unnamed", asked), narrow: openIn("narrow", asked) };
    this.#ofMemory = new Set(
      asked.filter(({ condition }) => [...fieldsRead(condition)].some((field) => field.startsWith(`${MEMORY_ROOT}.`))),
    );
    const read = new Set(asked.flatMap(({ condition }) => [...fieldsRead(condition)]));
    this.#keyFields = HEAD_FIELDS.filter((field) => DECIDING.includes(field) || (read.has(field) && !isWide(field)));
  }

  /** The detections that the head, and what was before, do not rule out; in their order. */
  candidates(head: HeadView, memory?: ClusterMemory): readonly Detection[] {
    const found = this.#recall(head, "whole") ?? this.#ask(head);
    if (!memory || !found.some((one) => this.#ofMemory.has(one))) {
      return found;
    }
    const mayMatter = prefilter(head, "whole", memory);
    return found.filter((one) => !this.#ofMemory.has(one) || mayMatter(one.condition));
  }

  #ask(head: HeadView): readonly Detection[] {
    const open = head.recall ? this.#open.unnamed : this.#open.narrow;
    const near = head.recall ? this.#ofUnnamed(head) : this.#ofNarrow(head);
    const found = near.some((one) => open.has(one)) ? this.#ofWhole(near, open, head) : near;
    this.#note(head, "whole", found);
    return found;
  }

  #ofWhole(near: readonly Detection[], open: ReadonlySet<Detection>, head: HeadView): readonly Detection[] {
    const mayMatter = prefilter(head, "whole");
    return near.filter((one) => !open.has(one) || mayMatter(one.condition));
  }

  #ofUnnamed(head: HeadView): readonly Detection[] {
    const known = this.#recall(head, "unnamed");
    if (known) {
      return known;
    }
    const mayMatter = prefilter(head, "unnamed");
    const found = this.#about(head).filter(({ condition }) => mayMatter(condition));
    this.#note(head, "unnamed", found);
    return found;
  }

  #ofNarrow(head: HeadView): readonly Detection[] {
    const tuple = this.#keyFields.map((field) => head.get(field));
    return this.#narrow.get(tuple, () => {
      const mayMatter = prefilter(head, "narrow");
      return this.#about(head).filter(({ condition }) => mayMatter(condition));
    });
  }

  /** The detections that are about the resource of the request, or about any. */
  #about(head: HeadView): readonly Detection[] {
    const resource = head.get("objectRef.resource");
    return (typeof resource === "string" ? this.#byResource.get(resource.toLowerCase()) : undefined) ?? this.#ofAny;
  }

  #recall(head: HeadView, part: HeadPart): readonly Detection[] | undefined {
    const noted = head.recall?.(part) as Noted | undefined;
    return noted?.plan === this ? noted.found : undefined;
  }

  #note(head: HeadView, part: HeadPart, found: readonly Detection[]): void {
    head.note?.(part, { plan: this, found } satisfies Noted);
  }
}

/** The resources that a hit must be about, without subresources; undefined when it may be about any, or none. */
function resourcesOf({ needs }: Detection): ReadonlySet<string> | undefined {
  const ways = needs.filter(({ earlier }) => earlier !== true).map(({ request }) => request.resources);
  return ways.length === 0 || ways.includes(undefined)
    ? undefined
    : new Set(ways.flatMap((names) => names?.map((name) => name.split("/", 1)[0] ?? "") ?? []));
}

function openIn(part: HeadPart, asked: readonly Detection[]): ReadonlySet<Detection> {
  const isOutside = (field: string): boolean => {
    const held = headFieldOf(field);
    return held !== undefined && !isInPart(held, part);
  };
  return new Set(asked.filter(({ condition }) => [...fieldsRead(condition)].some(isOutside)));
}
