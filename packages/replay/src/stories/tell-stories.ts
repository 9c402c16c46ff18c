import { CREDENTIAL_ID } from "@auditsieve/detect";
import type { Finding, Severity } from "@auditsieve/detect";
import { bySession } from "../facts/by-session.ts";
import type { Place } from "../facts/read-events.ts";
import type { Facts } from "../facts/gather-facts.ts";
import type { Act, Session } from "../facts/sessions.ts";
import { isStartup, NOT_AUTHENTICATED } from "../facts/rank-actors.ts";
import type { RankedActor } from "../facts/rank-actors.ts";
import type { Deed, IssuedToken } from "../facts/credential-deeds.ts";
import { groupRelated } from "./group-related.ts";
import { credentialName, isControlLoop, manner, principalId, principalsOf, shortName } from "./principal.ts";
import { foldActs } from "./fold-acts.ts";
import { actText, otherActs } from "./other-acts.ts";
import type { Principal } from "./principal.ts";
import { traceOrigin } from "./trace-origin.ts";
import type { ChainEnd, ChainLink, ChainNode, Origin } from "./trace-origin.ts";

/** What belongs together: identities that stand out, where their credentials came from, what they did with them, in order of time. */
export interface Story {
  readonly title: string;
  /** Points of the identities in it. */
  readonly score: number;
  /** The identities that it is about, most suspicious first. */
  readonly actors: readonly string[];
  /** In short: each identity that stands out, with how it acted and where its credential came from. */
  readonly chapters: readonly Chapter[];
  readonly steps: readonly StoryStep[];
  readonly nodes: readonly ChainNode[];
  readonly links: readonly ChainLink[];
  readonly ends: readonly ChainEnd[];
}

/** One identity with one credential, in short. */
export interface Chapter {
  readonly actor: string;
  /** `with kubectl from 127.0.0.1 (token JTI=…): 7 findings of severity medium or more`. */
  readonly acted: string;
  readonly came: readonly { readonly time: string; readonly text: string; readonly place: Place | undefined }[];
  /** Where its own chain ends. */
  readonly ends: readonly string[];
}

/** One moment of a story. */
export interface StoryStep {
  readonly time: string;
  readonly kind: "origin" | "finding" | "act";
  readonly actor: string;
  readonly text: string;
  readonly severity?: Severity;
  readonly finding?: Finding;
  readonly place?: Place;
  /** What was done besides the findings. */
  readonly act?: Act;
}

const MOST_TRACED = 2_000;
const MOST_STEPS = 500;
const MOST_NAMES = 4;

/**
 * The stories of a log. Identities that stand out make one story where a chain of tokens, certificates, workloads, bindings or
 * commands in pods leads from one to the other; each chain says where it ends and why.
 */
export function tellStories(facts: Facts, actors: readonly RankedActor[]): readonly Story[] {
  const principals = principalsOf(facts.sessions.sessions());
  const ranked = new Map(actors.map((actor) => [actor.name, actor]));
  const standing = (id: string): RankedActor | undefined => {
    const principal = principals.get(id);
    const actor = ranked.get(principal === undefined || principal.name === "" ? NOT_AUTHENTICATED : principal.name);
    // Of an identity's credentials only those stand out that something was found of.
    return principal !== undefined && actor?.isSuspicious === true && telling(actor, principal).length > 0
      ? actor
      : undefined;
  };
  const isSuspicious = (id: string): boolean => standing(id) !== undefined;
  const severe = new Set(
    actors
      .filter((actor) => actor.isSuspicious)
      .flatMap(({ telling }) => telling.filter(({ detection }) => SEVERE.indexOf(detection.level) >= 2))
      .map(deedOf),
  );
  // A binding is a link of a chain where its making is a finding: administrators bind roles all day.
  const isTelling = (deed: Deed): boolean => severe.has(`${deed.session.identity.name} ${deed.time}`);
  const origins = new Map<string, Origin>();
  for (const principal of principals.values()) {
    if (origins.size < MOST_TRACED && (!isControlLoop(principal.name) || isSuspicious(principal.id))) {
      origins.set(principal.id, traceOrigin(principal, facts, principals, isTelling));
    }
  }
  const tokens = bySession(facts.lineage.credentials.tokens());
  const used = new Set(facts.sessions.sessions().map(({ identity }) => identity.credential));
  const groups = groupRelated(origins, isSuspicious, (time) => isStartup(time, facts.bootstrapUntil));
  return groups
    .map((ids) => tell(ids, { facts, principals, origins, standing, tokens, used }))
    .sort((a, b) => b.score - a.score || (a.title < b.title ? -1 : 1));
}

