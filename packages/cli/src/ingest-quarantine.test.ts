import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { MockElasticsearch } from "../../ingest/src/sinks/mock-elasticsearch.suite.ts";
import { writeOneDetection } from "./one-detection.suite.ts";
import { inProcess } from "./run-in-process.suite.ts";

const folder = mkdtempSync(join(tmpdir(), "auditsieve-quarantine-"));
afterAll(() => rmSync(folder, { recursive: true }));

function keyFiles(name: string): { readonly public: string; readonly private: string } {
  const keys = generateKeyPairSync("x25519", {
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  const files = { public: join(folder, `${name}.pub`), private: join(folder, `${name}.key`) };
  writeFileSync(files.public, keys.publicKey);
  writeFileSync(files.private, keys.privateKey);
  return files;
}

test("ingest seals a line over the limit to a public key, and prints it with the private one only", async () => {
  const [own, other] = [keyFiles("own"), keyFiles("other")];
  const [sample = ""] = readFileSync("samples/small.log", "utf8").split("\n");
  const long = `${sample.slice(0, -1)},"requestObject":{"data":{"password":"${"correct horse ".repeat(20_000)}"}}}`;
  const log = join(folder, "audit.log");
  writeFileSync(log, `${sample}\n${long}\n`);
  const rule = writeOneDetection(folder);
  const config = join(folder, "auditsieve.yaml");
  const state = join(folder, "state");
  writeFileSync(
    config,
    `cluster: test
stateFolder: ${state}
sources: [{ type: archive, path: ${log} }]
sinks: [{ type: file, folder: ${join(folder, "out")}, feed: all }]
detections: ["${rule}"]
limits: { maxLineBytes: 100000 }
quarantine: { publicKey: "file:${own.public}" }
`,
  );
  expect(await inProcess(["ingest", "-c", config, "--log-level", "error"])).toMatchObject({ code: 0 });
  expect(readdirSync(join(state, "quarantine"))).toHaveLength(1);
  const open = ["ingest", "--open-quarantine"];
  expect(await inProcess([...open, own.private, "--state-folder", state])).toMatchObject({
    code: 0,
    stdout: `${long}\n`,
  });
  expect(await inProcess([...open, own.private, "-c", config])).toMatchObject({ code: 0, stdout: `${long}\n` });
  expect(await inProcess([...open, other.private, "--state-folder", state])).toMatchObject({
    code: 1,
    stdout: "",
    stderr: expect.stringContaining("is sealed to the key") as string,
  });
  expect(await inProcess([...open, own.public, "--state-folder", state])).toMatchObject({ code: 2 });
  expect(await inProcess([...open, own.private, "--state-folder", join(folder, "nowhere")])).toMatchObject({ code: 2 });
}, 60_000);

test("ingest seals dead letters to a public key, and prints and delivers them with the private one only", async () => {
  const mock = await MockElasticsearch.start();
  try {
    const [own, other] = [keyFiles("letters"), keyFiles("other-letters")];
    const [sample = ""] = readFileSync("samples/small.log", "utf8").split("\n");
    const log = join(folder, "letters.log");
    writeFileSync(
      log,
      `${sample}\n${sample.replace(/"auditID":"./, '"auditID":"0')}\n${sample.replace(/"auditID":"./, '"auditID":"1')}\n`,
    );
    const state = join(folder, "letters-state");
    const config = join(folder, "letters.yaml");
    writeFileSync(
      config,
      `cluster: test
stateFolder: ${state}
sources: [{ type: archive, path: ${log} }]
sinks: [{ type: elasticsearch, node: "${mock.url}", feed: all }]
detections: ["${writeOneDetection(folder)}"]
deadLetters: { publicKey: "file:${own.public}" }
`,
    );
    mock.behave = () => ({ everyThird: 400 });
    expect(await inProcess(["ingest", "-c", config, "--log-level", "error"])).toMatchObject({ code: 0 });
    const letters = readFileSync(join(state, "dead-letter.ndjson"), "utf8");
    expect(letters).toContain('"offset":');
    expect(letters).not.toMatch(/auditID|requestURI/);
    const open = ["ingest", "--open-dead-letters"];
    const opened = await inProcess([...open, own.private, "--state-folder", state]);
    expect(opened.code).toBe(0);
    expect(JSON.parse(opened.stdout)).toMatchObject({ sink: "elasticsearch", document: { kind: "Event" } });
    expect(await inProcess([...open, other.private, "-c", config])).toMatchObject({ code: 1, stdout: "" });
    mock.behave = () => "ok";
    const redeliver = ["ingest", "-c", config, "--redeliver", "--log-level", "error"];
    expect(await inProcess(redeliver)).toMatchObject({ stderr: expect.stringContaining("--private-key") as string });
    expect(mock.documents.size).toBe(2);
    expect(await inProcess([...redeliver, "--private-key", own.private])).toMatchObject({ code: 0 });
    expect(mock.documents.size).toBe(3);
  } finally {
    await mock.stop();
  }
}, 60_000);
