/** A value that must be found nowhere once an event is redacted. Its letters in lower case are planted as well. */
export const CANARY = "Kanarie4711xyzzy";
export const JWT = `eyJhbGciOiJSUzI1NiJ9.${Buffer.from(`{"sub":"${CANARY}"}`).toString("base64url")}.c2lnbmF0dXJlLW9mLXRlbg`;
export const PEM = `-----BEGIN RSA PRIVATE KEY-----\nMIIE${CANARY}\nq1w2e3\n-----END RSA PRIVATE KEY-----\n`;
export const base64 = (text: string): string => Buffer.from(text).toString("base64");

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export function event(fields: { [key: string]: Json }): { [key: string]: Json } {
  return {
    kind: "Event",
    apiVersion: "audit.k8s.io/v1",
    level: "RequestResponse",
    auditID: "7f1c2d3e-0000-4000-8000-000000000001",
    stage: "ResponseComplete",
    requestURI: "/api/v1/namespaces/shop/pods",
    verb: "create",
    user: { username: "alice", groups: ["system:authenticated"] },
    sourceIPs: ["10.0.0.7"],
    userAgent: "kubectl/v1.37.2",
    objectRef: { resource: "pods", namespace: "shop", apiVersion: "v1" },
    responseStatus: { metadata: {}, code: 201 },
    ...fields,
    requestReceivedTimestamp: "2026-11-24T00:13:26.471919Z",
    stageTimestamp: "2026-11-24T00:13:26.481919Z",
    annotations: { "authorization.k8s.io/decision": "allow", ...(fields["annotations"] as object | undefined) },
  };
}

export const SECRETS = { resource: "secrets", namespace: "shop", apiVersion: "v1" };
const secretData = { password: base64(CANARY), "tls.key": base64(PEM) };
const lastApplied = {
  "kubectl.kubernetes.io/last-applied-configuration": `{"kind":"Secret","stringData":{"p":"${CANARY}"}}\n`,
};
const secret = {
  kind: "Secret",
  apiVersion: "v1",
  metadata: { name: "db", annotations: lastApplied, managedFields: [{ fieldsV1: { "f:data": { "f:password": {} } } }] },
  data: secretData,
  stringData: { plain: CANARY },
  type: "Opaque",
};

export function podWith(container: { [key: string]: Json }): { [key: string]: Json } {
  return event({ requestObject: { kind: "Pod", spec: { containers: [{ name: "c", image: "i:1", ...container }] } } });
}

export function exec(...args: readonly string[]): { [key: string]: Json } {
  const command = args.map((arg) => `command=${encodeURIComponent(arg).replaceAll("%20", "+")}`).join("&");
  return event({
    verb: "get",
    requestURI: `/api/v1/namespaces/shop/pods/tools/exec?${command}&container=tools&stdout=true`,
    objectRef: { resource: "pods", subresource: "exec" },
  });
}

const patch = (requestObject: Json): { [key: string]: Json } =>
  event({ verb: "patch", objectRef: SECRETS, requestObject });

