import type { GrantedBy } from "../facts/rights.ts";
import type { ReplayLog } from "../lines/log-reader.ts";
import type { Facts } from "../facts/gather-facts.ts";
import { readAuditIDs } from "../facts/read-audit-ids.ts";
import type { Place } from "../facts/read-events.ts";
import type { Session, Touch } from "../facts/sessions.ts";
import { matches } from "../selection/text-pattern.ts";
import { broughtForth } from "./brought-forth.ts";
import type { BroughtForth } from "./brought-forth.ts";
import type { Deed } from "../facts/credential-deeds.ts";
import { isControlLoop, principalsOf, shortName } from "./principal.ts";
import type { Principal } from "./principal.ts";
import { isLater, traceOrigin } from "./trace-origin.ts";
import type { ChainEnd, ChainLink } from "./trace-origin.ts";

/** Which credentials are asked for. */
export interface CredentialQuestion {
  /**
   * `X509SHA256=…`, `JTI=…`, also its beginning as tables show it; or who holds it (`dev-dana`, `shop:web`), for all credentials of that
   * name. `*` stands for any text.
   */
  readonly credential: string;
  /** Only what was touched from this instant on. */
  readonly since?: string;
  /** And before this one. */
  readonly until?: string;
}

/** Everything that a log shows of one credential. */
export interface CredentialUse {
  readonly name: string;
  readonly credential: string | undefined;
  /** From where and by which program it was used, in order of time. */
  readonly sessions: readonly Session[];
  /** How it came to be, as far as the log goes, and where that ends. */
  readonly origin: { readonly links: readonly ChainLink[]; readonly ends: readonly ChainEnd[] };
  readonly broughtForth: readonly BroughtForth[];
  /** Credentials whose origin leads here, over however many hops: whoever had this one may have had them all. */
  readonly ledTo: readonly LedTo[];
  readonly allowed: readonly AllowedUse[];
  /** In order of time; of several addresses or programs together. */
  readonly touched: readonly TouchedTarget[];
}

/** A credential that was reached from another one, and used. */
export interface LedTo {
  readonly name: string;
  readonly credential: string | undefined;
  readonly first: string;
  readonly requests: number;
}

/** Something that was touched, how often. */
export type TouchedTarget = Omit<Touch, "session"> & {
  /** Who was impersonated for it. */
  readonly impersonated: string | undefined;
};

/** Why requests were let pass, and who made the binding behind that where the log shows it. */
export interface AllowedUse {
  /** As the authorizer gave it; empty where it gave none (system:masters, for one). */
  readonly reason: string;
  readonly grant: GrantedBy | undefined;
  readonly requests: number;
  readonly first: string;
  readonly last: string;
  readonly place: Place;
}

/** Uses of the credentials that were asked for. */
export interface CredentialUses {
  readonly uses: readonly CredentialUse[];
  /** auditID of the events behind what is told, by their places. */
  readonly auditIDs: ReadonlyMap<Place, string>;
  /** Credentials that match, but there was no room for. */
  readonly leftOut: number;
  /** Requests that are told under the name `*`, because there was no room for their own. */
  readonly folded: number;
  /** Where nothing matches: names and credentials of the log that are near. */
  readonly near: readonly string[];
}

/** What the table of sessions calls what it has no room for; no object is called so. */
const FOLDED = "*";
const MOST_USES = 50;
/** Origins looked at for what led to what. */
const MOST_TRACED = 2_000;
const MOST_NEAR = 8;
/** Of an id: shorter ones could mean many. */
const LEAST_BEGINNING = 12;

/**
 * Everything that one credential touched: a certificate cannot be revoked, so this is what has to be looked after when it leaked. The
 * logs are read once more, for the auditIDs of the events behind it.
 *
 * @example
 * const { uses } = await credentialUses({ credential: "X509SHA256=8d36ae5c…" }, { facts: gatherer.facts(), logs });
 */
