import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { loadDetections } from "@auditsieve/detect";
import { readConfig } from "./config.ts";
import type { ConfigReferences } from "./config-reader.ts";
import { makeCertificate } from "../sources/certificate.suite.ts";

const POLICY = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{ level: None, verbs: [watch] }]";
const AUTHORITY = makeCertificate("ca");
const SERVER = makeCertificate("server", AUTHORITY);
const FILES: Readonly<Record<string, string>> = {
  "/etc/key": `${"k".repeat(40)}\n`,
  "/etc/empty": " \n",
  "/etc/ca.crt": AUTHORITY.cert,
  "/etc/ca.key": AUTHORITY.key,
  "/etc/tls.crt": SERVER.cert,
  "/etc/tls.key": SERVER.key,
};
const references: ConfigReferences = {
  env: (name) => ({ ES_PASSWORD: "s3cret-from-env", ES_HOST: "es.example" })[name],
  readFile: (path) => {
    const text = FILES[path];
    if (text === undefined) {
      throw new Error("no such file");
    }
    return text;
  },
  policy: (name) => {
    if (name !== "control-loops") {
      throw new Error("no such file");
    }
    return POLICY;
  },
  detections: () => [],
};

const GOOD = `
cluster: prod
stateFolder: /var/lib/auditsieve
keys: { redaction: "file:/etc/key", id: "file:/etc/key" }
sources:
  - { type: file, path: /var/log/audit.log }
sinks:
  - type: elasticsearch
    node: https://\${ES_HOST}:9200
    username: elastic
    password: \${ES_PASSWORD}
  - type: file
    folder: /var/lib/auditsieve/store
`;

