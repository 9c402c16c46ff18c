import { isDryRun, isJsonObject } from "@auditsieve/audit";
import type { AuditEvent, EventScan } from "@auditsieve/audit";
import { readReason } from "../facts/rights.ts";
import type { ReplayedEvent } from "../replayed-event.ts";
import { isWholeList, itemsOf, proofOf } from "./rbac-answer.ts";
import type { Proof } from "./rbac-answer.ts";
import { kindOfResource, RBAC_GROUP, rbacKey, readRbacObject, subjectText } from "./rbac-object.ts";
import type { RbacKind, RbacName, RbacObject } from "./rbac-object.ts";
import { bindingOfReason } from "./rbac-reason.ts";

/** What the log says that a role or binding stood: it was written, an answer showed it, or the authorizer named it; until then or later. */
export type StandsBy = "written" | "shown" | "used" | "written later" | "shown later" | "used later";

/** A role or binding that stood at the time that is asked about. */
export interface Standing extends RbacName {
  /** What it held, as far as the log says. */
  object: RbacObject | undefined;
  /** A body says so, not the reasons of requests alone. */
  isWhole: boolean;
  /** It was written once more, to what the log does not say. */
  isStale: boolean;
  /** Its creation, where the log holds that. */
  made: Proof | undefined;
  /** The last write since. */
  changed: Proof | undefined;
  /** The first event that shows it. */
  readonly proof: Proof;
  readonly by: StandsBy;
}

/** What is known of one role or binding. */
interface Known {
  standing: Standing | undefined;
  gone: Proof | undefined;
  /** A write behind the time that is asked about: what comes later says nothing of that time. */
  isSealed: boolean;
  /** Of what it holds. */
  letters: number;
}

const MOST_OBJECTS = 100_000;
/** Of a name with its namespace; longer ones are let go. */
const MOST_NAME_LETTERS = 1_024;
/** Of a binding that only reasons tell of. */
const MOST_SUBJECTS = 50;
/** Of what roles and bindings hold, as JSON. */
const MOST_LETTERS = 64 * 1024 * 1024;

/**
 * Roles and bindings as they stood at a time, out of what was written, answered and given as a reason. Events come in the order of the
 * log. Later ones count as far as they say something of that time: what is shown later and was not written between stood as it is shown.
 */
export class StandingRbac {
  readonly #at: string;
  readonly #known = new Map<string, Known>();
  #letters = 0;
  /** Roles and bindings, or bodies of them, that there was no room for. */
  evicted = 0;
  /** Deletions of several at once of which no answer says which. */
  readonly unclear: Proof[] = [];
  /** Kinds of which an answer up to then holds all. */
  readonly listed: Set<RbacKind> = new Set();

  /** Without a time, as they stood at the end of the log. */
  constructor(at = "~") {
    this.#at = at;
  }

  clear(): void {
    this.#known.clear();
    this.#letters = 0;
    this.evicted = 0;
    this.unclear.length = 0;
    this.listed.clear();
  }

  /** Takes an event about roles and bindings that succeeded. */
  event(event: ReplayedEvent): void {
    const { scan } = event;
    const kind = kindOfResource(scan.text("objectRef.resource") ?? "");
    const isAnswer = scan.stage !== "RequestReceived" && (scan.code ?? 0) < 300;
    if (kind === undefined || !isAnswer || scan.text("objectRef.apiGroup") !== RBAC_GROUP) {
      return;
    }
    const original = event.original();
    if (isDryRun(original) === true) {
      return;
    }
    const { verb } = original;
    const proof = proofOf(scan);
    if (verb === "deletecollection") {
      this.#deletedTogether(kind, original, proof);
    } else if (verb === "list" || verb === "watch") {
      itemsOf(original.responseObject).forEach((item) => this.#shown(readRbacObject(kind, item), proof));
      if (verb === "list" && isWholeList(original) && !this.#isLater(proof)) {
        this.listed.add(kind);
      }
    } else {
      this.#single(kind, original, proof);
    }
  }

  /** Takes the reason of a request that was let pass: the binding that it names stood then. */
  used(reason: string, scan: EventScan): void {
    const grant = readReason(reason);
    if (grant === undefined) {
      return;
    }
    const object = bindingOfReason(grant);
    const { kind, namespace, name } = object;
    const known = this.#of(kind, namespace, name);
    if (known === undefined || known.isSealed || known.gone !== undefined) {
      return;
    }
    if (known.standing !== undefined) {
      addReason(known.standing, object);
      return;
    }
    const proof = proofOf(scan);
    this.#stands(known, { kind, namespace, name, object, proof, by: this.#isLater(proof) ? "used later" : "used" });
  }

  /** All that stood. */
  standing(): readonly Standing[] {
    return [...this.#known.values()].flatMap(({ standing }) => (standing === undefined ? [] : [standing]));
  }

  find(kind: string, namespace: string | undefined, name: string): Standing | undefined {
    return this.#known.get(rbacKey(kind, namespace, name))?.standing;
  }

  /** Its deletion before that time, where the log holds it. */
  gone(kind: string, namespace: string | undefined, name: string): Proof | undefined {
    return this.#known.get(rbacKey(kind, namespace, name))?.gone;
  }

  #single(
    kind: RbacKind,
    { verb, objectRef, requestObject, responseObject, responseStatus }: AuditEvent,
    proof: Proof,
  ) {
    const body =
      readRbacObject(kind, responseObject) ?? (verb === "patch" ? undefined : readRbacObject(kind, requestObject));
    const name = objectRef?.name ?? body?.name ?? "";
    if (name === "") {
      return;
    }
    if (verb === "get") {
      this.#shown(body, proof);
      return;
    }
    const namespace = objectRef?.namespace ?? body?.namespace;
    const known = this.#of(kind, namespace, name);
    if (known === undefined) {
      return;
    }
    if (verb === "delete") {
      this.#deleted(known, { kind, namespace, name }, proof);
    } else if (verb === "create" || responseStatus?.code === 201) {
      this.#made(known, { kind, namespace, name, object: body }, proof);
    } else {
      this.#changed(known, { kind, namespace, name, object: body }, proof);
    }
  }

  #made(known: Known, what: RbacName & Pick<Standing, "object">, proof: Proof): void {
    if (this.#isLater(proof)) {
      known.isSealed = true;
      return;
    }
    known.gone = undefined;
    this.#stands(known, { ...what, proof, by: "written", made: proof });
  }

