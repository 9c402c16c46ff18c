import { isByHand } from "../facts/rank-actors.ts";
import type { RankedActor } from "../facts/rank-actors.ts";
import type { Facts } from "../facts/gather-facts.ts";
import type { Act } from "../facts/sessions.ts";
import { isControlLoop, shortName } from "./principal.ts";

const MOST = 400;
const PROBES: ReadonlySet<string> = new Set(["/healthz", "/livez", "/readyz"]);
/** What kubectl loads before each write: it tells nothing of who writes. */
const SCHEMA = /^\/openapi\/v[23](?:$|\/)/;

/**
 * What an identity that stands out did besides its findings: a responder wants to see these requests between them. What a node or
 * a controller does all day by its own program is left out, and probes and the schema that clients load are.
 */
export function otherActs(actor: RankedActor, facts: Facts): readonly Act[] {
  const found = new Set(actor.findings.map(({ time }) => time));
  return actor.sessions
    .filter(({ userAgent }) => !isControlLoop(actor.name) || isByHand(userAgent))
    .flatMap((session) => facts.sessions.acts(session))
    .filter(({ time, touch }) => !found.has(time) && !PROBES.has(touch.resource) && !SCHEMA.test(touch.resource))
    .sort((a, b) => (a.time < b.time ? -1 : 1))
    .slice(0, MOST);
}

/** `ops-carol: get pods/log payments/db-0 (200)`. */
export function actText({ touch, code }: Act): string {
  const { session, verb, resource, namespace, name } = touch;
  const who = shortName(session.identity.name);
  const as = session.impersonated === undefined ? "" : ` as ${shortName(session.impersonated)}`;
  const place = [namespace, name].filter((part) => part !== "").join("/");
  return `${who}${as}: ${verb} ${resource}${place === "" ? "" : ` ${place}`}${code === 0 ? "" : ` (${code})`}`;
}
