/** A column of a table or view of `query`, with what stands in it. */
export interface QueryColumn {
  readonly name: string;
  readonly type: string;
  readonly holds: string;
}

/** A table or view that queries may use. */
export interface QueryTable {
  readonly name: string;
  readonly holds: string;
  readonly columns: readonly QueryColumn[];
}

const column = (name: string, type: string, holds: string): QueryColumn => ({ name, type, holds });

/** One row for each event of the logs, in order of time; secrets are redacted. */
export const EVENTS: QueryTable = {
  name: "events",
  holds: "one row an audit event (a stage of a request), redacted",
  columns: [
    column("time", "TIMESTAMP", "stageTimestamp, UTC"),
    column("received", "TIMESTAMP", "requestReceivedTimestamp, UTC"),
    column("audit_id", "VARCHAR", "auditID; a client may choose it"),
    column("stage", "VARCHAR", "RequestReceived, ResponseStarted, ResponseComplete, Panic"),
    column("level", "VARCHAR", "Metadata, Request, RequestResponse"),
    column("verb", "VARCHAR", "verb of the request"),
    column("request_uri", "VARCHAR", "path and query"),
    column("actor", "VARCHAR", "user.username: who authenticated; null after a 401"),
    column("groups", "VARCHAR[]", "user.groups"),
    column("user_extra", "JSON", "user.extra"),
    column("impersonated", "VARCHAR", "impersonatedUser.username"),
    column("source_ips", "VARCHAR[]", "sourceIPs; only the last is the real peer"),
    column("user_agent", "VARCHAR", "userAgent; the client's own word"),
    column("api_group", "VARCHAR", "objectRef.apiGroup; empty for the core group"),
    column("resource", "VARCHAR", "objectRef.resource; null for requests about no resource"),
    column("subresource", "VARCHAR", "objectRef.subresource"),
    column("namespace", "VARCHAR", "objectRef.namespace"),
    column("name", "VARCHAR", "objectRef.name"),
    column("code", "INTEGER", "responseStatus.code; null at RequestReceived"),
    column("decision", "VARCHAR", "authorization.k8s.io/decision: allow, forbid"),
    column("reason", "VARCHAR", "authorization.k8s.io/reason: names the binding"),
    column("annotations", "JSON", "annotations"),
    column("request_object", "JSON", "requestObject"),
    column("response_object", "JSON", "responseObject"),
    column("log", "VARCHAR", "the log that the line stands in"),
    column("log_offset", "BIGINT", "bytes before the line in that log"),
  ],
};

/** One row for each finding. */
export const FINDINGS: QueryTable = {
  name: "findings",
  holds: "one row a finding of the detections",
  columns: [
    column("time", "TIMESTAMP", "when the apiserver received the request, UTC"),
    column("id", "VARCHAR", "the same for the same request and detection"),
    column("severity", "VARCHAR", "informational to critical"),
    column("detection", "VARCHAR", "title of the detection"),
    column("detection_id", "VARCHAR", "its id"),
    column("techniques", "VARCHAR[]", "ATT&CK techniques"),
    column("actor", "VARCHAR", "who authenticated"),
    column("impersonated", "VARCHAR", "who was impersonated"),
    column("outcome", "VARCHAR", "success, trial (changed nothing), denied, failure, unknown"),
    column("code", "INTEGER", "HTTP status"),
    column("namespace", "VARCHAR", "namespace of the object"),
    column("object", "VARCHAR", "pods/exec shop/tools"),
    column("summary", "VARCHAR", "what happened, in one line"),
    column("audit_ids", "VARCHAR[]", "auditIDs of the events"),
  ],
};

/** One row for each actor. */
const ACTORS: QueryTable = {
  name: "actors",
  holds: "one row an actor, made from events",
  columns: [
    column("actor", "VARCHAR", "who authenticated; null after a 401"),
    column("first_seen", "TIMESTAMP", "its first event"),
    column("last_seen", "TIMESTAMP", "its last event"),
    column("requests", "BIGINT", "requests with an answer"),
    column("refused", "BIGINT", "of these with 401 or 403"),
    column("writes", "BIGINT", "of these that change something"),
    column("source_ips", "VARCHAR[]", "real peers: the last address of each event"),
    column("user_agents", "VARCHAR[]", "what its clients called themselves"),
  ],
};

/** One row for each object. */
export const OBJECTS: QueryTable = {
  name: "objects",
  holds: "one row an object that was named in a request, made from events",
  columns: [
    column("api_group", "VARCHAR", "empty for the core group"),
    column("resource", "VARCHAR", "pods"),
    column("namespace", "VARCHAR", "null for objects of the cluster"),
    column("name", "VARCHAR", "name"),
    column("first_seen", "TIMESTAMP", "first event about it"),
    column("last_seen", "TIMESTAMP", "last event about it"),
    column("requests", "BIGINT", "requests with an answer"),
    column("writes", "BIGINT", "of these that changed it"),
    column("writers", "VARCHAR[]", "who changed it"),
  ],
};

/** All that a query may use, in the order of the documentation. */
export const QUERY_TABLES: readonly QueryTable[] = [EVENTS, FINDINGS, ACTORS, OBJECTS];

const WRITES = "verb IN ('create', 'update', 'patch', 'delete', 'deletecollection')";
/** One row a request: a long-running one has two stages behind RequestReceived. */
const ANSWERED = "stage IN ('ResponseComplete', 'Panic')";

/** Statements that make the tables and views. */
export const SCHEMA: readonly string[] = [
  ...[EVENTS, FINDINGS].flatMap(({ name, columns }) => [
    `CREATE TABLE ${rowsOf(name)} (attempt INTEGER, ${columns.map((each) => `"${each.name}" ${each.type}`).join(", ")})`,
    `CREATE VIEW ${name} AS SELECT * EXCLUDE (attempt) FROM ${rowsOf(name)}`,
  ]),
  `CREATE VIEW actors AS SELECT actor, min(time) AS first_seen, max(time) AS last_seen,
     count(*) FILTER (${ANSWERED}) AS requests,
     count(*) FILTER (${ANSWERED} AND code IN (401, 403)) AS refused,
     count(*) FILTER (${ANSWERED} AND ${WRITES}) AS writes,
     list_sort(list(DISTINCT source_ips[-1]) FILTER (source_ips IS NOT NULL)) AS source_ips,
     list_sort(list(DISTINCT user_agent) FILTER (user_agent IS NOT NULL)) AS user_agents
   FROM events GROUP BY actor`,
  `CREATE VIEW objects AS SELECT api_group, resource, namespace, name, min(time) AS first_seen, max(time) AS last_seen,
     count(*) FILTER (${ANSWERED}) AS requests,
     count(*) FILTER (${ANSWERED} AND ${WRITES} AND code < 300) AS writes,
     list_sort(list(DISTINCT actor) FILTER (${ANSWERED} AND ${WRITES} AND code < 300)) AS writers
   FROM events WHERE name IS NOT NULL AND resource IS NOT NULL
   GROUP BY api_group, resource, namespace, name`,
];

/** The table behind a view: its rows carry the number of the attempt, as a replay may begin anew. */
export function rowsOf(name: string): string {
  return `${name}_rows`;
}