describe("readConfig", () => {
  test("resolves references and fills in what is absent", () => {
    const { config, problems } = readConfig(GOOD, references);
    expect(problems).toEqual([]);
    expect(config).toMatchObject({
      cluster: "prod",
      redactionKey: Buffer.from("k".repeat(40)),
      sources: [{ type: "file", name: "audit", paths: ["/var/log/audit.log"] }],
      sinks: [
        {
          type: "elasticsearch",
          name: "elasticsearch",
          feed: "findings",
          node: "https://es.example:9200",
          auth: { username: "elastic", password: "s3cret-from-env" },
          namespace: "default",
        },
        { type: "file", name: "file", feed: "kept" },
      ],
    });
    expect(config?.sinks[1]?.policy).toBeDefined();
  });

  test("reads the address out of a cloud id, and the lifecycle of the data stream", () => {
    const node = "node: https://${ES_HOST}:9200";
    const cloudId = (place: string): string => `cloudId: "prod:${Buffer.from(place).toString("base64")}"`;
    for (const [place, address, lifecycle, expected] of [
      ["eu.cloud.example$abc123$kib", "https://abc123.eu.cloud.example:443", "retention: 90d", { retention: "90d" }],
      ["eu.cloud.example:9243$abc123", "https://abc123.eu.cloud.example:9243", "ilmPolicy: p", { ilmPolicy: "p" }],
    ] as const) {
      const { config, problems } = readConfig(GOOD.replace(node, `${cloudId(place)}\n    ${lifecycle}`), references);
      expect(problems).toEqual([]);
      expect(config?.sinks[0]).toMatchObject({ node: address, lifecycle: expected });
    }
    for (const [given, message] of [
      [`${node}\n    ${cloudId("eu.cloud.example$abc")}`, /node and cloudId/],
      ["cloudId: nonsense", /cloudId is none/],
      [cloudId("evil.example/$a"), /cloudId is none/],
      [cloudId("evil.example$user@other"), /cloudId is none/],
      [`${node}\n    retention: forever`, /retention is no time/],
      [`${node}\n    retention: 90d\n    ilmPolicy: p`, /retention and ilmPolicy/],
    ] as const) {
      const { config, problems } = readConfig(GOOD.replace(node, given), references);
      expect(config).toBeUndefined();
      expect(problems.some((problem) => message.test(problem.message))).toBe(true);
    }
  });

  test("returns every problem at once, with line and path", () => {
    const { config, problems } = readConfig(
      `
stateFolder: x
keys: { redaction: short }
sources:
  - { type: carrier-pigeon, path: a }
  - { type: file, name: "Bad Name", path: "", typo: 1 }
sinks:
  - { type: elasticsearch, node: "https://u:p@host", username: only, policy: mine }
  - { type: file, feed: sometimes, folder: "", maxFileAgeMs: 1, policy: mine }
  - { type: file, folder: f, node: "http://x", maxFileBytes: 5 }
limits: { drainMs: soon, maxLineBytes: 1 }
detections: [1]
`,
      references,
    );
    expect(config).toBeUndefined();
    expect(problems.map(({ line, path }) => `${line} ${path}`)).toEqual([
      "2 ",
      "3 keys.redaction",
      "5 sources[0].type",
      "6 sources[1].typo",
      "6 sources[1].name",
      "6 sources[1].path",
      "8 sinks[0].policy",
      "8 sinks[0].node",
      "8 sinks[0]",
      "9 sinks[1].feed",
      "9 sinks[1].policy",
      "9 sinks[1].folder",
      "9 sinks[1].maxFileAgeMs",
      "10 sinks[2].node",
      "10 sinks[2].maxFileBytes",
      "11 limits.maxLineBytes",
      "11 limits.drainMs",
      "12 detections",
    ]);
    for (const { message, hint } of problems) {
      expect(message).toMatch(/^Cannot use the configuration: /);
      expect(hint).toBeTruthy();
    }
  });

  test.each([
    ["", /must be one YAML document/],
    ["a: [", /Cannot parse YAML/],
    ["- 1", /must be a map/],
    [GOOD.replace("cluster: prod", ""), /cluster is missing/],
    [GOOD.replace("ES_HOST", "NOWHERE"), /environment variable NOWHERE, which is not set/],
    [GOOD.replace("file:/etc/key", "file:/etc/none"), /names the file "\/etc\/none": no such file/],
    [GOOD.replace("cluster: prod", 'cluster: ""'), /cluster is empty/],
    // As a secret that is just being written: an empty token would let everybody in.
    [GOOD.replace("password: ${ES_PASSWORD}", "password: file:/etc/empty"), /password names a file that is empty/],
    [GOOD.replace("username: elastic", "caFile: /etc/key"), /caFile holds no certificate/],
    [GOOD.replace("username: elastic", "apiKey: a"), /username and password belong together/],
    [`${GOOD}  - { type: file, folder: other }\n`, /same name as sinks\[1\]/],
    [`${GOOD}  - { type: store, folder: /var/lib/auditsieve/other/../store }\n`, /same folder as sinks\[1\]/],
    [`${GOOD}  - { type: store, folder: /var/lib/auditsieve/ }\n`, /sinks\[2\] has the stateFolder as its folder/],
    [GOOD.replace("type: file\n", "type: file\n    policy: mine\n"), /policy "mine" cannot be read/],
    // A timer of the platform does not wait for longer, but not at all.
    [`${GOOD}limits: { drainMs: 2147483648 }\n`, /limits.drainMs must be a whole number from 1 to 2147483647/],
    [`${GOOD}limits: { maxBatchAgeMs: 3e9 }\n`, /limits.maxBatchAgeMs must be a whole number from 1/],
    [`${GOOD}  - { type: kafka, brokers: ["k:65536"], topic: t }\n`, /brokers\[0\] must be a host and a port/],
    [`${GOOD}metrics: { listen: "127.0.0.1:65536" }\n`, /metrics.listen is no address and port/],
  ])("says what is wrong in %#", (text, message) => {
    const { config, problems } = readConfig(text, references);
    expect(config).toBeUndefined();
    expect(problems.some((problem) => message.test(problem.message))).toBe(true);
  });

  test("tunes detections by exceptions files, whose problems have their place", () => {
    const detections = `title: T
id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10
level: high
logsource: { product: kubernetes }
detection: { s: { verb: delete }, condition: s }`;
    const exception = `title: E
id: e1
description: why
author: us
logsource: { product: kubernetes }
auditsieve: { expires: never }
filter: { rules: [t], s: { user.username: ops }, condition: not s }`;
    const read = (text: string): ReturnType<typeof readConfig> =>
      readConfig(`${GOOD}exceptions: [/etc/exceptions.yml]\n`, {
        ...references,
        detections: () => [{ file: "t.yml", text: detections }],
        readFile: (path) => (path === "/etc/exceptions.yml" ? text : references.readFile(path)),
      });
    const { config, problems } = read(exception);
    expect(problems).toEqual([]);
    expect(config?.detections.detections).toMatchObject([{ exceptions: [{ id: "e1", owner: "us" }] }]);
    expect(read(exception.replace("author: us\n", "")).problems).toMatchObject([
      { path: "exceptions", severity: "error", message: expect.stringContaining("/etc/exceptions.yml:1: ") as string },
    ]);
    expect(readConfig(`${GOOD}exceptions: [/none.yml]\n`, references).config).toBeUndefined();
    expect(readConfig(`${GOOD}exceptions: none.yml\n`, references).problems).toMatchObject([{ path: "exceptions" }]);
  });

  test("says of warnings of detections that they are warnings, and gives a hint where there is one", () => {
    const text =
      "{title: T, id: no-uuid, level: low, logsource: {product: kubernetes}, detection: {s: {verb: get}, condition: s}}";
    const { problems } = readConfig(`${GOOD}detections: [t.yml]\n`, {
      ...references,
      detections: () => [
        { file: "t.yml", text },
        { file: "u.yml", text: "title: [" },
      ],
    });
    expect(problems.map(({ severity, message, hint }) => [severity, message.slice(0, 52), hint === undefined])).toEqual(
      [
        ["warning", "Cannot fully trust the configuration: t.yml:1: Canno", false],
        ["error", "Cannot use the configuration: u.yml:1: Cannot parse ", true],
      ],
    );
  });

  test("says of a path that begins with a ! and stands in no quotes how it is written", () => {
    expect(readConfig(`${GOOD}detections: [rules, !rules/broken.yml]\n`, references).problems).toContainEqual(
      expect.objectContaining({
        severity: "error",
        message: "Cannot use the configuration: a path of detections is empty",
        hint: 'What begins with a ! needs quotes: "!rules/broken.yml"',
      }),
    );
  });

  test("says of an error in a file of a folder how to go on without it", () => {
    const { problems } = readConfig(`${GOOD}detections: [rules, t.yml]\n`, {
      ...references,
      detections: () => [
        { file: "rules/u.yml", text: "title: [", isOfFolder: true },
        { file: "t.yml", text: "title: [" },
      ],
    });
    expect(problems.map(({ hint = "" }) => hint.includes('leave the file out: "!rules/u.yml" among'))).toEqual([
      true,
      false,
    ]);
  });

  test("takes loaded detections where it neither names nor tunes any", () => {
    const { detections: loaded } = loadDetections(
      "title: T\nid: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10\nlevel: high\nlogsource: { product: kubernetes }\n" +
        "detection: { s: { verb: delete }, condition: s }",
      "t.yml",
    );
    const idsOf = (text: string): readonly string[] | undefined =>
      readConfig(text, { ...references, loadedDetections: () => loaded }).config?.detections.detections.map(
        ({ id }) => id,
      );
    expect(idsOf(GOOD)).toEqual([loaded[0]?.id]);
    expect(idsOf(`${GOOD}detections: []\n`)).toEqual([]);
    expect(
      readConfig(GOOD, { ...references, loadedDetections: () => undefined }).config?.detections.detections,
    ).toEqual([]);
  });

  test("never shows a secret in a problem", () => {
    const { problems } = readConfig(
      GOOD.replace("elastic\n", "elastic\n    apiKey: hunter2\n").replace("ES_HOST", "NOPE"),
      references,
    );
    expect(problems.length).toBeGreaterThan(0);
    expect(JSON.stringify(problems)).not.toMatch(/hunter2|s3cret/);
  });

  test("lets nobody post to a webhook unknown, or in the clear over a network", () => {
    const withSource = (source: string): ReturnType<typeof readConfig> =>
      readConfig(GOOD.replace("- { type: file, path: /var/log/audit.log }", source), references);
    const messages = (source: string): readonly string[] => withSource(source).problems.map(({ message }) => message);
    expect(withSource("- { type: webhook, listen: '127.0.0.1:8080', insecure: true }").config?.sources).toMatchObject([
      { type: "webhook", name: "webhook", host: "127.0.0.1", port: 8080 },
    ]);
    expect(messages("- { type: webhook }")).toMatchObject([expect.stringContaining("whoever reaches it")]);
    expect(messages("- { type: webhook, listen: '0.0.0.0:1', insecure: true }")).toMatchObject([
      expect.stringContaining("loopback"),
    ]);
    expect(messages("- { type: webhook, listen: '[::1]:99999', insecure: true }")).toMatchObject([
      expect.stringContaining("an address and a port"),
    ]);
    expect(messages("- { type: webhook, certFile: /etc/key, keyFile: /etc/key, token: t }")).toMatchObject([
      expect.stringContaining("no certificate"),
    ]);
    expect(messages("- { type: webhook, certFile: /etc/tls.crt, keyFile: /etc/tls.key, token: t }")).toEqual([]);
    expect(messages("- { type: webhook, certFile: /etc/tls.crt, keyFile: /etc/ca.key, token: t }")).toMatchObject([
      expect.stringContaining("not the key to"),
    ]);
    expect(messages("- { type: webhook, certFile: /etc/tls.crt, keyFile: /etc/key, token: t }")).toMatchObject([
      expect.stringContaining("no private key"),
    ]);
    expect(
      messages("- { type: webhook, insecure: true, listen: 'localhost:1', maxBodyBytes: 999999999 }"),
    ).toMatchObject([expect.stringContaining("does not fit")]);
  });

  test("reads whose certificates a webhook takes, and says which is no name of one", () => {
    const withNames = (more: string): ReturnType<typeof readConfig> =>
      readConfig(
        GOOD.replace(
          "{ type: file, path: /var/log/audit.log }",
          `{ type: webhook, certFile: /etc/tls.crt, keyFile: /etc/tls.key, ${more} }`,
        ),
        references,
      );
    const good = withNames("clientCaFile: /etc/ca.crt, clientNames: [CN=apiserver, 'URI:spiffe://prod/apiserver']");
    expect(good.problems).toEqual([]);
    expect(good.config?.sources).toMatchObject([
      { tls: { clientNames: ["CN=apiserver", "URI:spiffe://prod/apiserver"] } },
    ]);
    for (const [more, path, message] of [
      ["clientCaFile: /etc/ca.crt, clientNames: [CN=a, apiserver]", "sources[0].clientNames[1]", "is no name"],
      ["clientCaFile: /etc/ca.crt, clientNames: ['CN=']", "sources[0].clientNames[0]", "is no name"],
      ["clientCaFile: /etc/ca.crt, clientNames: []", "sources[0].clientNames", "at least one"],
      ["token: t, clientNames: [CN=a]", "sources[0].clientNames", "clientCaFile has signed"],
    ] as const) {
      expect(withNames(more).problems).toMatchObject([{ path, message: expect.stringContaining(message) as string }]);
    }
  });

  test("reads several paths, archives, and no input twice", () => {
    const sources = (text: string): ReturnType<typeof readConfig> =>
      readConfig(GOOD.replace("  - { type: file, path: /var/log/audit.log }", text), references);
    expect(
      sources(
        "  - { type: file, paths: [/a.log, '/b/*.log'] }\n  - { type: archive, path: '/c/*.gz' }\n  - { type: stdin }",
      ).config?.sources,
    ).toMatchObject([
      { type: "file", name: "audit", paths: ["/a.log", "/b/*.log"] },
      { type: "archive", name: "audit-2", paths: ["/c/*.gz"] },
      { type: "stdin", name: "stdin-3" },
    ]);
    expect(sources("  - { type: stdin }\n  - { type: stdin, name: again }").problems).toMatchObject([
      { message: expect.stringContaining("same input") as string },
    ]);
    expect(sources("  - { type: file, path: /a, paths: [/b] }").problems).toHaveLength(1);
    expect(
      sources("  - { type: file, path: /a }\n  - { type: file, name: b, paths: [/b, /a] }").problems,
    ).toMatchObject([{ message: expect.stringContaining("same path") as string }]);
  });

  test.each(["auditsieve.yaml", "kafka-group.yaml"])("reads the example %s without a problem", (name) => {
    const text = readFileSync(new URL(`../../../../docs/examples/${name}`, import.meta.url), "utf8");
    const env = (key: string): string => (key === "ELASTICSEARCH" ? "http://127.0.0.1:9200" : "k".repeat(40));
    expect(readConfig(text, { ...references, env }).problems).toEqual([]);
  });

  test("reads Kafka for both directions, with TLS and SASL, and says what does not fit together", () => {
    const withKafka = (source: string, sink = "topic: out"): ReturnType<typeof readConfig> =>
      readConfig(
        `
cluster: c
stateFolder: /s
sources: [{ type: kafka, brokers: [kafka:9092], ${source} }]
sinks: [{ type: kafka, brokers: ["[::1]:9092", "\${ES_HOST}:9093"], ${sink} }]`,
        references,
      );
    const good = withKafka(
      "topic: audit, username: u, password: file:/etc/key, caFile: /etc/ca.crt",
      "topic: out, tls: true",
    );
    expect(good.problems).toEqual([]);
    expect(good.config).toMatchObject({
      sources: [
        {
          type: "kafka",
          name: "kafka",
          topic: "audit",
          groupId: "auditsieve",
          partialCorrelations: false,
          stateTopic: "audit.auditsieve.state",
          connection: {
            brokers: ["kafka:9092"],
            tls: { ca: AUTHORITY.cert },
            sasl: { mechanism: "scram-sha-512", username: "u", password: "k".repeat(40) },
          },
        },
      ],
      sinks: [{ type: "kafka", feed: "kept", topic: "out", compression: "zstd", connection: { tls: {} } }],
    });
    const placeOf = (source: string): unknown => withKafka(source).config?.sources[0];
    expect(placeOf("topic: a, groupId: 'g/1'")).toMatchObject({ stateTopic: "a.g-1.state" });
    expect(placeOf("topic: a, stateTopic: b")).toMatchObject({ stateTopic: "b" });
    expect(placeOf("topic: a, detectionState: folder")).toMatchObject({ stateTopic: undefined });
    for (const [source, message] of [
      ["topic: 'a b'", "a topic has only"],
      ["topic: a, username: u", "belong together"],
      ["topic: a, username: u, password: p, mechanism: plain", "in the clear"],
      ["topic: a, mechanism: plain", "needs username and password"],
      ["topic: a, certFile: /etc/tls.crt", "belong together"],
      ["topic: a, caFile: /etc/key", "no certificate"],
      ["topic: a, certFile: /etc/tls.crt, keyFile: /etc/ca.key", "not the key to"],
      ["topic: a, caFile: /etc/ca.crt, tls: false", "tls: false"],
      ["groupId: g", "topic is missing"],
      ["topic: a, stateTopic: a", "the topic that is read"],
      ["topic: a, stateTopic: 'b c'", "a topic has only"],
      ["topic: a, stateTopic: b, detectionState: folder", "detectionState: folder"],
    ] as const) {
      const { config, problems } = withKafka(source);
      expect(config, source).toBeUndefined();
      expect(problems.map((problem) => problem.message).join(), source).toMatch(message);
    }
  });
});
