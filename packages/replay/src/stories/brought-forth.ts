import type { Facts } from "../facts/gather-facts.ts";
import type { Place } from "../facts/read-events.ts";
import type { Session } from "../facts/sessions.ts";
import { credentialName, shortName } from "./principal.ts";

/** What a credential left behind that may act by itself: it outlives the credential. */
export interface BroughtForth {
  readonly kind: "token" | "certificate" | "workload" | "rights";
  readonly time: string;
  readonly text: string;
  /** Of a token or a certificate: its id, as requests made with it carry it. */
  readonly credential: string | undefined;
  /** Requests that were made with it, or that it let pass, in this log. */
  readonly requests: number;
  readonly place: Place;
}

/**
 * Tokens that these sessions asked for, certificates that they had signed, workloads that they created and rights that they gave, in
 * order of time: whoever takes a credential away has to look after these too.
 */
export function broughtForth(sessions: readonly Session[], facts: Facts): readonly BroughtForth[] {
  const own = new Set(sessions);
  const used = new Map<string, number>();
  for (const { identity, requests } of facts.sessions.sessions()) {
    used.set(identity.credential ?? "", (used.get(identity.credential ?? "") ?? 0) + requests);
  }
  const all = [...tokens(own, facts, used), ...certificates(own, facts, used), ...workloads(own, facts)];
  return [...all, ...rights(own, facts)].toSorted((a, b) => (a.time < b.time ? -1 : 1));
}

type Used = ReadonlyMap<string, number>;

function* tokens(own: ReadonlySet<Session>, { lineage }: Facts, used: Used): Generator<BroughtForth, void> {
  for (const { session, credential, namespace, serviceAccount, boundTo, time, place } of lineage.credentials.tokens()) {
    if (own.has(session)) {
      const bound = boundTo === undefined ? "bound to nothing" : `bound to ${boundTo.kind} ${boundTo.name}`;
      const text = `token of service account ${namespace}/${serviceAccount} (${credential}), ${bound}`;
      yield { kind: "token", time, text, credential, requests: used.get(credential) ?? 0, place };
    }
  }
}

function* certificates(own: ReadonlySet<Session>, { lineage }: Facts, used: Used): Generator<BroughtForth, void> {
  for (const { name, made, approved, credential } of lineage.credentials.signingRequests()) {
    const deed = [made, approved].find((each) => each !== undefined && own.has(each.session));
    if (deed === undefined) {
      continue;
    }
    const did = [made, approved]
      .flatMap((each, i) => (each !== undefined && own.has(each.session) ? [i === 0 ? "made" : "approved"] : []))
      .join(" and ");
    const came = credential === undefined ? "no certificate of it in the log" : credentialName(credential);
    const requests = credential === undefined ? 0 : (used.get(credential) ?? 0);
    const text = `certificate request ${name}, ${did}: ${came}`;
    yield { kind: "certificate", time: deed.time, text, credential, requests, place: deed.place };
  }
}

function* workloads(own: ReadonlySet<Session>, { lineage }: Facts): Generator<BroughtForth, void> {
  for (const { key, session, time, place, serviceAccount, tokenFor } of lineage.objects()) {
    if (!own.has(session) || (serviceAccount === undefined && tokenFor === undefined)) {
      continue;
    }
    const what = tokenFor === undefined ? `to run as service account ${serviceAccount}` : `a token of ${tokenFor}`;
    yield { kind: "workload", time, text: `${key}, ${what}`, credential: undefined, requests: 0, place };
  }
}

function* rights(own: ReadonlySet<Session>, { lineage, rights: table }: Facts): Generator<BroughtForth, void> {
  const byBinding = Map.groupBy(table.allowed(), ({ grant }) => grant && `${grant.kind} ${grant.binding}`);
  for (const [binding, allowed] of byBinding) {
    const grant = allowed[0]?.grant;
    if (binding === undefined || grant === undefined) {
      continue;
    }
    const slash = grant.kind === "RoleBinding" ? grant.binding.indexOf("/") : -1;
    const name = slash === -1 ? grant.binding : grant.binding.slice(0, slash);
    const namespace = slash === -1 ? "" : grant.binding.slice(slash + 1);
    const made = lineage.object(`${grant.kind.toLowerCase()}s.rbac.authorization.k8s.io`, namespace, name);
    if (made === undefined || !own.has(made.session)) {
      continue;
    }
    const names = [...new Set(allowed.map(({ session }) => shortName(session.identity.name)))];
    const who = names.length > 5 ? `${names.slice(0, 5).join(", ")} and ${names.length - 5} more` : names.join(", ");
    yield {
      kind: "rights",
      time: made.time,
      text: `${grant.roleKind} ${grant.role} by ${binding}, which let ${who} pass`,
      credential: undefined,
      requests: allowed.reduce((sum, { requests }) => sum + requests, 0),
      place: made.place,
    };
  }
}
