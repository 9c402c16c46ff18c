import { connectionFault } from "../connection-fault.ts";
import type { ConnectionFault } from "../connection-fault.ts";
import { IngestError, reasonOf } from "../errors.ts";

/** Something that a user must be allowed to do, as ACLs name it. */
export interface KafkaRight {
  readonly operation: "Read" | "Write";
  readonly resource: "topic" | "group";
  readonly name: string;
  /** The right is for all names that begin so. */
  readonly isPrefix?: boolean;
}

const REFUSALS: Readonly<Record<string, KafkaRight["resource"] | "cluster">> = {
  TOPIC_AUTHORIZATION_FAILED: "topic",
  GROUP_AUTHORIZATION_FAILED: "group",
  CLUSTER_AUTHORIZATION_FAILED: "cluster",
};

const BROKERS_HINT = "Check brokers, tls and sasl, and that the topic exists and this user may use it and the group";
const CONNECTION_HINTS: Readonly<Record<ConnectionFault, string>> = {
  "unknown authority": "Give caFile: the certificate (PEM) of the authority that signed the brokers'",
  "certificate out of date": "Renew the brokers' certificates, or set the clock of this machine",
  "another name": "Name the brokers in brokers as their certificates do",
  "another protocol": "Check whether the brokers' listener speaks TLS, and set tls so",
  unreachable: "Check host and port of brokers, and that they run and can be reached from here",
};

/** What the library wraps errors into: the members that may hold the one that says what is wrong. */
interface Wrapped {
  readonly name?: unknown;
  readonly type?: unknown;
  readonly cause?: unknown;
  readonly originalError?: unknown;
  readonly errors?: unknown;
}

const MOST_WRAPS = 8;

/** The innermost error: what a broker or a connection said, not what was tried how often. */
function innermost(error: unknown): unknown {
  let at = error;
  for (let i = 0; i < MOST_WRAPS; i++) {
    const { cause, originalError, errors } = (at ?? {}) as Wrapped;
    const [first] = Array.isArray(errors) ? (errors as readonly unknown[]) : [];
    const inner = first ?? originalError ?? cause;
    if (inner === undefined || inner === null || inner === at) {
      break;
    }
    at = inner;
  }
  return at;
}

/** What reading a topic as a member of a group needs. */
export function rightsToRead(topic: string, groupId: string, isPrefix = false): readonly KafkaRight[] {
  return [
    { operation: "Read", resource: "topic", name: topic },
    { operation: "Read", resource: "group", name: groupId, isPrefix },
  ];
}

/** What writing to a topic needs: the right to do it idempotently comes along with it. */
export function rightsToWrite(topic: string): readonly KafkaRight[] {
  return [{ operation: "Write", resource: "topic", name: topic }];
}

/** What failed, with what is to be done about it. `rights`: those that it needs. */
export function failure(doing: string, cause: unknown, rights: readonly KafkaRight[] = []): IngestError {
  if (cause instanceof IngestError) {
    return cause;
  }
  const error = innermost(cause);
  return new IngestError("unreadable", `Cannot ${doing}: ${reasonOf(error)}`, { cause, hint: hintOf(error, rights) });
}

/** Whether brokers have only just begun to look after a group: of rights that says nothing. */
export function isStarting(error: unknown): boolean {
  const { type } = (innermost(error) ?? {}) as Wrapped;
  return type === "GROUP_LOAD_IN_PROGRESS" || type === "COORDINATOR_LOAD_IN_PROGRESS";
}

function hintOf(error: unknown, rights: readonly KafkaRight[]): string {
  const { type, name } = (error ?? {}) as Wrapped;
  const refused = REFUSALS[String(type)];
  if (refused !== undefined) {
    // A cluster's right stands for that of a topic and the other way round: which of them it is, nobody says.
    const missing = rights.filter(({ resource }) => resource === refused || refused === "cluster");
    return `Give this user the ACL ${describeRights(missing.length === 0 ? rights : missing)}; docs/ingest-sources.md lists all that it needs`;
  }
  // A group that may not be seen has no coordinator for this user.
  const groups = rights.filter(({ resource }) => resource === "group");
  if (name === "KafkaJSGroupCoordinatorNotFound" && groups.length > 0) {
    return `Give this user the ACL ${describeRights(groups)}; if it has that, the brokers are just starting`;
  }
  if (name === "KafkaJSSASLAuthenticationError") {
    return "Check mechanism, username and password, and that the listener of these brokers takes this mechanism";
  }
  const fault = connectionFault(reasonOf(error));
  return fault === undefined ? BROKERS_HINT : CONNECTION_HINTS[fault];
}

function describeRights(rights: readonly KafkaRight[]): string {
  const texts = rights.map(({ operation, resource, name, isPrefix }) => {
    const which = isPrefix === true ? `groups that begin with "${name}"` : `${resource} "${name}"`;
    return `${operation} on ${which}`;
  });
  return texts.length === 0 ? "that it lacks" : texts.join(" and ");
}
