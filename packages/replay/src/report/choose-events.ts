import type { Finding } from "@auditsieve/detect";
import { isRbac } from "../history/rbac-changes.ts";
import type { ObjectRevisions } from "../facts/revisions.ts";
import { objectKey } from "../facts/made-object.ts";
import type { Story } from "../stories/tell-stories.ts";
import type { Facts } from "../facts/gather-facts.ts";
import type { RankedActor } from "../facts/rank-actors.ts";
import type { Place } from "../facts/read-events.ts";
import { otherActs } from "../stories/other-acts.ts";
import type { Act, Touch } from "../facts/sessions.ts";

/** Bounds on what is read again for a report. */
const MOST_OBJECTS = 400;
const MOST_REVISIONS = 3_000;
const MOST_TOUCHES = 150;
const MOST_ACTORS = 200;
const MOST_ACTS = 2_000;
const MOST_COUNTED = 200_000;

/** What a report will show, and the events that must be read again for it. */
export interface Chosen {
  readonly actors: readonly RankedActor[];
  readonly objects: readonly ObjectRevisions[];
  /** Findings about an object, by its key. */
  readonly findingsAbout: ReadonlyMap<string, number>;
  readonly touches: ReadonlyMap<RankedActor, readonly Touch[]>;
  readonly acts: readonly Act[];
  readonly places: ReadonlySet<Place>;
}

/** Chooses the actors, objects and events of a report: what stands out first, bounded whatever the log's size. */
export function chooseEvents(
  facts: Facts,
  actors: readonly RankedActor[],
  findings: Iterable<Finding>,
  stories: readonly Story[],
): Chosen {
  const shown = actors.filter(
    ({ name, isSuspicious, findings }, i) => isSuspicious || findings.length > 0 || (i < MOST_ACTORS && name !== ""),
  );
  const findingsAbout = countObjects(findings);
  const objects = chooseObjects(facts, findingsAbout, stories);
  const people = shown.slice(0, MOST_ACTORS);
  const touches = chooseTouches(facts, people);
  const places = new Set<Place>();
  const want = (place: Place | undefined): void => {
    if (place !== undefined) {
      places.add(place);
    }
  };
  stories.forEach(({ links, steps }) => [...links, ...steps].forEach(({ place }) => want(place)));
  // Of those who have no page nothing is read again but what they did besides.
  const suspicious = people.filter(({ isSuspicious }) => isSuspicious);
  suspicious.forEach((actor) => touches.get(actor)?.forEach(({ place }) => want(place)));
  const acts = firstActs(shown, facts);
  acts.forEach(({ place }) => want(place));
  const sessions = new Set(suspicious.flatMap((actor) => actor.sessions.map(({ id }) => id)));
  facts.rights.allowed().forEach(({ session, place }) => want(sessions.has(session.id) ? place : undefined));
  let revisions = 0;
  for (const object of objects) {
    revisions += object.revisions.length;
    if (revisions <= MOST_REVISIONS) {
      object.revisions.forEach(({ place }) => want(place));
    }
  }
  return { actors: people, objects, findingsAbout, touches, acts, places };
}

function firstActs(shown: readonly RankedActor[], facts: Facts): readonly Act[] {
  const acts: Act[] = [];
  for (const actor of shown) {
    if (actor.isSuspicious) {
      acts.push(...otherActs(actor, facts));
    }
    if (acts.length >= MOST_ACTS) {
      return acts.slice(0, MOST_ACTS);
    }
  }
  return acts;
}

/** Key of the object that a finding is about; undefined where the event names none. */
export function objectOfFinding(finding: Finding): string | undefined {
  const { resource = "", apiGroup = "", namespace = "", name = "" } = finding.events[0]?.objectRef ?? {};
  return resource === "" || name === ""
    ? undefined
    : objectKey(apiGroup === "" ? resource : `${resource}.${apiGroup}`, namespace, name);
}

function chooseObjects(
  facts: Facts,
  findingsAbout: ReadonlyMap<string, number>,
  stories: readonly Story[],
): readonly ObjectRevisions[] {
  const told = new Set(stories.flatMap(({ nodes }) => nodes.map(({ label }) => label.replace(/^pod /, "pods "))));
  const weight = ({ key, resource, revisions }: ObjectRevisions): number =>
    (told.has(key) ? 1_000 : 0) +
    Math.min(500, (findingsAbout.get(key) ?? 0) * 10) +
    (isRbac(resource) && revisions.some(({ session }) => session.identity.name !== "system:apiserver") ? 5 : 0);
  return facts.revisions
    .objects()
    .map((object) => ({ object, points: weight(object) }))
    .filter(({ points }) => points > 0)
    .sort((a, b) => b.points - a.points)
    .slice(0, MOST_OBJECTS)
    .map(({ object }) => object);
}

/** Refused and writing ones first: they say most about a credential. */
function chooseTouches(facts: Facts, actors: readonly RankedActor[]): ReadonlyMap<RankedActor, readonly Touch[]> {
  const bySession = Map.groupBy(facts.sessions.touches(), ({ session }) => session);
  return new Map(
    actors.map((actor) => [
      actor,
      actor.sessions
        .flatMap((session) => bySession.get(session) ?? [])
        .sort((a, b) => importance(b) - importance(a))
        .slice(0, MOST_TOUCHES)
        .sort((a, b) => (a.first < b.first ? -1 : 1)),
    ]),
  );
}

const QUIET: ReadonlySet<string> = new Set(["get", "list", "watch"]);

function importance({ verb, resource, refused }: Touch): number {
  const isSensitive = /^(?:secrets|serviceaccounts\/token|pods\/(?:exec|attach|portforward)|nodes\/proxy)/.test(
    resource,
  );
  return (isSensitive ? 8 : 0) + (QUIET.has(verb) ? 0 : 4) + (refused > 0 ? 2 : 0) - (resource.startsWith("/") ? 1 : 0);
}

function countObjects(findings: Iterable<Finding>): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const finding of findings) {
    const key = objectOfFinding(finding);
    const count = key === undefined ? undefined : (counts.get(key) ?? 0);
    if (key !== undefined && count !== undefined && (count > 0 || counts.size < MOST_COUNTED)) {
      counts.set(key, count + 1);
    }
  }
  return counts;
}
