import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { expectNoCanary } from "./redact/canary.suite.ts";
import {
  base64,
  CANARY,
  event,
  exec,
  JWT,
  type Json,
  PLACES,
  podWith,
  SECRETS,
} from "./redact/planted-events.suite.ts";
import { escapeAll, expectRestUnchanged, fuzzRedaction } from "./redact-fuzz.suite.ts";
import { createRedactor } from "./redact.ts";

const KEY = new Uint8Array(32).fill(7);
const redactor = createRedactor({ key: KEY });
const hash = (value: string): string =>
  `redacted:${createHmac("sha256", KEY).update(value).digest("hex").slice(0, 16)}`;
const REDACTED = /redacted:[0-9a-f]{16}/;

describe("redactLine leaves no canary in", () => {
  test.each(Object.entries(PLACES))("%s", (_, planted) => {
    const line = Buffer.from(JSON.stringify(planted));
    const redacted = redactor.redactLine(line);
    expectNoCanary(redacted, CANARY, CANARY.toLowerCase(), "471147114711", "q1w2e3q1w2e3");
    expect(redacted.toString()).toMatch(REDACTED);
    expectRestUnchanged(planted, JSON.parse(redacted.toString()) as Json);
    expect(redactor.redactLine(redacted)).toBe(redacted);
  });

  test.each(Object.entries(PLACES))("%s, all of it in JSON escapes", (_, planted) => {
    const plain = JSON.parse(redactor.redactLine(Buffer.from(JSON.stringify(planted))).toString()) as Json;
    const escaped = redactor.redactLine(Buffer.from(escapeAll(JSON.stringify(planted))));
    expectNoCanary(escaped, CANARY, CANARY.toLowerCase());
    expect(JSON.parse(escaped.toString())).toEqual(plain);
  });
});

