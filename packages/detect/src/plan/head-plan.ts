import type { JsonValue } from "@auditsieve/audit";
import { ActorRulings } from "./actor-rulings.ts";
import type { Expression, Leaf } from "../condition/expression.ts";
import { fieldsReadBy, readsSome } from "../definition/fields-read.ts";
import { simplify } from "../condition/simplify.ts";
import type { Detection } from "../definition/detection.ts";
import { headReader } from "./field-readers.ts";
import { HeadKinds } from "./head-kinds.ts";
import { isOfPlace } from "../memory/first-seen.ts";
import { DEED_FIELDS, HEAD_FIELDS, isWide } from "../reading/head-view.ts";
import type { HeadField, HeadView } from "../reading/head-view.ts";
import type { ClusterMemory } from "../memory/cluster-memory.ts";
import type { Grounds } from "../memory/grounds.ts";
import { isOfName, isOutside, isPlaced, isRemembered } from "./fields-by-part.ts";
import { forPlainNames, withoutSpecials } from "../condition/plain-names.ts";
import { lastingPrefilter, prefilter } from "./prefilter.ts";
import type { HeadSays } from "./prefilter.ts";
import { RequestPlan } from "./request-plan.ts";
import type { Done } from "./request-plan.ts";
import { TupleMemo } from "./tuple-memo.ts";

const MAX_REMEMBERED = 8192;
const NAMESPACE = "objectRef.namespace";
/** They say, beside what was done, whether what is not there is absent or unknown. */
const KNOWN_BY: readonly HeadField[] = ["user.username", "user.groups"];
/** Of so many conditions on names each outcome together is remembered by itself. */
const MOST_NAMED = 5;
/** So many conditions are looked at sooner than what was noted for the whole head, whose name is mostly a new one. */
const FEW = 3;
/** So many heads of one request are asked about one by one, of few actors and of many: finding the kinds costs more than to ask. */
const SELDOM = { ofFew: 64, ofMany: 3 };
/** What a cluster has by itself, on some dozen nodes. More may be made up for each request, and then are of few kinds. */
const FEW_ACTORS = 128;

/** What a part of a head leaves of conditions; those that it rules out are not among them. */
type Rest = ReadonlyMap<Detection, Expression>;

/** What a part of a head says of all conditions: the same as for any other head of which they say the same. */
interface Said {
  readonly found: readonly Detection[];
  /** What such a head leaves of their conditions. */
  readonly rest: Rest;
  /** Those of them that still look at what may differ. */
  readonly open: ReadonlySet<Detection>;
  /** Those whose fate earlier events decide: alike for all such heads, or for each head by itself. */
  readonly alike: readonly Detection[];
  readonly single: ReadonlySet<Detection>;
  /** Whether all this might be otherwise in another namespace. */
  readonly isOfNamespace: boolean;
  /** What is asked of names; undefined where they are not asked apart from the rest. */
  readonly ofNames: readonly NameQuestion[] | undefined;
}

/** What is known of every head that differs at most in names (or in what is wide, where a view remembers no heads). */
interface Near {
  readonly plan: HeadPlan;
  readonly said: Said;
  /** What the memory said of those that are alike, and what that rests on. */
  judged: Judged | undefined;
  kept: Map<unknown, unknown> | undefined;
}

/** What a condition still asks of names. */
interface NameQuestion {
  readonly condition: Expression;
  /** One of these characters stands in each URI that matters to it; undefined where any may. */
  readonly specials: readonly string[] | undefined;
  /** Whether it may matter all the same where the URI has none. */
  readonly isOpenWithout: boolean;
}

/** Heads of one request. */
interface Alike {
  asked: number;
  kinds: HeadKinds<Said> | undefined;
}

interface Judged {
  readonly memory: ClusterMemory;
  readonly grounds: Grounds;
  readonly out: ReadonlySet<Detection>;
  readonly left: readonly Detection[];
}

/** What was noted for one whole head. A view may serve several plans. */
interface Whole {
  readonly plan: HeadPlan;
  readonly found: readonly Detection[];
}

/**
 * Says for which detections an event must be parsed, all conditions together, in steps that each cost more and are
 * needed less often: what was noted for the same head but for names; for the few conditions that look at those, what was noted
 * for the same head; all conditions. What earlier events decide is asked again only when what it rests on has changed.
 */
export class HeadPlan {
  readonly #keyFields: readonly HeadField[];
  readonly #narrow = new TupleMemo<Near>(MAX_REMEMBERED);
  readonly #requests: RequestPlan;
  readonly #actors = new ActorRulings();
  #alike = new WeakMap<readonly Done[], Alike>();
  readonly #ofKinds = { count: 0 };
  #says: { readonly head: HeadView; readonly now: () => HeadSays } | undefined;

  constructor(asked: readonly Detection[]) {
    this.#requests = new RequestPlan(asked);
    const read = new Set(asked.flatMap((one) => [...fieldsReadBy(one)]));
    const isKey = (field: HeadField): boolean =>
      DEED_FIELDS.includes(field) || KNOWN_BY.includes(field) || (read.has(field) && !isWide(field));
    this.#keyFields = HEAD_FIELDS.filter(isKey);
  }

