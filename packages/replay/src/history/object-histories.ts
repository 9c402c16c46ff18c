import type { AuditEvent, Redactor } from "@auditsieve/audit";
import type { ReplayLog } from "../lines/log-reader.ts";
import { matches } from "../selection/text-pattern.ts";
import type { Facts } from "../facts/gather-facts.ts";
import { fetchLines } from "../facts/read-events.ts";
import type { Place } from "../facts/read-events.ts";
import { buildHistory } from "./build-history.ts";
import type { ObjectHistory } from "./build-history.ts";
import type { ObjectRevisions, Revision } from "../facts/revisions.ts";

/** Which objects' histories are asked for. */
export interface HistoryQuestion {
  /** `deployments.apps shop/web`, `secrets shop/*`, `deployments/web`, `clusterroles`; a resource may go without its group. */
  readonly object: string;
  /** Revisions from this instant on. */
  readonly since?: string;
  /** And before this one. */
  readonly until?: string;
}

/** Histories of the objects that were asked for. */
export interface ObjectHistories {
  readonly histories: readonly ObjectHistory[];
  /** The redacted events behind them. */
  readonly events: ReadonlyMap<Place, AuditEvent>;
  /** Objects that match, but there was no room for: those whose last write is the longest ago. */
  readonly leftOut: number;
  /** Objects that match, and were written at other times only. */
  readonly atOtherTimes: number;
  /** Where nothing matches: objects of the log whose names are near. */
  readonly near: readonly string[];
}

const MOST_OBJECTS = 50;
const MOST_REVISIONS = 1_000;
const MOST_NEAR = 8;

/**
 * Every write to objects: who, when, and what it changed, as far as the level holds bodies. The logs are read once more for the
 * bodies.
 *
 * @example
 * const { histories } = await objectHistories({ object: "secrets shop/db" }, { facts: gatherer.facts(), logs, redactor });
 */
export async function objectHistories(
  question: HistoryQuestion,
  {
    facts,
    logs,
    redactor,
  }: { readonly facts: Facts; readonly logs: readonly ReplayLog[]; readonly redactor: Redactor },
): Promise<ObjectHistories> {
  const { since = "", until = "~" } = question;
  const isInTime = ({ time }: Revision): boolean => time >= since && time < until;
  const all = facts.revisions.objects();
  const about = all.filter(({ key }) => isAbout(key, question.object));
  const asked = about.filter(({ revisions }) => revisions.some(isInTime));
  const chosen = lastWritten(asked);
  const events = new Map<Place, AuditEvent>();
  const places = new Set(chosen.flatMap((object) => object.revisions.map(({ place }) => place)));
  await fetchLines(logs, facts.logs, places, (place, line) => {
    events.set(place, JSON.parse(redactor.redactLine(line).toString("utf8")) as AuditEvent);
  });
  // What a revision changed is told by the one before, also where that is not asked for.
  const histories = chosen.map((object) => {
    const history = buildHistory(object, events);
    const inTime = history.revisions.filter(({ revision }) => isInTime(revision));
    return { object: history.object, revisions: inTime };
  });
  return {
    histories,
    events,
    leftOut: asked.length - chosen.length,
    atOtherTimes: about.length - asked.length,
    near: about.length > 0 ? [] : nearTo(question.object, all),
  };
}

/** As many as there is room for, in the order of their names: what was there from the start must not hide what was made last. */
function lastWritten(asked: readonly ObjectRevisions[]): readonly ObjectRevisions[] {
  const chosen: ObjectRevisions[] = [];
  let revisions = 0;
  for (const object of asked.toSorted((a, b) => (lastOf(a) > lastOf(b) ? -1 : 1))) {
    revisions += object.revisions.length;
    if (chosen.length < MOST_OBJECTS && revisions <= MOST_REVISIONS) {
      chosen.push(object);
    }
  }
  return chosen.toSorted((a, b) => (a.key < b.key ? -1 : 1));
}

function lastOf({ revisions }: ObjectRevisions): string {
  return revisions.at(-1)?.time ?? "";
}

/** `deployments shop/web` is about `deployments.apps shop/web`, and so are `deployments/web` and `deployments`, as kubectl is asked. */
function isAbout(key: string, object: string): boolean {
  const [resource = "", ...rest] = object.trim().split(/[ /]+/);
  const name = rest.join("/");
  const asked = name === "" ? [`${resource} *`] : [`${resource} ${name}`];
  // Without a namespace in any, but where a space says that it is the whole key.
  const anywhere = object.includes(" ") || name === "" || name.includes("/") ? [] : [`${resource} */${name}`];
  const keys = [key, key.replace(/^([^ .]*)\.[^ ]*/, "$1")];
  return [object, ...asked, ...anywhere].some((pattern) => keys.some((each) => matches(each, pattern)));
}

/** Those with the same name in another place, then those of the same resource. */
function nearTo(object: string, all: readonly ObjectRevisions[]): readonly string[] {
  const name = object.replace(/^.*[ /]/, "");
  const resource = object.replace(/[ .].*$/s, "");
  const named = all.filter((each) => name !== "" && each.name.includes(name));
  const alike = all.filter((each) => each.resource.split(".")[0] === resource);
  return [...new Set([...named, ...alike].map(({ key }) => key))].slice(0, MOST_NEAR);
}