export async function credentialUses(
  question: CredentialQuestion,
  { facts, logs }: { readonly facts: Facts; readonly logs: readonly ReplayLog[] },
): Promise<CredentialUses> {
  const principals = principalsOf(facts.sessions.sessions());
  const all = [...principals.values()];
  const asked = all.filter((principal) => isAsked(principal, question.credential));
  const touches = Map.groupBy(facts.sessions.touches(), ({ session }) => session);
  const telling = (deed: Deed): boolean => isLater(deed, facts);
  const traced = all
    .filter(({ name }) => !isControlLoop(name))
    .slice(0, MOST_TRACED)
    .map((principal) => ({ principal, ancestors: traceOrigin(principal, facts, principals, telling).ancestors }));
  const uses = asked.slice(0, MOST_USES).map((principal) => {
    const { name, credential, sessions } = principal;
    const { links, ends } = traceOrigin(principal, facts, principals, telling);
    return {
      name,
      credential,
      sessions: sessions.toSorted((a, b) => (a.first < b.first ? -1 : 1)),
      origin: { links: links.toSorted((a, b) => (a.time < b.time ? -1 : 1)), ends },
      broughtForth: broughtForth(sessions, facts),
      ledTo: traced.filter(({ ancestors }) => ancestors.has(principal.id)).map((each) => ledTo(each.principal)),
      allowed: allowedOf(sessions, facts),
      touched: targetsOf(
        sessions.flatMap((session) => touches.get(session) ?? []),
        question,
      ),
    };
  });
  return {
    uses,
    auditIDs: await readAuditIDs(
      uses.flatMap(({ origin, broughtForth: brought, allowed, touched }) =>
        [...origin.links, ...brought, ...allowed, ...touched].map(({ place }) => place),
      ),
      { facts, logs },
    ),
    leftOut: asked.length - uses.length,
    folded: uses
      .flatMap(({ touched }) => touched.filter(({ name }) => name === FOLDED))
      .reduce((sum, { requests }) => sum + requests, 0),
    near: asked.length > 0 ? [] : nearTo(question.credential, all),
  };
}

function ledTo({ name, credential, sessions }: Principal): LedTo {
  const first = sessions.reduce((to, session) => (session.first < to ? session.first : to), sessions[0]?.first ?? "");
  return { name, credential, first, requests: sessions.reduce((sum, { requests }) => sum + requests, 0) };
}

/** Tables and reports cut long ids, and leave out what every service account's name begins with. */
function isAsked({ name, credential = "" }: Principal, asked: string): boolean {
  const beginning = asked.replace(/…$/, "");
  return (
    (credential !== "" && matches(credential, asked)) ||
    (beginning.length >= LEAST_BEGINNING && credential.startsWith(beginning)) ||
    (name !== "" && (matches(name, asked) || matches(shortName(name), asked)))
  );
}

function nearTo(asked: string, all: readonly Principal[]): readonly string[] {
  const part = asked
    .replaceAll("*", "")
    .replace(/^.*[:=]/, "")
    .toLowerCase();
  const near = all.filter(
    ({ name, credential = "" }) => part !== "" && `${name} ${credential}`.toLowerCase().includes(part),
  );
  return [...new Set(near.map(({ name }) => name))].slice(0, MOST_NEAR);
}

function allowedOf(sessions: readonly Session[], facts: Facts): readonly AllowedUse[] {
  const byReason = Map.groupBy(facts.rights.allowedOf(sessions), ({ reason }) => reason);
  return [...byReason.values()]
    .map((same): AllowedUse => {
      const inOrder = same.toSorted((a, b) => (a.first < b.first ? -1 : 1));
      const [{ reason, grant, first, place }] = inOrder as [(typeof inOrder)[number]];
      const requests = same.reduce((sum, each) => sum + each.requests, 0);
      return { reason, grant, requests, first, last: latest(same), place };
    })
    .toSorted((a, b) => b.requests - a.requests);
}

function targetsOf(
  touches: readonly Touch[],
  { since = "", until = "~" }: CredentialQuestion,
): readonly TouchedTarget[] {
  const same = Map.groupBy(touches, ({ session: { impersonated = "" }, verb, resource, namespace, name }) =>
    [impersonated, verb, resource, namespace, name].join("\n"),
  );
  return [...same.values()]
    .map((each): TouchedTarget => {
      const inOrder = each.toSorted((a, b) => (a.first < b.first ? -1 : 1));
      const [first] = inOrder as [Touch];
      const { verb, resource, namespace, name, session } = first;
      // The event behind it is one that was let pass, where there is one.
      const { place } = inOrder.find(({ requests, refused }) => refused < requests) ?? first;
      return {
        impersonated: session.impersonated,
        verb,
        resource,
        namespace,
        name,
        first: first.first,
        last: latest(each),
        requests: each.reduce((sum, { requests }) => sum + requests, 0),
        refused: each.reduce((sum, { refused }) => sum + refused, 0),
        place,
      };
    })
    .filter(({ first, last }) => last >= since && first < until)
    .toSorted((a, b) => (a.first < b.first ? -1 : 1));
}

function latest(each: readonly { readonly last: string }[]): string {
  return each.reduce((to, { last }) => (last > to ? last : to), "");
}
