/** One attempt to have a line dropped as noise. */
export interface EvasionEntry {
  readonly id: string;
  readonly by: "client" | "crash" | "writer";
  readonly tries: string;
  /** The line that must be kept. */
  readonly line: Buffer;
  /** Only the exact mode sees it. */
  readonly needsVerify?: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

const NODE = { username: "system:node:n1", groups: ["system:nodes", "system:authenticated"] };
const SCHEDULER = { username: "system:kube-scheduler", groups: ["system:authenticated"] };
const JANE = { username: "jane", groups: ["dev", "system:authenticated"] };
const ANONYMOUS = { username: "system:anonymous", groups: ["system:unauthenticated"] };
const LEASE = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n1";
const LEASE_BODY = {
  kind: "Lease",
  metadata: { name: "n1" },
  spec: { holderIdentity: "n1", renewTime: "2026-11-24T00:12:19Z" },
};

function event(user: Fields, verb: string, uri: string, more: Fields = {}): string {
  const { auditID, impersonatedUser, userAgent = "x/1.0", code = 200, requestObject, ...others } = more;
  // In the order in which an apiserver writes them, and with its escapes.
  return JSON.stringify({
    kind: "Event",
    apiVersion: "audit.k8s.io/v1",
    level: "RequestResponse",
    auditID: auditID ?? "e380191e-4fd3-4b8c-9634-ddb7df1b1a1c",
    stage: "ResponseComplete",
    requestURI: uri,
    verb,
    user,
    ...(impersonatedUser === undefined ? {} : { impersonatedUser }),
    sourceIPs: ["192.0.2.7"],
    userAgent,
    responseStatus: { metadata: {}, code },
    ...(requestObject === undefined ? {} : { requestObject }),
    ...others,
    requestReceivedTimestamp: "2026-11-24T00:12:19.857508Z",
    stageTimestamp: "2026-11-24T00:12:19.858495Z",
    annotations: { "authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": "" },
  })
    .replaceAll("&", "\\u0026")
    .replaceAll("<", "\\u003c")
    .replaceAll(">", "\\u003e");
}

/** The event of a control loop that the others hide behind. */
export const NOISE: string = event(NODE, "update", LEASE, { requestObject: LEASE_BODY, responseObject: LEASE_BODY });
const DEED = event(JANE, "create", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", {
  requestObject: { roleRef: { name: "cluster-admin" } },
  code: 201,
});

const HEALTH: readonly EvasionEntry[] = [
  ["health-lookalike", "a path that only begins like a health endpoint", "/healthzz", "get", 200],
  ["health-post", "another verb on a health endpoint", "/healthz", "post", 200],
  ["health-refused", "a health endpoint that answers 403", "/livez", "get", 403],
  ["health-not-there", "a health endpoint with dots to somewhere else", "/livez/../api/v1/secrets", "get", 404],
].map(([id, tries, uri, verb, code]) =>
  client(id as string, tries as string, event(ANONYMOUS, verb as string, uri as string, { code })),
);

