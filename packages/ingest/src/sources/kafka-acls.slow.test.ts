import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import kafkajs from "kafkajs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startKafka } from "../../../../test/engines/kafka.ts";
import type { RunningKafka } from "../../../../test/engines/kafka.ts";
import { readConfig } from "../config/config.ts";
import type { IngestConfig } from "../config/config.ts";
import { checkConfig } from "../daemon/check-config.ts";
import { startDaemon } from "../daemon/daemon.ts";
import { createLogger } from "../logger.ts";
import { makeCertificate } from "./certificate.suite.ts";

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;
const authority = makeCertificate("authority");
const certificate = makeCertificate("broker", authority);
const USER = { user: "auditsieve", password: "password-of-the-test" };
const STATE = "audit.auditsieve.state";

let kafka: RunningKafka;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "kafka-acls-"));
  writeFileSync(join(folder, "ca.pem"), authority.cert);
  const { cert, key } = certificate;
  kafka = await startKafka({ version: "4.1", security: { cert, key, ...USER, hasAcls: true } });
}, 300_000);
afterAll(async () => {
  await kafka?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test("each right that a user lacks is named, and those of the documentation are enough", async () => {
  const admin = new kafkajs.Kafka({ brokers: [kafka.broker], logLevel: kafkajs.logLevel.NOTHING }).admin();
  await admin.connect();
  for (const topic of ["audit", "out"]) {
    await admin.createTopics({ topics: [{ topic, numPartitions: 2 }], waitForLeaders: false });
  }
  const grant = async (
    resource: "TOPIC" | "GROUP",
    name: string,
    operation: "READ" | "WRITE" | "CREATE",
    pattern: "LITERAL" | "PREFIXED" = "LITERAL",
  ): Promise<void> => {
    await admin.createAcls({
      acl: [
        {
          resourceType: AclResourceTypes[resource],
          resourceName: name,
          resourcePatternType: ResourcePatternTypes[pattern],
          principal: `User:${USER.user}`,
          host: "*",
          operation: AclOperationTypes[operation],
          permissionType: AclPermissionTypes.ALLOW,
        },
      ],
    });
  };

  await untilSaid([/topic "audit", or this user may not see it/, /ACL Read on topic "audit"/]);
  await untilSaid([/topic "out", or this user may not see it/, /ACL Write on topic "out"/]);
  expect(await failureOf()).toMatch(/topic "audit".*Give this user the ACL Read on topic "audit"/);
  await grant("TOPIC", "audit", "READ");
  await untilSaid([/Cannot use group "auditsieve"/, /ACL Read on group "auditsieve"/]);
  await grant("GROUP", "auditsieve", "READ");
  await untilSaid([/Cannot make topic "audit\.auditsieve\.state".*authorization failed/, /Create/]);
  expect(await failureOf()).toMatch(/Cannot make topic "audit\.auditsieve\.state".*authorization failed/);
  await grant("TOPIC", STATE, "CREATE");
  await grant("TOPIC", "out", "WRITE");
  await untilSaid([/Cannot take over what is kept/, /ACL Read on groups that begin with "auditsieve-state-"/]);
  // It makes the topic, and may not use it.
  expect(await failureOf()).toMatch(
    /topic "audit\.auditsieve\.state".*authorization failed.*ACLs Read and Write on topic "audit\.auditsieve\.state"/,
  );
  await grant("TOPIC", STATE, "READ");
  await grant("TOPIC", STATE, "WRITE");
  await grant("GROUP", "auditsieve-state-", "READ", "PREFIXED");
  await untilSaid([]);

  const lines = Array.from({ length: 20 }, (_, i) => lineOf(i));
  await send(lines.slice(0, 10));
  await runUntil(10);
  // The next owner of the partitions takes over what is kept of them.
  await send(lines.slice(10));
  await runUntil(20);
  await admin.disconnect();
}, 300_000);

/** ACLs take a moment until every part of the broker has them. */
async function untilSaid(wanted: readonly RegExp[]): Promise<void> {
  let said: readonly string[] = [];
  const isSaid = (): boolean =>
    wanted.length === 0 ? said.length === 0 : said.some((one) => wanted.every((pattern) => pattern.test(one)));
  for (const limit = Date.now() + 60_000; Date.now() < limit; await sleep(200)) {
    said = (await checkConfig(config("check"))).map(({ message, hint = "" }) => `${message} ${hint}`);
    if (isSaid()) {
      return;
    }
  }
  expect.fail(`not said: ${wanted.join(", ")}; but: ${said.join("; ")}`);
}

/** What a daemon ends with that may not do what it has to. */
async function failureOf(): Promise<string> {
  const end = await startDaemon(config("failing"), { logger: silent(), signal: AbortSignal.timeout(60_000) });
  return `${end.error?.message} ${end.error?.hint}`;
}

async function send(lines: readonly string[]): Promise<void> {
  const producer = new kafkajs.Kafka({ brokers: [kafka.broker], logLevel: kafkajs.logLevel.NOTHING }).producer();
  await producer.connect();
  await producer.send({ topic: "audit", messages: lines.map((value, i) => ({ value, partition: i % 2 })) });
  await producer.disconnect();
}

/** Runs a daemon of its own until so many lines are in the folder and in the topic. */
async function runUntil(count: number): Promise<void> {
  const stop = new AbortController();
  const name = `daemon-${count}`;
  const running = startDaemon(config(name), { logger: silent(), signal: stop.signal });
  const ended = running.then((end) => expect.fail(`it has ended: ${end.error?.message} ${end.error?.hint}`));
  await Promise.race([
    untilThere(count),
    ended.catch((error: unknown) => (stop.signal.aborted ? undefined : Promise.reject(error as Error))),
  ]);
  stop.abort();
  expect(await running).toMatchObject({ reason: "stopped", unacknowledged: 0 });
}

async function untilThere(count: number): Promise<void> {
  for (const limit = Date.now() + 120_000; Date.now() < limit; await sleep(100)) {
    const folders = readdirSync(folder).filter((name) => name.endsWith("-events"));
    const texts = folders.flatMap((name) =>
      readdirSync(join(folder, name)).map((file) => readFileSync(join(folder, name, file), "utf8")),
    );
    if (new Set(texts.join("").match(/id-\d+/g)).size === count) {
      return;
    }
  }
  expect.fail("not everything arrived");
}

function silent(): ReturnType<typeof createLogger> {
  return createLogger({ destination: { write: () => undefined }, level: "error" });
}

function config(name: string): IngestConfig {
  const access = `brokers: ["${kafka.secured}"], caFile: ${join(folder, "ca.pem")}, username: ${USER.user}, password: ${USER.password}`;
  const key = "0123456789abcdef0123456789abcdef";
  const read = readConfig(
    `
cluster: test
stateFolder: ${join(folder, name)}
keys: { id: ${key}, redaction: ${key} }
sources: [{ type: kafka, topic: audit, groupId: auditsieve, partialCorrelations: true, ${access} }]
sinks:
  - { type: kafka, topic: out, feed: all, ${access} }
  - { type: file, feed: all, folder: ${join(folder, `${name}-events`)} }
limits: { maxBatchAgeMs: 20, drainMs: 20000 }
`,
    {
      env: () => undefined,
      readFile: (path) => readFileSync(path, "utf8"),
      policy: () => "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{ level: RequestResponse }]",
      detections: () => [
        {
          file: "t.yml",
          text: "title: t\nid: 00000000-0000-4000-8000-000000000001\nlogsource: { product: kubernetes, service: audit }\ndetection: { s: { verb: delete }, condition: s }\nlevel: low\n",
        },
      ],
    },
  );
  expect(read.problems).toEqual([]);
  return read.config ?? expect.fail();
}

function lineOf(number: number): string {
  return `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"id-${number}","stage":"ResponseComplete","requestURI":"/api/v1/pods","verb":"list","user":{"username":"actor"},"stageTimestamp":"2026-11-24T00:13:26.471919Z"}`;
}
