import { safeText } from "@auditsieve/detect";
import type { Deed } from "../facts/credential-deeds.ts";
import { credentialName, principalId, principalsOf } from "../stories/principal.ts";
import { isLater, traceOrigin } from "../stories/trace-origin.ts";
import { objectKey } from "../facts/made-object.ts";
import type { Facts } from "../facts/gather-facts.ts";
import type { RankedActor } from "../facts/rank-actors.ts";
import type { Session, Touch } from "../facts/sessions.ts";
import type { Chosen } from "./choose-events.ts";
import type { ReportActor, ReportCredential, ReportRight, ReportTouch } from "./report-data.ts";
import type { ReportEvents } from "./report-events.ts";

const MOST_CREDENTIALS = 20;
const MOST_USES = 30;
const MOST_RIGHTS = 60;
const LONG = 400;

/** What the pages of actors need. */
export interface ActorContext {
  readonly facts: Facts;
  readonly chosen: Chosen;
  readonly events: ReportEvents;
  /** Index of an object's page, or -1. */
  readonly objectIndex: (key: string) => number;
}

/** The actors of a report: what is unusual, each credential with its origin and what it touched, what let them pass. */
export function describeActors(context: ActorContext): readonly ReportActor[] {
  const principals = principalsOf(context.facts.sessions.sessions());
  const isLaterHere = (deed: Deed): boolean => isLater(deed, context.facts);
  const touched = Map.groupBy(context.facts.sessions.touches(), ({ session }) => session);
  return context.chosen.actors.map((actor) => ({
    name: safeText(actor.name, LONG),
    score: actor.score,
    isSuspicious: actor.isSuspicious,
    isNew: actor.isNew,
    reasons: actor.reasons.map(({ points, text }) => ({
      points: Math.round(points * 10) / 10,
      text: safeText(text, LONG),
    })),
    first: actor.first,
    last: actor.last,
    requests: actor.requests,
    refused: actor.refused,
    writes: actor.writes,
    findings: actor.found,
    groups: actor.groups.slice(0, 30).map((group) => safeText(group, LONG)),
    impersonated: actor.impersonated.slice(0, 30).map((name) => safeText(name, LONG)),
    credentials: credentialsOf(actor),
    rights: describeRights(actor, context),
  }));

  function credentialsOf(actor: RankedActor): readonly ReportCredential[] {
    const groups = [...Map.groupBy(actor.sessions, principalId)].slice(0, MOST_CREDENTIALS);
    return groups.map(([id, sessions]) => {
      const principal = principals.get(id);
      const origin =
        principal === undefined ? undefined : traceOrigin(principal, context.facts, principals, isLaterHere);
      const all = sessions.reduce((total, session) => total + (touched.get(session)?.length ?? 0), 0);
      const ids = new Set(sessions.map((session) => session.id));
      const touches = (context.chosen.touches.get(actor) ?? []).filter(({ session }) => ids.has(session.id));
      return describeCredential(id, sessions, touches, all - touches.length, origin, context);
    });
  }
}

function describeCredential(
  id: string,
  sessions: readonly Session[],
  touches: readonly Touch[],
  touchedLeftOut: number,
  origin: ReturnType<typeof traceOrigin> | undefined,
  { events, objectIndex }: ActorContext,
): ReportCredential {
  const credential = sessions[0]?.identity.credential;
  return {
    id: safeText(credential ?? "", LONG),
    kind: safeText(credentialName(credential), LONG),
    first: sessions.map(({ first }) => first).sort()[0] ?? "",
    last:
      sessions
        .map(({ last }) => last)
        .sort()
        .at(-1) ?? "",
    requests: sessions.reduce((total, { requests }) => total + requests, 0),
    refused: sessions.reduce((total, { refused }) => total + refused, 0),
    uses: sessions.slice(0, MOST_USES).map((session) => ({
      sourceIP: safeText(session.sourceIP),
      userAgent: safeText(session.userAgent, LONG),
      impersonated: safeText(session.impersonated ?? "", LONG),
      first: session.first,
      last: session.last,
      requests: session.requests,
      refused: session.refused,
    })),
    origin: (origin?.links ?? [])
      .toSorted((a, b) => (a.time < b.time ? -1 : 1))
      .map(({ text, time, place }) => ({ text: safeText(text, 1_000), time, ...indexed(events.index(place)) })),
    ends: (origin?.ends ?? []).map(({ text }) => safeText(text, 1_000)),
    touched: touches.map((touch): ReportTouch => ({
      verb: safeText(touch.verb, 40),
      resource: safeText(touch.resource, LONG),
      namespace: safeText(touch.namespace, LONG),
      name: safeText(touch.name, LONG),
      requests: touch.requests,
      refused: touch.refused,
      first: touch.first,
      object: objectIndex(objectKey(touch.resource.replace(/\/.*$/, ""), touch.namespace, touch.name)),
      ...indexed(events.index(touch.place)),
    })),
    touchedLeftOut,
  };
}

function describeRights(actor: RankedActor, { facts, events, objectIndex }: ActorContext): readonly ReportRight[] {
  const allowed = facts.rights.allowedOf(actor.sessions);
  return [...Map.groupBy(allowed, ({ reason }) => reason).values()]
    .slice(0, MOST_RIGHTS)
    .map((same) => {
      const [first] = same.toSorted((a, b) => (a.first < b.first ? -1 : 1));
      const grant = first?.grant;
      const isScoped = grant?.kind === "RoleBinding";
      const slash = grant?.binding.indexOf("/") ?? -1;
      const name = isScoped && slash !== -1 ? grant.binding.slice(0, slash) : (grant?.binding ?? "");
      const namespace = isScoped && slash !== -1 ? grant.binding.slice(slash + 1) : "";
      const resource = `${(grant?.kind ?? "").toLowerCase()}s.rbac.authorization.k8s.io`;
      const made = facts.lineage.object(resource, namespace, name);
      return {
        reason: safeText(first?.reason ?? "", 600),
        requests: same.reduce((total, { requests }) => total + requests, 0),
        first: first?.first ?? "",
        last:
          same
            .map(({ last }) => last)
            .sort()
            .at(-1) ?? "",
        made:
          made === undefined
            ? "it stood before the log begins, or its creation is not recorded"
            : `made by ${safeText(made.session.identity.name, LONG)} at ${made.time}`,
        object: objectIndex(objectKey(resource, namespace, name)),
        ...indexed(events.index(first?.place)),
      };
    })
    .sort((a, b) => b.requests - a.requests);
}

/** A key only where there is an event. */
export function indexed(event: number | undefined): { readonly event?: number } {
  return event === undefined ? {} : { event };
}