  /** The detections that the head, and what was before, do not rule out; in their order. */
  candidates(head: HeadView, memory?: ClusterMemory): readonly Detection[] {
    const near = this.#near(head);
    const found = near.said.open.size > 0 ? this.#ofWhole(near, head) : near.said.found;
    if (!memory || (near.said.alike.length === 0 && near.said.single.size === 0)) {
      return found;
    }
    const { out, left } = this.#judge(near, head, memory);
    if (near.said.single.size === 0 && near.said.open.size === 0) {
      return left;
    }
    const says = near.said.single.size > 0 ? prefilter(head, "whole", memory) : undefined;
    const mayMatter = (one: Detection): boolean =>
      !near.said.single.has(one) || says?.mayMatter(near.said.rest.get(one) ?? one.condition) !== false;
    return found.filter((one) => !out.has(one) && mayMatter(one));
  }

  /**
   * What names say where conditions look at them, as a small number: heads that differ from this one in names alone, and have the same number,
   * have the same candidates. Undefined where that cannot be said.
   */
  saidOfNames(head: HeadView): number | undefined {
    const { ofNames } = this.#near(head).said;
    if (ofNames === undefined || ofNames.length === 0) {
      return ofNames && 0;
    }
    let uri: JsonValue | undefined;
    let number = 0;
    for (const { condition, specials, isOpenWithout } of ofNames) {
      let isAsked = true;
      if (specials !== undefined && head.isWithout?.("requestURI", specials) === true) {
        isAsked = false;
      } else {
        uri ??= head.get("requestURI");
        if (typeof uri !== "string") {
          return undefined;
        }
        isAsked = specials === undefined || holdsOne(uri, specials);
      }
      const isOpen = isAsked ? this.#saysOf(head).mayMatter(condition) : isOpenWithout;
      number = 2 * number + (isOpen ? 1 : 0);
    }
    return number;
  }