function deedOf({ actor = "", time }: Finding): string {
  return `${actor} ${time}`;
}

interface Known {
  readonly facts: Facts;
  readonly principals: ReadonlyMap<string, Principal>;
  readonly origins: ReadonlyMap<string, Origin>;
  readonly standing: (id: string) => RankedActor | undefined;
  readonly tokens: (sessions: readonly Session[]) => readonly IssuedToken[];
  /** Credentials that a request in the log was made with. */
  readonly used: ReadonlySet<string | undefined>;
}

function tell(ids: readonly string[], known: Known): Story {
  const { principals, origins, standing } = known;
  const told = ids.map((id) => origins.get(id)).filter((origin) => origin !== undefined);
  const nodes = new Map(told.flatMap((origin) => [...origin.nodes]));
  const links = distinct(
    told.flatMap((origin) => origin.links),
    ({ from, to, kind, time }) => `${from}|${to}|${kind}|${time}`,
  );
  const ends = distinct(
    told.flatMap((origin) => origin.ends),
    ({ node, text }) => `${node}|${text}`,
  );
  const suspects = distinct(
    ids.map((id) => standing(id)).filter((actor) => actor !== undefined),
    ({ name }) => name,
  ).toSorted((a, b) => b.score - a.score);
  const inOrder = suspects.toSorted((a, b) => (firstSevere(a) < firstSevere(b) ? -1 : 1));
  const own = new Set(ids);
  const members = ids.map((id) => principals.get(id)).filter((principal) => principal !== undefined);
  const steps = [
    ...links.map((link): StoryStep => ({
      time: link.time,
      kind: "origin",
      actor: nodes.get(link.from)?.label ?? "",
      text: link.text,
      ...(link.place === undefined ? {} : { place: link.place }),
    })),
    ...suspects.flatMap((actor) => findingSteps(actor, members)),
    ...members.flatMap((principal) => firstActs(principal, known)),
    ...suspects.flatMap((actor) => otherSteps(actor, own, known)),
  ].toSorted((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
  const folded = foldActs(steps);
  const names = inOrder.map(({ name }) => shortName(name));
  return {
    title:
      names.length > MOST_NAMES
        ? `${names.slice(0, MOST_NAMES).join(", ")} and ${names.length - MOST_NAMES} more`
        : names.join(", "),
    score: suspects.reduce((points, { score }) => points + score, 0),
    actors: suspects.map(({ name }) => name),
    chapters: chaptersOf(members, links, ends, nodes, inOrder),
    steps: folded.length > MOST_STEPS ? [...folded.slice(0, MOST_STEPS / 2), ...folded.slice(-MOST_STEPS / 2)] : folded,
    nodes: [...nodes.values()],
    links,
    ends,
  };
}

/** Several detections of one request are one step: what was done, and all that is said about it. */
function findingSteps(actor: RankedActor, members: readonly Principal[]): readonly StoryStep[] {
  const own = members.filter(({ name }) => (name === "" ? NOT_AUTHENTICATED : name) === actor.name);
  const findings = [...new Set(own.flatMap((principal) => telling(actor, principal)))];
  return [...Map.groupBy(findings, ({ auditIDs, time }) => `${auditIDs[0]} ${time}`).values()].map((same) => {
    const [worst] = same.toSorted((a, b) => SEVERE.indexOf(b.detection.level) - SEVERE.indexOf(a.detection.level));
    const finding = worst as Finding;
    // A correlation counts requests; what this one did says another detection, if there is one.
    const ofOne =
      finding.correlation === undefined ? finding : same.find(({ correlation }) => correlation === undefined);
    const { summary } = ofOne ?? finding;
    const said = ofOne === undefined ? [finding.detection.title] : [];
    const titles = same.map(({ detection }) => detection.title).filter((title) => !said.includes(title));
    return {
      time: finding.time,
      kind: "finding",
      actor: shortName(actor.name),
      text: [summary, ...(titles.length === 0 ? [] : [titles.join("; ")])].join(": "),
      severity: finding.detection.level,
      finding,
    };
  });
}

const SEVERE: readonly Severity[] = ["informational", "low", "medium", "high", "critical"];

/** What was done between the findings. */
function otherSteps(actor: RankedActor, ids: ReadonlySet<string>, { facts }: Known): readonly StoryStep[] {
  return otherActs(actor, facts)
    .filter(({ touch }) => ids.has(principalId(touch.session)))
    .map((act) => ({
      time: act.time,
      kind: "act",
      actor: shortName(actor.name),
      text: actText(act),
      place: act.place,
      act,
    }));
}

/** When each way of acting began: the first request with a credential, by a program, from an address. */
function firstActs({ name, credential, sessions }: Principal, known: Known): readonly StoryStep[] {
  const acts = sessions.slice(0, 20).map((session): StoryStep => {
    const as = session.impersonated === undefined ? "" : ` as ${shortName(session.impersonated)}`;
    const text = `First seen: ${shortName(name)}${as} ${manner([session])} (${credentialName(credential)}), ${session.requests === 1 ? "one request" : `${session.requests} requests until ${session.last}`}`;
    return { time: session.first, kind: "act", actor: shortName(name), text, place: session.firstPlace };
  });
  const tokens = isControlLoop(name) ? [] : known.tokens(sessions);
  const unused = tokens
    .filter((token) => !known.used.has(token.credential))
    .map((token): StoryStep => ({
      time: token.time,
      kind: "act",
      actor: shortName(name),
      text: `${shortName(name)} took a token of service account ${token.namespace}/${token.serviceAccount} (${token.credential}). It is not used in this log: it may be used later, or elsewhere`,
      place: token.place,
    }));
  return [...acts, ...unused];
}

function chaptersOf(
  members: readonly Principal[],
  links: readonly ChainLink[],
  ends: readonly ChainEnd[],
  nodes: ReadonlyMap<string, ChainNode>,
  suspects: readonly RankedActor[],
): readonly Chapter[] {
  const names = new Set(suspects.map(({ name }) => name));
  const told = new Set(
    members.filter(({ name }) => names.has(name === "" ? NOT_AUTHENTICATED : name)).map(({ id }) => id),
  );
  const linksTo = Map.groupBy(links, ({ to }) => to);
  return suspects.flatMap((actor) =>
    members
      .filter(({ name }) => (name === "" ? NOT_AUTHENTICATED : name) === actor.name)
      .slice(0, MOST_CHAPTERS)
      .map((principal): Chapter => {
        const severe = telling(actor, principal).filter(({ detection }) => SEVERE.indexOf(detection.level) >= 2).length;
        const { came, above } = leadingTo(principal.id, linksTo, nodes);
        return {
          actor: actor.name,
          acted: `${manner(principal.sessions)} (${credentialName(principal.credential)}): ${severe === 1 ? "one finding" : `${severe} findings`} of severity medium or more`,
          came: came.slice(-8).map(({ time, text, place }) => ({ time, text, place })),
          ends: ends
            // Of another identity with a chapter of its own that chapter says it.
            .filter(({ node }) => node === principal.id || (above.has(node) && !told.has(node)))
            .slice(0, 4)
            .map(({ node, text }) =>
              node === principal.id ? text : `Before ${nodes.get(node)?.label ?? ""}: ${text}`,
            ),
        };
      }),
  );
}

/** The links that lead to a principal, through objects and certificate requests up to the next principals. */
function leadingTo(
  id: string,
  linksTo: ReadonlyMap<string, readonly ChainLink[]>,
  nodes: ReadonlyMap<string, ChainNode>,
): { readonly came: readonly ChainLink[]; readonly above: ReadonlySet<string> } {
  const came = new Set<ChainLink>();
  const above = new Set<string>();
  const open = [id];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const link of linksTo.get(at) ?? []) {
      came.add(link);
      if (!above.has(link.from) && nodes.get(link.from)?.kind !== "principal") {
        open.push(link.from);
      }
      above.add(link.from);
    }
  }
  return { came: [...came].sort((a, b) => (a.time < b.time ? -1 : 1)), above };
}

/** When the first finding of severity medium or more of an identity was; the order in which a story is told. */
function firstSevere({ telling, first }: RankedActor): string {
  return (
    telling
      .filter(({ detection }) => SEVERE.indexOf(detection.level) >= 2)
      .map(({ time }) => time)
      .sort()[0] ?? first
  );
}

/** The findings of an identity that were made with this credential, or whose event names none. */
function telling(actor: RankedActor, { credential }: Principal): readonly Finding[] {
  return actor.telling.filter((finding) => {
    const ids = finding.events.map(({ user }) => user.extra?.[CREDENTIAL_ID]?.[0]);
    return ids.includes(credential) || ids.every((id) => id === undefined);
  });
}

const MOST_CHAPTERS = 5;

function distinct<T>(values: readonly T[], key: (value: T) => string): readonly T[] {
  return [...new Map(values.map((value) => [key(value), value])).values()];
}
