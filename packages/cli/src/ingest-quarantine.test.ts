import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
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