  /** What the whole head says; made once for a view of one event after another. */
  #saysOf(head: HeadView): HeadSays {
    if (this.#says?.head !== head) {
      this.#says = { head, now: lastingPrefilter(head) };
    }
    return this.#says.now();
  }

  /** Whether the answer about this head may be another one for a head that differs in names, which none loses, or where a view remembers no heads in what is wide. */
  isNamed(head: HeadView): boolean {
    const near = this.#near(head);
    if (near.said.open.size === 0 || near.said.single.size > 0 || !head.recall) {
      return near.said.open.size > 0 || near.said.single.size > 0;
    }
    const reader = headReader(head, "whole");
    return Array.from(near.said.open).some((one) =>
      readsSome(simplify(near.said.rest.get(one) ?? one.condition, reader, asksMoreThanPresence), isOutside.unnamed),
    );
  }

  /** Whether all heads that differ from this one in plain names alone have the same candidates as it, which look at no names; false says nothing. */
  areForPlainNames(head: HeadView): boolean {
    const near = this.#near(head);
    const uri = head.get("requestURI");
    if (!head.recall || near.said.single.size > 0 || typeof uri !== "string") {
      return false;
    }
    const says = prefilter(head, "unnamed");
    const reader = headReader(head, "whole");
    return Array.from(near.said.open).every((one) => {
      const condition = simplify(near.said.rest.get(one) ?? one.condition, reader, asksMoreThanPresence);
      return !readsSome(condition, isOutside.unnamed) || !says.mayMatter(forPlainNames(condition, uri));
    });
  }

  /** Whether the answer about this head may be another one for a head that differs in its namespace alone; true says nothing. */
  isOfNamespace(head: HeadView): boolean {
    return this.#near(head).said.isOfNamespace;
  }

  /** What an event with this head leaves of the conditions of its candidates: it comes out as the whole does. */
  rest(head: HeadView): Rest {
    return this.#near(head).said.rest;
  }

  /** What `make` gives once for all heads that differ from this one at most in names: it must depend on nothing else. */
  keep<Value>(head: HeadView, key: unknown, make: () => Value): Value {
    const near = this.#near(head);
    if (!head.recall) {
      return make();
    }
    near.kept ??= new Map();
    if (!near.kept.has(key)) {
      near.kept.set(key, make());
    }
    return near.kept.get(key) as Value;
  }

  #near(head: HeadView): Near {
    return head.recall ? this.#ofUnnamed(head) : this.#ofNarrow(head);
  }

  #ofWhole(near: Near, head: HeadView): readonly Detection[] {
    const isNoted = near.said.open.size > FEW;
    const known = isNoted ? (head.recall?.("whole") as Whole | undefined) : undefined;
    if (known?.plan === this) {
      return known.found;
    }
    const says = prefilter(head, "whole");
    const found = near.said.found.filter(
      (one) => !near.said.open.has(one) || says.mayMatter(near.said.rest.get(one) ?? one.condition),
    );
    if (isNoted && known === undefined) {
      head.note?.("whole", { plan: this, found } satisfies Whole);
    }
    return found;
  }

  #ofUnnamed(head: HeadView): Near {
    const known = head.recall?.("unnamed") as Near | undefined;
    if (known?.plan === this) {
      return known;
    }
    const near = { plan: this, said: this.#ofKind(head), judged: undefined, kept: undefined };
    if (known === undefined) {
      head.note?.("unnamed", near);
    }
    return near;
  }

  #ofNarrow(head: HeadView): Near {
    const tuple = this.#keyFields.map((field) => head.get(field));
    return this.#narrow.get(tuple, () => {
      const said = this.#ask(head, "narrow", this.#requests.of(head));
      return { plan: this, said, judged: undefined, kept: undefined };
    });
  }

  /** Whoever makes something up for each request makes up what no condition tells apart. Of a request that is seldom made the kinds are not worth finding. */
  #ofKind(head: HeadView): Said {
    if (this.#ofKinds.count > MAX_REMEMBERED) {
      this.#ofKinds.count = 0;
      this.#alike = new WeakMap();
    }
    const done = this.#requests.of(head);
    let alike = this.#alike.get(done);
    if (alike === undefined) {
      alike = { asked: 0, kinds: undefined };
      this.#alike.set(done, alike);
    }
    const ask = (): Said => this.#ask(head, "unnamed", done);
    if (++alike.asked <= (this.#actors.met > FEW_ACTORS ? SELDOM.ofMany : SELDOM.ofFew)) {
      return ask();
    }
    alike.kinds ??= new HeadKinds(
      done.map(({ detection }) => detection.condition),
      this.#ofKinds,
    );
    return alike.kinds.get(head, ask);
  }

  #ask(head: HeadView, part: "unnamed" | "narrow", done: readonly Done[]): Said {
    let isOfNamespace = false;
    const get: HeadView["get"] = (field) => {
      isOfNamespace ||= field === NAMESPACE;
      return head.get(field);
    };
    const says = prefilter({ get }, part);
    // What was asked for rules most of them out, and who asked most of the others; both are known after few events. What is narrow is hardly
    // ever known before the whole is.
    const ofRequest = headReader(head, "request");
    const isOut = part === "unnamed" ? this.#actors.of(head) : undefined;
    const rest = new Map<Detection, Expression>();
    const found: Detection[] = [];
    const open: Detection[] = [];
    const alike: Detection[] = [];
    const single: Detection[] = [];
    for (let i = 0; i < done.length; i++) {
      const one = done[i] as Done;
      const { detection } = one;
      const condition =
        one.actor !== undefined && isOut?.(detection) === true ? undefined : says.left(one.left(ofRequest));
      if (condition === undefined) {
        continue;
      }
      rest.set(detection, condition);
      found.push(detection);
      if (readsSome(condition, isOutside[part])) {
        open.push(detection);
      }
      if (readsSome(condition, isRemembered)) {
        (part === "unnamed" && !readsSome(condition, isOfName) ? alike : single).push(detection);
      }
    }
    const isNameless = part !== "unnamed" || single.length > 0 || open.length > MOST_NAMED;
    return {
      found,
      rest,
      open: setOf(open),
      alike,
      single: setOf(single),
      isOfNamespace:
        isOfNamespace ||
        alike.concat(single).some((one) => readsSome(rest.get(one) ?? one.condition, isPlaced)) ||
        found.some(({ firstSeen }) => firstSeen !== undefined && isOfPlace(firstSeen)),
      ofNames: isNameless ? undefined : open.map((one) => nameQuestion(rest.get(one) ?? one.condition, says)),
    };
  }

  #judge(near: Near, head: HeadView, memory: ClusterMemory): Judged {
    const known = near.judged;
    if (known?.memory === memory && memory.stands(known.grounds)) {
      return known;
    }
    const out = new Set<Detection>();
    const grounds = memory.grounds(() => {
      const says = prefilter(head, "whole", memory);
      near.said.alike
        .filter((one) => !says.mayMatter(near.said.rest.get(one) ?? one.condition))
        .forEach((one) => out.add(one));
    });
    near.judged = { memory, grounds, out, left: near.said.found.filter((one) => !out.has(one)) };
    return near.judged;
  }
}

const NONE: ReadonlySet<Detection> = new Set();

/** All but whether an object has a name: heads that differ in its name alone all have one, or none has. */
function asksMoreThanPresence(leaf: Leaf): boolean {
  return !((leaf.kind === "null" || leaf.kind === "exists") && leaf.field.text === "objectRef.name");
}

function setOf(detections: readonly Detection[]): ReadonlySet<Detection> {
  return detections.length === 0 ? NONE : new Set(detections);
}

function holdsOne(text: string, characters: readonly string[]): boolean {
  for (const character of characters) {
    if (text.includes(character)) {
      return true;
    }
  }
  return false;
}

function nameQuestion(condition: Expression, says: HeadSays): NameQuestion {
  const specials = new Set<string>();
  const plain = withoutSpecials(condition, specials);
  return readsSome(plain, isOutside.unnamed)
    ? { condition, specials: undefined, isOpenWithout: true }
    : { condition, specials: [...specials], isOpenWithout: says.mayMatter(plain) };
}