describe("redactLine keeps", () => {
  const keep: { readonly [what: string]: string } = {
    "an event without secrets": JSON.stringify(
      podWith({ env: [{ name: "MODE", value: "fast" }], args: ["--port=80", "-v"] }),
    ),
    "ConfigMap values under telling names": JSON.stringify(
      event({
        objectRef: { resource: "configmaps" },
        requestObject: {
          kind: "ConfigMap",
          data: { password: "plain", token: "x y", args: "--password=z", stringy: "a" },
        },
      }),
    ),
    "public certificates and signing requests": JSON.stringify(
      event({
        requestObject: {
          data: { "ca.crt": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----" },
          spec: { request: base64("-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----") },
        },
      }),
    ),
    "continue tokens, which only look like a JWT's first part": JSON.stringify(
      event({ requestURI: `/api/v1/pods?continue=${base64('{"v":"meta.k8s.io/v1","rv":270,"start":"x"}')}&limit=500` }),
    ),
    "messages in the apiserver's own words": JSON.stringify(
      event({
        objectRef: SECRETS,
        responseStatus: { code: 404, message: 'secrets "db-credentials" not found' },
        responseObject: {
          kind: "Status",
          message:
            'secrets is forbidden: User "mallory" cannot list resource "secrets" in API group "" at the cluster scope',
        },
      }),
    ),
    "arguments without credentials": JSON.stringify(
      exec(
        "sh",
        "-c",
        "mkdir -p /data && ps -p 1 && ssh -p 22 h && echo $TOKEN --token-file=/x --password=$(PASS) -u root",
      ),
    ),
    "a cluster's own users, key files and keys of maps in arguments": JSON.stringify(
      exec(
        "sh",
        "-c",
        `kubectl create clusterrolebinding x --user=system:anonymous; curl --key a.key; kubectl patch node n -p {"key":"a"}`,
      ),
    ),
    "references to secrets": JSON.stringify(
      podWith({
        env: [{ name: "DB_PASS", valueFrom: { secretKeyRef: { name: "db", key: "password" } } }],
        volumeMounts: [{ name: "token", mountPath: "/var/run/secrets/kubernetes.io/serviceaccount" }],
      }),
    ),
    "empty values": JSON.stringify(event({ requestObject: { kind: "TokenRequest", status: { token: "" } }, data: {} })),
    "names and types of Secrets": JSON.stringify(
      event({ objectRef: SECRETS, requestObject: [{ op: "add", path: "/metadata/labels/a", value: "b" }] }),
    ),
  };
  test.each(Object.entries(keep))("%s, as the same buffer", (_, text) => {
    const line = Buffer.from(text);
    expect(redactor.redactLine(line).toString()).toBe(text);
    expect(redactor.redactLine(line)).toBe(line);
  });

  test("numbers, the order of keys, escapes, spaces and keys that occur twice, byte for byte", () => {
    const text = String.raw`{ "b":1.0e+02,"a":12345678901234567890, "x":"\u00e9\/\u003c", "kind":"Secret","data":{"k":"${CANARY}","k":"\u0041"},
      "data" : { "n":null, "m": 1.50 },"z":-0 }`;
    const redacted = redactor.redactLine(Buffer.from(text)).toString();
    expect(redacted).toBe(
      text
        .replace(CANARY, hash(CANARY))
        .replace(String.raw`"\u0041"`, `"${hash("A")}"`)
        .replace("1.50", `"${hash("1.50")}"`),
    );
  });

  test("bytes that are no UTF-8", () => {
    const line = Buffer.concat([
      Buffer.from('{"x":"'),
      Buffer.from([0xff, 0xc3]),
      Buffer.from(`","stringData":{"a":"${CANARY}"}}`),
    ]);
    const redacted = redactor.redactLine(line);
    expect(redacted.subarray(0, 9)).toEqual(line.subarray(0, 9));
    expectNoCanary(redacted, CANARY);
  });

  test("the rest of a request URI, and its encoding", () => {
    const line = JSON.stringify(
      exec("sh", "-c", `app --password=${CANARY} --verbose && curl "https://h/?a=1&token=${CANARY}&b=2"`),
    );
    const uri = (JSON.parse(redactor.redactLine(Buffer.from(line)).toString()) as { requestURI: string }).requestURI;
    const query = new URL(uri, "https://apiserver.example").searchParams;
    expect(query.getAll("command").slice(0, 2)).toEqual(["sh", "-c"]);
    const hash = REDACTED.exec(uri)?.[0] ?? "";
    expect(query.getAll("command")[2]).toBe(
      `app --password=${hash} --verbose && curl "https://h/?a=1&token=${hash}&b=2"`,
    );
    expect(query.get("container")).toBe("tools");
  });
});

describe("redactLine", () => {
  test("gives the same value the same hash wherever it stands, and another key another hash", () => {
    const line = Buffer.from(
      JSON.stringify({
        ...exec("app", "--password", "hunter2!"),
        requestObject: { env: [{ name: "PASSWORD", value: "hunter2!" }], stringData: { a: "hunter2!", b: "hunter3!" } },
      }),
    );
    const hashes = redactor.redactLine(line).toString().match(new RegExp(REDACTED, "g")) ?? [];
    expect(hashes.length).toBe(4);
    expect(new Set(hashes.slice(0, 3)).size).toBe(1);
    expect(hashes[3]).not.toBe(hashes[0]);
    const other = createRedactor({ key: new Uint8Array(32).fill(8) });
    expect(other.redactLine(line).toString()).not.toContain(hashes[0]);
  });

  test("takes names of the user's own: fields, variables, flags, parameters", () => {
    const own = createRedactor({ key: KEY, extraNames: ["geheimnis"] });
    for (const planted of [
      event({ requestObject: { spec: { Geheimnis: CANARY } } }),
      podWith({ env: [{ name: "GEHEIMNIS", value: CANARY }] }),
      exec("app", "--geheimnis", CANARY),
      event({ requestURI: `/x?geheimnis=${CANARY}` }),
    ]) {
      const line = Buffer.from(JSON.stringify(planted));
      expectNoCanary(own.redactLine(line), CANARY);
      expect(redactor.redactLine(line)).toBe(line);
    }
  });

  test("redacts at a depth of 10,000 without recursion", () => {
    const deep = `${'{"a":['.repeat(5000)}{"kind":"Secret","data":{"x":"${CANARY}"}}${"]}".repeat(5000)}`;
    const redacted = redactor.redactLine(Buffer.from(deep));
    expectNoCanary(redacted, CANARY);
    expect(redacted.toString().replace(REDACTED, CANARY)).toBe(deep);
  });

  const hostile: { readonly [what: string]: string } = {
    "starts of tokens": "eyJ".repeat(75_000),
    "starts of tokens with dots": "eyJa.".repeat(50_000),
    "starts of private keys": "-----BEGIN PRIVATE KEY----- ".repeat(7_500),
    "base64 starts": "ZXlK ".repeat(50_000),
    "URL starts": "://a:b".repeat(37_500),
    "URL starts with slashes": "://a:b/".repeat(37_500),
    bearers: "bearer ".repeat(37_500),
    authorizations: "authorization:".repeat(17_500),
    quotes: `://x ${'password="'.repeat(22_500)}`,
    "user flags": `-u=`.repeat(75_000),
    "user flags apart": `-u a `.repeat(50_000),
    literals: `--from-literal a `.repeat(12_500),
    names: `token`.repeat(50_000),
    paths: `/a`.repeat(125_000),
    escapes: '\\"\u0001'.repeat(25_000),
    "query parts": "://?token=&".repeat(22_500),
    dashes: "-".repeat(250_000),
    blanks: ` \t`.repeat(125_000),
    sql: `password 'password "`.repeat(12_500),
    kubeconfig: `clusters users :// ${"token: ".repeat(25_000)}`,
  };
  test.each(Object.entries(hostile))("needs no quadratic time for long runs of %s", (_, text) => {
    for (const planted of [
      podWith({ args: [text], image: `${text} https://`, command: ["sh", "-c", text] }),
      event({ requestURI: `/x?command=${encodeURIComponent(text)}&x=${text.replaceAll('"', "")}` }),
    ]) {
      redactor.redactLine(Buffer.from(JSON.stringify(planted)));
    }
  });

  test("refuses a key that can be guessed", () => {
    expect(() => createRedactor({ key: new Uint8Array(3) })).toThrow(/the key has 3 bytes/);
    const late = createRedactor({ key: () => new Uint8Array(3) });
    expect(() => late.redactUndecodable(Buffer.from("torn"))).toThrow(/the key has 3 bytes/);
  });

  test("createRedactor asks for a key that is made once, when there is something to hash", () => {
    let asked = 0;
    const late = createRedactor({ key: () => ((asked += 1), KEY) });
    const line = Buffer.from(JSON.stringify(event({ requestURI: "/api/v1/nodes" })));
    expect(late.redactLine(line)).toBe(line);
    expect(asked).toBe(0);
    const torn = Buffer.from("torn");
    expect(late.redactUndecodable(torn)).toEqual(redactor.redactUndecodable(torn));
    expect(late.redactUndecodable(torn)).toEqual(redactor.redactUndecodable(torn));
    expect(asked).toBe(1);
  });
});

describe("redactUndecodable", () => {
  const broken: { readonly [what: string]: Buffer } = {
    "a torn line": Buffer.from(JSON.stringify(PLACES["TokenRequest"])).subarray(0, -40),
    "the end of a line": Buffer.from(JSON.stringify(PLACES["TokenRequest"])).subarray(300),
    "a line filled with NUL": Buffer.concat([Buffer.from(`{"token":"${CANARY}`), Buffer.alloc(4096)]),
    "two lines glued": Buffer.from(`{"token":"${CANARY}"}{"token":"${CANARY}"}`),
    "no JSON": Buffer.from(CANARY),
  };
  test.each(Object.entries(broken))("keeps only size and hash of %s, also when it comes to redactLine", (_, line) => {
    const redacted = redactor.redactLine(line);
    expect(redacted.toString()).toMatch(/^undecodable line of [0-9]+ bytes redacted:[0-9a-f]{16}$/);
    expect(redacted.toString()).toContain(` ${line.length} bytes`);
    expect(redactor.redactUndecodable(line)).toEqual(redacted);
    expect(redactor.redactUndecodable(redacted)).toBe(redacted);
    expect(redactor.redactLine(redacted)).toBe(redacted);
  });
});

test("redactText replaces what is a credential by its shape and leaves the rest", () => {
  expectNoCanary(
    redactor.redactText(`Cannot send: Authorization: Bearer ${CANARY}, ${JWT} to https://u:${CANARY}@h`),
    CANARY,
  );
  expect(redactor.redactText("Cannot open ünï.log: no such file")).toBe("Cannot open ünï.log: no such file");
});

describe("for generated events, redactLine", () => {
  fuzzRedaction(60);
});
