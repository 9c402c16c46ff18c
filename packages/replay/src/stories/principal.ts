import { program } from "../facts/rank-actors.ts";
import type { Identity } from "../facts/event-head.ts";
import type { Session } from "../facts/sessions.ts";

/** Who holds a credential: the same name with another credential is another principal, and may be another person. */
export interface Principal {
  readonly id: string;
  readonly name: string;
  readonly credential: string | undefined;
  readonly pod: Identity["pod"];
  readonly node: string | undefined;
  readonly sessions: Session[];
}

const MOST_PRINCIPALS = 5_000;

/** Sessions by who acted with which credential. */
export function principalsOf(sessions: readonly Session[]): ReadonlyMap<string, Principal> {
  const principals = new Map<string, Principal>();
  for (const session of sessions) {
    const id = principalId(session);
    const known = principals.get(id);
    if (known !== undefined) {
      known.sessions.push(session);
    } else if (principals.size < MOST_PRINCIPALS) {
      const { name, credential, pod, node } = session.identity;
      principals.set(id, { id, name, credential, pod, node, sessions: [session] });
    }
  }
  return principals;
}

/** The principal that a session belongs to. */
export function principalId({ identity }: Session): string {
  return `${identity.name}\n${identity.credential ?? identity.pod?.uid ?? ""}`;
}

/** Control planes, nodes and the controllers that a cluster brings with it: no chain leads through what they do all day. */
export function isControlLoop(name: string): boolean {
  return /^system:(?:apiserver$|kube-|node:|serviceaccount:kube-system:[a-z0-9-]*(?:controller|scheduler|collector|publisher|cleaner)$)/.test(
    name,
  );
}

/** `shop:web` of `system:serviceaccount:shop:web`, else the name itself. */
export function shortName(name: string): string {
  return name === "" ? "(not authenticated)" : name.replace(/^system:serviceaccount:/, "");
}

/** `token JTI=779e49ae…`, `certificate X509SHA256=5b957e94…`. */
export function credentialName(credential: string | undefined): string {
  if (credential === undefined) {
    return "no credential id in the log";
  }
  const kind = credential.startsWith("X509SHA256=") ? "certificate" : "token";
  return `${kind} ${credential.length > 24 ? `${credential.slice(0, 24)}…` : credential}`;
}

/** `with kubectl from 127.0.0.1`. */
export function manner(sessions: readonly Session[]): string {
  const programs = [...new Set(sessions.map(({ userAgent }) => program(userAgent)))].filter((each) => each !== "");
  const addresses = [...new Set(sessions.map(({ sourceIP }) => sourceIP))].filter((each) => each !== "");
  return [
    ...(programs.length > 0 ? [`with ${few(programs)}`] : []),
    ...(addresses.length > 0
      ? [`from ${few(addresses, addresses.some((each) => each.includes(" via ")) ? " and " : ", ")}`]
      : []),
  ].join(" ");
}

function few(values: readonly string[], between = ", "): string {
  return values.length > 3 ? `${values.slice(0, 3).join(between)} and ${values.length - 3} more` : values.join(between);
}