/** For tests: events with the canary in every place that redaction knows, by the name of the place. */
export const PLACES: { readonly [place: string]: { [key: string]: Json } } = {
  "Secret in request and response": event({ objectRef: SECRETS, requestObject: secret, responseObject: secret }),
  "Secret by its kind alone": event({ objectRef: {}, requestObject: secret }),
  "Secret by the request URI alone": event({
    objectRef: {},
    requestURI: "/api/v1/namespaces/shop/%73ecrets/db",
    responseObject: { data: secretData },
  }),
  "Secret whose kind stands after its data": event({
    objectRef: {},
    requestObject: { data: secretData, kind: "Secret", stringData: { a: CANARY } },
  }),
  "items of a SecretList, which have no kind": event({
    objectRef: SECRETS,
    responseObject: { kind: "SecretList", items: [{ metadata: {}, data: secretData }, { data: secretData }] },
  }),
  "items of a List of mixed kinds": event({
    objectRef: {},
    requestObject: { kind: "List", items: [{ kind: "Pod", spec: {} }, secret] },
  }),
  "rows of a Table": event({
    objectRef: SECRETS,
    responseObject: { kind: "Table", rows: [{ cells: ["db", "Opaque", 1, "5d"], object: secret }] },
  }),
  PartialObjectMetadata: event({
    objectRef: SECRETS,
    responseObject: { kind: "PartialObjectMetadata", metadata: { annotations: lastApplied } },
  }),
  "merge patch": patch({ data: { a: base64(CANARY), gone: null }, stringData: { b: CANARY } }),
  "strategic merge patch": patch({ data: { $patch: "replace", a: base64(CANARY) } }),
  "merge patch with fields in another case": patch({ DATA: { a: base64(CANARY) }, StringData: { b: CANARY } }),
  "merge patch with what is no string": patch({ data: { a: { b: [CANARY] } }, stringData: [CANARY] }),
  "merge patch whose data is one string": patch({ data: CANARY }),
  "JSON patch of one value": patch([{ op: "replace", path: "/data/password", value: base64(CANARY) }]),
  "JSON patch of all data": patch([{ op: "add", path: "/data", value: { a: base64(CANARY) } }]),
  "JSON patch of the whole object": patch([{ op: "add", path: "", value: { data: { a: base64(CANARY) } } }]),
  "JSON patch whose value stands first": patch([{ value: base64(CANARY), path: "/stringData/a", op: "test" }]),
  "JSON patch without a path": patch([{ op: "add", value: base64(CANARY) }]),
  "JSON patch with a broken path": patch([{ op: "add", path: "data/x", value: base64(CANARY) }]),
  "JSON patch of a last-applied copy": event({
    requestObject: [
      { op: "add", path: "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration", value: CANARY },
    ],
  }),
  "JSON patch of the annotations": event({
    requestObject: [{ op: "add", path: "/metadata/annotations", value: lastApplied }],
  }),
  "JSON patch of a variable whose name it does not show": event({
    requestObject: [{ op: "replace", path: "/spec/template/spec/containers/0/env/3/value", value: CANARY }],
  }),
  "JSON patch of arguments": event({
    requestObject: [{ op: "replace", path: "/spec/template/spec/containers/0/args", value: ["--password", CANARY] }],
  }),
  "JSON patch of one argument": event({
    requestObject: [{ op: "replace", path: "/spec/template/spec/containers/0/args/1", value: `--password=${CANARY}` }],
  }),
  "body that is bare text": event({ objectRef: SECRETS, requestObject: `data: {a: ${CANARY}}` }),
  "last-applied copy of any object": event({ requestObject: { metadata: { annotations: lastApplied } } }),
  TokenRequest: event({
    objectRef: { resource: "serviceaccounts", subresource: "token" },
    responseObject: { kind: "TokenRequest", status: { token: CANARY, expirationTimestamp: "2026-11-24T01:26:34Z" } },
  }),
  TokenReview: event({
    objectRef: { resource: "tokenreviews" },
    requestObject: { kind: "TokenReview", spec: { token: CANARY } },
    responseObject: { kind: "TokenReview", spec: { token: CANARY }, status: { authenticated: false } },
  }),
  "parse error that quotes the body of a Secret": event({
    objectRef: SECRETS,
    responseStatus: { code: 400, message: `unable to parse {"data":{"a":"${CANARY}"}}` },
    responseObject: {
      kind: "Status",
      message: `Secret "x" is invalid: data[a]: Invalid value: "${CANARY}"`,
      details: { causes: [{ message: `Invalid value: "${CANARY}"`, field: "data[a]" }] },
    },
  }),
  "what a webhook patched into a Secret": event({
    objectRef: SECRETS,
    annotations: {
      "patch.webhook.admission.k8s.io/round_0_index_0": JSON.stringify({
        configuration: "w",
        patch: [{ op: "add", path: "/data/x", value: base64(CANARY) }],
        patchType: "JSONPatch",
      }),
    },
  }),
  "what a webhook patched into a Pod": event({
    annotations: {
      "patch.webhook.admission.k8s.io/round_0_index_0": JSON.stringify({
        patch: [{ op: "add", path: "/spec/containers/0/env/-", value: { name: "TOKEN", value: CANARY } }],
      }),
    },
  }),
  "manifest in a string of a custom resource": event({
    requestObject: { kind: "Bundle", spec: { raw: JSON.stringify({ list: JSON.stringify([secret]) }) } },
  }),
  "manifest with a number in a string": event({
    requestObject: {
      kind: "Bundle",
      spec: { raw: '{"kind":"Secret","data":{"pin":471147114711}}', key: CANARY.length },
    },
  }),
  "environment variable": podWith({ env: [{ name: "DB_PASSWORD", value: CANARY }] }),
  "environment variable whose value stands first": podWith({ env: [{ value: CANARY, name: "apiKey" }] }),
  "environment variable in a template": event({
    requestObject: {
      kind: "CronJob",
      spec: {
        jobTemplate: {
          spec: { template: { spec: { initContainers: [{ env: [{ name: "AUTH_TOKEN", value: CANARY }] }] } } },
        },
      },
    },
  }),
  "header of a probe": podWith({
    livenessProbe: { httpGet: { httpHeaders: [{ name: "Authorization", value: `Basic ${CANARY}` }] } },
  }),
  "arguments of a container": podWith({ command: ["app"], args: ["--db-password", CANARY, `--api-key=${CANARY}`] }),
  "command as a text": podWith({ command: `mysql -u root -p${CANARY}` }),
  "URL with a password": podWith({ env: [{ name: "DATABASE", value: `postgres://app:${CANARY}@db:5432/app` }] }),
  "URL with a token": podWith({ env: [{ name: "HOOK", value: `https://h.example/x?a=1&access_token=${CANARY}&b=2` }] }),
  "kubeconfig in a ConfigMap": event({
    objectRef: { resource: "configmaps" },
    requestObject: {
      kind: "ConfigMap",
      data: { kubeconfig: `clusters:\n- cluster: {server: https://h}\nusers:\n- user:\n    token: ${CANARY}\n` },
    },
  }),
  "credential of a webhook": event({ requestObject: { kind: "Alert", spec: { sink: { bearerToken: CANARY } } } }),
  "client key of a kubeconfig": event({ requestObject: { users: [{ user: { "client-key-data": base64(PEM) } }] } }),
  "JWT in a ConfigMap": event({
    objectRef: { resource: "configmaps" },
    requestObject: { data: { note: `a ${JWT} b` } },
  }),
  "PEM private key in a ConfigMap": event({ requestObject: { kind: "ConfigMap", data: { "id.pem": `x\n${PEM}y` } } }),
  "PEM private key that is cut off": event({ userAgent: PEM.slice(0, 60) }),
  "PEM private key in base64": event({ requestObject: { kind: "ConfigMap", data: { "id.pem": base64(PEM) } } }),
  "PEM private key in JSON in a string": event({
    requestObject: { kind: "ConfigMap", data: { json: JSON.stringify({ key: PEM }) } },
  }),
  "JWT in a user agent": event({ userAgent: `tool ${JWT}` }),
  "JWT in a name of a field": event({ requestObject: { metadata: { labels: { [JWT]: "x" } } } }),
  "JWT in the path": event({ requestURI: `/api/v1/namespaces/a/services/b/proxy/${JWT}/x` }),
  "JWT, percent-encoded in the path": event({
    requestURI: `/proxy/${[...Buffer.from(JWT)].map((byte) => `%${byte.toString(16)}`).join("")}/x`,
  }),
  "bearer token in a text": event({ requestObject: { message: `curl -H "Authorization: Bearer ${CANARY}" x` } }),
  "bearer token without a header": event({ userAgent: `x bearer ${CANARY}` }),
  "bootstrap token": event({ requestObject: { note: `kubeadm join --token kanari.${CANARY.toLowerCase()} --x` } }),
  "query parameter named token": event({ requestURI: `/x?pretty=1&access_token=${CANARY}&b=2` }),
  "query parameter named password, in disguise": event({ requestURI: `/x?p%61ssword=${encodeURIComponent(CANARY)}` }),
  "exec with --password=x": exec("mysql", `--password=${CANARY}`),
  "exec with --password x": exec("app", "--password", CANARY),
  "exec with -p x": exec("app", "-p", CANARY),
  "exec with -p x behind --": exec("kubectl", "exec", "db", "--", "app", "-p", CANARY),
  "exec of a shell with -p x behind --": exec("sh", "-c", `kubectl exec db -- app -p ${CANARY}`),
  "exec with -px": exec("mysqldump", "-uroot", `-p${CANARY}`),
  "exec of 7z": exec("7z", "x", `-p${CANARY}`),
  "exec of a shell with continued lines": exec("sh", "-c", `app \\\n  --password \\\n  ${CANARY} x`),
  "exec of a shell with a substitution": exec("sh", "-c", `TOKEN=$(curl --password ${CANARY} h) app`),
  "exec with a password of several words": exec("app", "--password", `one ${CANARY} & two`),
  "exec with --token=several words": exec("app", `--token=one;${CANARY} two`),
  "exec of a shell with PASSWORD=x": exec("sh", "-c", `export A=1; PGPASSWORD=${CANARY} psql -h db`),
  "exec of a shell with --password 'x y'": exec("sh", "-c", `mysql --password 'a ${CANARY}' -e "select 1"`),
  'exec of a shell with --password="x"': exec("sh", "-c", `app --password="a ${CANARY}" --verbose`),
  "exec of a shell in a shell": exec("bash", "-c", `sh -c "mysql -p${CANARY}"; echo done`),
  "exec with env": exec("env", `API_TOKEN=a b ${CANARY}`, "app"),
  "exec of curl with -u": exec("curl", "-u", `user:${CANARY}`, "https://h.example"),
  "exec of curl with a header": exec("curl", "-H", `X-Api-Key: a ${CANARY}`, "https://h.example"),
  "exec of curl with a bearer token": exec("curl", "-H", `Authorization: Bearer ${CANARY}`),
  "exec of a shell with a header": exec("sh", "-c", `curl -H 'Authorization: Bearer ${CANARY}' https://h`),
  "exec with a URL": exec("git", "clone", `https://bob:${CANARY}@git.example/x.git`),
  "exec with a slash in a URL's password": exec("app", `redis://:a/${CANARY}@h:1/0`),
  "exec with JSON": exec("app", `{"user":"bob","password":"${CANARY}"}`),
  "exec with a literal of a Secret": exec("sh", "-c", `kubectl create secret generic a --from-literal=b=${CANARY}`),
  "exec with SQL": exec("psql", "-c", `alter user app with password '${CANARY}'`),
  "exec with a JWT": exec("echo", JWT),
  "exec with a PEM private key": exec("sh", "-c", `echo "${PEM}" > k`),
  "cmd of the kubelet's run": event({
    requestURI: `/api/v1/nodes/n/proxy/run/shop/tools/tools?cmd=app+--password%3D${CANARY}`,
  }),
};
