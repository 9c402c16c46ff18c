import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readConfig } from "../config/config.ts";
import type { IngestConfig } from "../config/config.ts";
import { startDaemon } from "../daemon/daemon.ts";
import { createLogger } from "../logger.ts";
import type { SourceAlarm } from "../source.ts";
import { openQuarantine } from "./quarantine.ts";

const KEYS = generateKeyPairSync("x25519", {
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
});
const SECRET = "correct-horse-battery-staple";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "quarantine-"));
  writeFileSync(join(folder, "private.pem"), KEYS.privateKey);
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("quarantine", () => {
  test("keeps long lines so that only the holder of the private key can read them, byte for byte", async () => {
    const lines = [event(1, ""), event(2, SECRET.repeat(20_000)), event(3, ""), event(4, "y".repeat(150_000))];
    writeFileSync(join(folder, "audit.log"), `${lines.join("\n")}\n`);
    const logged = await run(config(`{ publicKey: "file:public.pem" }`));
    const state = join(folder, "state");
    for (const name of readdirSync(state, { recursive: true }) as string[]) {
      const path = join(state, name);
      expect(statSync(path).isFile() && readFileSync(path).includes(SECRET), path).toBe(false);
    }
    expect(logged).not.toContain(SECRET);
    const records = readFileSync(join(state, "quarantine.ndjson"), "utf8").trim().split("\n");
    const kept = records.map((record) => JSON.parse(record) as { readonly bytes: number; readonly isSealed: boolean });
    expect(kept.every(({ isSealed }) => isSealed)).toBe(true);
    expect(kept.map(({ bytes }) => bytes).toSorted((x, y) => x - y)).toEqual([lines[3]?.length, lines[1]?.length]);
    const found: string[] = [];
    for (const { bytes } of await openQuarantine(state, join(folder, "private.pem"))) {
      let text = "";
      for await (const part of bytes) {
        text += part.toString("utf8");
      }
      found.push(text);
    }
    expect(found.toSorted()).toEqual([`${lines[1]}\n`, `${lines[3]}\n`].toSorted());
  });

  test("of what does not fit only the hash is kept, and that is told", async () => {
    writeFileSync(join(folder, "audit.log"), `${event(1, "z".repeat(300_000))}\n${event(2, "")}\n`);
    const logged = await run(config(`{ publicKey: "file:public.pem", maxBytes: 100000 }`));
    expect(logged).toContain("Raw bytes of a long line are not kept: the quarantine is full (100000 bytes)");
    expect(readdirSync(join(folder, "state", "quarantine"))).toEqual([]);
    const [record] = readFileSync(join(folder, "state", "quarantine.ndjson"), "utf8")
      .trim()
      .split("\n");
    expect(record).toContain('"sha256"');
    expect(record).not.toContain("isSealed");
  });

  test.each([
    ["a private key", KEYS.privateKey],
    ["no key", "nonsense"],
  ])("%s is no recipient", (_, pem) => {
    const read = readConfig(text(`{ publicKey: "file:public.pem" }`), references(pem));
    expect(read.problems).toMatchObject([{ message: expect.stringContaining("no X25519 public key") as string }]);
  });

  test("says what is wrong with a key and a folder", async () => {
    writeFileSync(join(folder, "other.pem"), "nonsense");
    await expect(openQuarantine(folder, join(folder, "other.pem"))).rejects.toThrow("no X25519 key in PEM");
    await expect(openQuarantine(folder, join(folder, "gone.pem"))).rejects.toThrow("gone.pem");
    await expect(openQuarantine(folder, join(folder, "private.pem"))).rejects.toThrow("quarantine");
  });
});

/** Everything that was logged while the log was read to its end. */
async function run(read: IngestConfig): Promise<string> {
  const logged: string[] = [];
  const alarms: SourceAlarm[] = [];
  const end = await startDaemon(read, {
    logger: createLogger({ destination: { write: (line) => logged.push(line) }, level: "debug" }),
    signal: new AbortController().signal,
    onAlarm: (alarm) => alarms.push(alarm),
  });
  expect(end).toMatchObject({ reason: "stopped", unacknowledged: 0 });
  expect(alarms).toEqual([]);
  return logged.join("");
}

function config(quarantine: string): IngestConfig {
  const read = readConfig(text(quarantine), references(KEYS.publicKey));
  expect(read.problems).toEqual([]);
  return read.config ?? expect.fail();
}

function text(quarantine: string): string {
  return `
cluster: test
stateFolder: ${join(folder, "state")}
sources: [{ type: archive, path: ${join(folder, "audit.log")} }]
sinks: [{ type: file, folder: ${join(folder, "out")}, feed: all }]
quarantine: ${quarantine}
limits: { maxLineBytes: 100000, maxBatchAgeMs: 5 }
`;
}

function references(pem: string): Parameters<typeof readConfig>[1] {
  return { env: () => undefined, readFile: () => pem, policy: () => "", detections: () => [] };
}

function event(number: number, body: string): string {
  return JSON.stringify({
    kind: "Event",
    apiVersion: "audit.k8s.io/v1",
    level: "Request",
    auditID: `id-${number}`,
    stage: "ResponseComplete",
    requestURI: "/api/v1/namespaces/a/secrets",
    verb: "create",
    user: { username: "jane" },
    objectRef: { resource: "secrets", namespace: "a" },
    requestObject: { data: { password: body } },
    stageTimestamp: "2026-11-24T00:13:26.471919Z",
  });
}