  #changed(known: Known, what: RbacName & Pick<Standing, "object">, proof: Proof): void {
    const { standing, isSealed } = known;
    if (this.#isLater(proof)) {
      if (!isSealed && standing === undefined && known.gone === undefined && this.#wasThere(what.object)) {
        this.#stands(known, { ...what, object: undefined, proof, by: "written later" });
      }
      known.isSealed = true;
    } else if (standing === undefined || standing.by === "used") {
      known.gone = undefined;
      this.#stands(known, { ...what, proof, by: "written", changed: proof, isStale: what.object === undefined });
    } else {
      standing.changed = proof;
      standing.isStale = what.object === undefined;
      this.#replace(known, standing, what.object);
    }
  }

  #deleted(known: Known, what: RbacName, proof: Proof): void {
    if (!this.#isLater(proof)) {
      this.#hold(known, undefined);
      known.standing = undefined;
      known.gone = proof;
      return;
    }
    if (!known.isSealed && known.standing === undefined && known.gone === undefined) {
      this.#stands(known, { ...what, object: undefined, proof, by: "written later" });
    }
    known.isSealed = true;
  }

  #deletedTogether(kind: RbacKind, { responseObject }: AuditEvent, proof: Proof): void {
    const gone = itemsOf(responseObject).map((item) => readRbacObject(kind, item));
    if (gone.length === 0 && !isJsonObject(responseObject) && !this.#isLater(proof)) {
      this.unclear.push(proof);
    }
    for (const object of gone) {
      const known = object === undefined ? undefined : this.#of(kind, object.namespace, object.name);
      if (known !== undefined && object !== undefined) {
        this.#deleted(known, object, proof);
      }
    }
  }

  #shown(object: RbacObject | undefined, proof: Proof): void {
    const known = object === undefined ? undefined : this.#of(object.kind, object.namespace, object.name);
    if (object === undefined || known === undefined || known.isSealed) {
      return;
    }
    const { standing, gone } = known;
    const isLater = this.#isLater(proof);
    if (isLater && !this.#wasThere(object)) {
      known.isSealed = true;
    } else if (standing !== undefined && (!isLater || standing.isStale || !standing.isWhole)) {
      this.#replace(known, standing, object);
      standing.isStale = false;
    } else if (standing === undefined && (gone === undefined || (!isLater && gone.time < proof.time))) {
      known.gone = undefined;
      const { kind, namespace, name } = object;
      this.#stands(known, { kind, namespace, name, object, proof, by: isLater ? "shown later" : "shown" });
    }
  }

  #stands(
    known: Known,
    standing: Omit<Standing, "isWhole" | "isStale" | "made" | "changed"> & Partial<Standing>,
  ): void {
    const object = this.#hold(known, standing.object);
    const isWhole = object !== undefined && standing.by !== "used" && standing.by !== "used later";
    known.standing = { isWhole, isStale: false, made: undefined, changed: undefined, ...standing, object };
  }

  #replace(known: Known, standing: Standing, object: RbacObject | undefined): void {
    if (object !== undefined) {
      standing.object = this.#hold(known, object);
      standing.isWhole = standing.object !== undefined;
    }
  }

  /** In place of what it held before; gives undefined where there is no room for it. */
  #hold(known: Known, object: RbacObject | undefined): RbacObject | undefined {
    this.#letters -= known.letters;
    known.letters = lettersOf(object);
    if (this.#letters + known.letters > MOST_LETTERS) {
      this.evicted++;
      known.letters = 0;
      return undefined;
    }
    this.#letters += known.letters;
    return object;
  }

  #of(kind: RbacKind, namespace: string | undefined, name: string): Known | undefined {
    const key = rbacKey(kind, namespace, name);
    let known = this.#known.get(key);
    if (known === undefined) {
      if (this.#known.size >= MOST_OBJECTS || key.length > MOST_NAME_LETTERS) {
        this.evicted++;
        return undefined;
      }
      known = { standing: undefined, gone: undefined, isSealed: false, letters: 0 };
      this.#known.set(key, known);
    }
    return known;
  }

  #isLater({ time }: Proof): boolean {
    return time > this.#at;
  }

  /** By its own word; a creationTimestamp has whole seconds. */
  #wasThere(object: RbacObject | undefined): boolean {
    return object === undefined || object.created === "" || object.created <= `${this.#at.slice(0, 19)}Z`;
  }
}

/** Of a binding without a body each reason names the role and one subject more. */
function addReason(standing: Standing, told: RbacObject): void {
  const { object = { ...told, subjects: [] } } = standing;
  if (standing.isWhole || object.subjects.length >= MOST_SUBJECTS) {
    return;
  }
  const known = new Set(object.subjects.map(subjectText));
  const more = told.subjects.filter((subject) => !known.has(subjectText(subject)));
  if (more.length > 0) {
    standing.object = { ...object, subjects: [...object.subjects, ...more] };
  }
}

function lettersOf(object: RbacObject | undefined): number {
  return object === undefined ? 0 : JSON.stringify(object).length;
}