const CLIENT: readonly EvasionEntry[] = [
  client(
    "body-is-noise",
    "the request's body is an event of a kubelet",
    event(JANE, "create", "/api/v1/namespaces/shop/configmaps", { requestObject: JSON.parse(NOISE) as Fields }),
  ),
  client(
    "body-has-the-text",
    "a text in the body is an event of a kubelet",
    event(JANE, "create", "/api/v1/namespaces/shop/configmaps", { requestObject: { data: { log: NOISE } } }),
  ),
  client(
    "user-agent",
    "the user agent closes its string and names a kubelet",
    event(JANE, "delete", "/api/v1/nodes/n1", {
      userAgent: '","user":{"username":"system:node:n1","groups":["system:nodes"]},"x":"',
    }),
  ),
  client(
    "audit-id",
    "the Audit-ID header closes its string and names the apiserver",
    event(JANE, "delete", "/api/v1/nodes/n1", { auditID: '","user":{"username":"system:apiserver"},"x":"' }),
  ),
  client(
    "user-name-quote",
    "a name that begins like a control loop's and has a quote in it",
    event({ ...JANE, username: 'system:kube-scheduler"' }, "get", LEASE),
  ),
  client(
    "user-name-homoglyph",
    "a name in letters that only look like it",
    event({ ...JANE, username: "\u0455ystem:node:n1" }, "update", LEASE),
  ),
  client("user-name-case", "a name in capitals", event({ ...JANE, username: "SYSTEM:NODE:N1" }, "update", LEASE)),
  client(
    "group-space",
    "a group with a space behind it",
    event({ ...JANE, groups: ["system:nodes "] }, "update", LEASE),
  ),
  client(
    "group-joined",
    "a group that holds two names",
    event({ ...JANE, groups: ['dev","system:nodes'] }, "update", LEASE),
  ),
  client(
    "extra-has-groups",
    "groups in what an authenticator adds",
    event({ ...JANE, extra: { groups: ["system:nodes"] } }, "update", LEASE),
  ),
  client("query-has-the-path", "the lease's path in the query", event(NODE, "update", `/api/v1/nodes/n1?x=${LEASE}`)),
  client(
    "selector-names-it",
    "a field selector names a control loop's lease",
    event(
      SCHEDULER,
      "list",
      "/api/v1/namespaces/kube-system/secrets?fieldSelector=metadata.name%3Dkube-scheduler&limit=5",
    ),
  ),
  client(
    "path-encoded",
    "secrets written with a percent sign",
    event(NODE, "list", "/api/v1/namespaces/kube-system/%73ecrets"),
  ),
  client(
    "path-dots",
    "dots in the path of a lease",
    event(NODE, "update", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/../../secrets"),
  ),
  client("path-slashes", "a path with two slashes", event(NODE, "list", "//api/v1/namespaces/kube-system/secrets")),
  client("path-long", "a path of 60,000 letters", event(JANE, "get", `/${"a".repeat(60_000)}`)),
  client("subresource", "a subresource of what control loops write", event(NODE, "create", "/api/v1/nodes/n1/proxy")),
  client("verb-case", "a verb in capitals", event(NODE, "UPDATE", "/api/v1/namespaces/kube-system/configmaps/x")),
  client(
    "impersonation",
    "a kubelet's credential used to act as somebody else",
    event(NODE, "update", LEASE, { impersonatedUser: { username: "root", groups: ["system:masters"] } }),
  ),
  client("refused", "a kubelet's credential tried where it may not", event(NODE, "update", LEASE, { code: 403 })),
  client("not-logged-in", "a token that is refused", event({}, "get", LEASE, { code: 401 })),
  client(
    "exec",
    "a control loop's credential used for exec",
    event(SCHEDULER, "get", "/api/v1/namespaces/shop/pods/web/exec?command=sh", { code: 101 }),
  ),
  client(
    "secret",
    "a kubelet's credential used to read a secret",
    event(NODE, "get", "/api/v1/namespaces/kube-system/secrets/token"),
  ),
  client(
    "binding",
    "a control loop's credential used for what it never does",
    event(SCHEDULER, "create", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", { code: 201 }),
  ),
  client(
    "lease-elsewhere",
    "a kubelet's credential on a lease of another namespace",
    event(NODE, "update", "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-scheduler"),
  ),
  client(
    "deep-body",
    "a body 10,000 deep with a kubelet at its ground",
    event(JANE, "create", "/api/v1/namespaces/shop/configmaps", { requestObject: null }).replace(
      '"requestObject":null',
      `"requestObject":${"[".repeat(10_000)}${JSON.stringify(NODE)}${"]".repeat(10_000)}`,
    ),
  ),
  client(
    "key-order",
    "what a body says stands before what the event says",
    event(JANE, "delete", "/api/v1/nodes/n1", {
      requestObject: { verb: "update", requestURI: LEASE, user: NODE, level: "None" },
    }),
  ),
  ...HEALTH,
];

const inBody = NOISE.indexOf('"renewTime"');
const CRASH: readonly EvasionEntry[] = [
  crash(
    "torn-and-glued",
    "a heartbeat torn between two tokens of its body, the next line on the same line",
    NOISE.slice(0, inBody) + DEED,
  ),
  crash("torn-in-text", "torn inside a text, the next line on the same line", NOISE.slice(0, inBody + 20) + DEED),
  crash(
    "torn-in-head",
    "torn in the user's name, the next line on the same line",
    NOISE.slice(0, NOISE.indexOf("node:n1")) + DEED,
  ),
  crash(
    "torn-twice",
    "two torn lines and a whole one on one line",
    NOISE.slice(0, inBody + 20) + NOISE.slice(0, inBody + 3) + DEED,
  ),
  crash("torn-at-the-end", "torn before its last bracket, the next line on the same line", NOISE.slice(0, -1) + DEED),
  crash("two-on-a-line", "two whole lines without a newline between them", NOISE + DEED),
  crash("two-with-a-space", "two whole lines with a space between them", `${NOISE} ${DEED}`),
  crash("torn", "torn, and nothing behind it", NOISE.slice(0, -40)),
  crash("front-missing", "the front of a line is gone", NOISE.slice(300)),
  crash(
    "list",
    "the front of a line is gone, up to a list in its body with a heartbeat in it",
    `[${NOISE}]},"stageTimestamp":"2026-11-24T00:12:19.857508Z"}`,
  ),
  crash(
    "block-missing",
    "a block of the file is gone: the end of a heartbeat and the beginning of the next line",
    NOISE.slice(0, NOISE.indexOf('857508Z","stageTimestamp"')) + DEED.slice(DEED.indexOf("-4b8c")),
  ),
  crash(
    "page-of-nul",
    "a piece of the body became NUL",
    `${NOISE.slice(0, inBody)}${"\0".repeat(64)}${NOISE.slice(inBody + 64)}`,
  ),
  crash(
    "nul-and-glued",
    "NUL in place of the line's end, the next line behind it",
    NOISE.slice(0, -100) + "\0".repeat(100) + DEED,
  ),
  crash("nul-behind", "NUL behind a whole line", `${NOISE}\0\0\0\0`),
  crash("garbage-behind", "a whole line and what is no JSON", `${NOISE}xyz`),
  crash(
    "log-line-behind",
    "a whole line and a message of the apiserver's own log",
    `${NOISE}I1124 00:12:19.857508 1 trace.go:236] Trace`,
  ),
];

const WRITER: readonly EvasionEntry[] = [
  writer(
    "second-user",
    "a second user in the head",
    NOISE.replace('"sourceIPs"', '"user":{"username":"jane"},"sourceIPs"'),
    false,
  ),
  writer(
    "second-user-escaped",
    "a second user, its key written with an escape",
    NOISE.replace('"sourceIPs"', '"us\\u0065r":{"username":"jane"},"sourceIPs"'),
    false,
  ),
  writer("second-code", "a second code in the head", NOISE.replace('"code":200', '"code":200,"code":403'), false),
  writer("byte-order-mark", "a byte order mark before a line of two events", `\ufeff${NOISE}${DEED}`, false),
  writer(
    "claims-to-be-a-list",
    "an event that says it is a list of heartbeats",
    DEED.replace('"kind":"Event"', `"kind":"EventList","items":[${NOISE}]`),
    false,
  ),
  writer(
    "claims-to-be-a-record",
    "an event of no kind that says it is a provider's record of a heartbeat",
    DEED.replace('"kind":"Event"', `"properties":{"log":${JSON.stringify(NOISE)}},"kind":"Record"`),
    false,
  ),
  writer("user-is-text", "a user that is a text", NOISE.replace(/"user":\{[^}]*\}/, '"user":"system:node:n1"'), false),
  writer("code-is-huge", "a code that no number holds", NOISE.replace('"code":200', '"code":2e400'), false),
  writer(
    "overlong-utf-8",
    "a quote as overlong UTF-8 in a text of the head",
    Buffer.from(NOISE.replace("x/1.0", "x/\u00ff1")).toString("latin1").replace("\u00c3\u00bf", "\u00c0\u00a2"),
    false,
    "latin1",
  ),
  writer(
    "second-user-behind",
    "a second user behind the bodies",
    NOISE.replace('"requestReceivedTimestamp"', '"user":{"username":"jane"},"requestReceivedTimestamp"'),
    true,
  ),
  writer(
    "impersonation-behind",
    "an impersonated user behind the bodies",
    NOISE.replace('"requestReceivedTimestamp"', '"impersonatedUser":{"username":"root"},"requestReceivedTimestamp"'),
    true,
  ),
  writer(
    "comma-missing",
    "a body that is no JSON, with as many brackets",
    NOISE.replace('"n1","renewTime"', '"n1":"renewTime"'),
    true,
  ),
  writer("brackets-of-two-kinds", "a list closed as an object", NOISE.replace('"spec":{', '"spec":['), true),
];

export const ENTRIES: readonly EvasionEntry[] = [...CLIENT, ...CRASH, ...WRITER];

function client(id: string, tries: string, line: string): EvasionEntry {
  return { id, by: "client", tries, line: Buffer.from(line) };
}

function crash(id: string, tries: string, line: string): EvasionEntry {
  return { id, by: "crash", tries, line: Buffer.from(line) };
}

function writer(
  id: string,
  tries: string,
  line: string,
  needsVerify: boolean,
  encoding: "utf8" | "latin1" = "utf8",
): EvasionEntry {
  return { id, by: "writer", tries, line: Buffer.from(line, encoding), needsVerify };
}
