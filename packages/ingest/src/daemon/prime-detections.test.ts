import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { IngestConfig } from "../config/config.ts";
import { readConfig } from "../config/config.ts";
import { startDaemon } from "./daemon.ts";
import { createLogger } from "../logger.ts";
import { primeDetections } from "./prime-detections.ts";

const DETECTIONS = `
title: New agent
name: agent
id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10
level: low
logsource: { product: kubernetes, service: audit }
detection: { selection: { verb: get }, condition: selection }
auditsieve: { first-seen: { fields: [userAgent], opening: find } }
---
title: Exec into a privileged pod
id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e11
level: high
logsource: { product: kubernetes, service: audit }
detection: { s: { objectRef.subresource: exec, auditsieve.pod.privileged: true }, condition: s }
---
title: Delete
name: delete
id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e12
level: low
logsource: { product: kubernetes, service: audit }
detection: { selection: { verb: delete }, condition: selection }
---
title: Many deletes
id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e13
level: high
correlation: { type: event_count, rules: [delete], group-by: [user.name], timespan: 1h, condition: { gte: 2 } }
`;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "prime-"));
});
afterEach(() => rm(folder, { recursive: true }));

describe("primeDetections", () => {
  test("what was in the archive is known, what was not is found, and correlations begin at zero", async () => {
    const pod = {
      verb: "create",
      level: "Request",
      objectRef: { resource: "pods", namespace: "a", name: "p" },
      requestObject: { spec: { containers: [{ name: "c", securityContext: { privileged: true } }] } },
      responseStatus: { code: 201 },
    };
    const old = [event(0, { userAgent: "known" }), event(1, pod), event(2, { verb: "delete" }), "torn {"];
    await writeFile(join(folder, "old.log.gz"), gzipSync(old.map((line) => `${line}\n`).join("")));
    expect(await primeDetections(config(), [join(folder, "old.log.gz")])).toEqual({
      lines: 4,
      undecidable: 1,
      sources: ["audit"],
    });
    const exec = { verb: "create", objectRef: { resource: "pods", namespace: "a", name: "p", subresource: "exec" } };
    const fresh = [
      event(10, { userAgent: "known" }),
      event(11, { userAgent: "fresh" }),
      event(12, { verb: "delete" }),
      event(13, { ...exec, responseStatus: { code: 101 } }),
    ];
    await writeFile(join(folder, "audit.log"), fresh.map((line) => `${line}\n`).join(""));
    expect(await found()).toEqual(["New agent id-11", "Exec into a privileged pod id-13"]);
    await expect(primeDetections(config(), [join(folder, "old.log.gz")])).rejects.toMatchObject({
      message: expect.stringContaining('"audit" remember something already') as string,
    });
  });

  test("learns from what the daemon looks at: of a line over the limit, of a record over it, and of a damaged line", async () => {
    const limit = 2000;
    const withLongBody = (seconds: number, userAgent: string): string =>
      event(seconds, { userAgent: undefined })
        .replace('"user":', `"userAgent":"${userAgent}","user":`)
        .replace('"requestReceivedTimestamp":', `"requestObject":{"pad":"${"x".repeat(limit)}"},$&`);
    const list = [withLongBody(2, "in a long record"), event(3, { userAgent: "in a long list" })];
    const old = [
      withLongBody(1, "on a long line"),
      `{"kind":"EventList","items":[${list.join(",")}]}`,
      `${event(4, {}).slice(0, 80)}${event(4, { userAgent: "behind a torn one" })}`,
      `{"level":"${"x".repeat(limit)}"}`,
    ];
    await writeFile(join(folder, "old.log"), `${event(0, { userAgent: "known" })}\n${old.join("\n")}\n`);
    const limited = config(undefined, `maxLineBytes: ${limit}`);
    expect(await primeDetections(limited, [join(folder, "old.log")])).toMatchObject({ lines: 6, undecidable: 2 });
    const agents = ["known", "on a long line", "in a long record", "in a long list", "behind a torn one", "fresh"];
    const fresh = agents.map((userAgent, i) => `${event(10 + i, { userAgent })}\n`);
    await writeFile(join(folder, "audit.log"), fresh.join(""));
    expect(await found()).toEqual(["New agent id-15"]);
  });

  test("a log that cannot be read as a whole primes nothing", async () => {
    const whole = gzipSync(`${event(0, { userAgent: "known" })}\n`.repeat(100));
    await writeFile(join(folder, "whole.gz"), whole);
    await writeFile(join(folder, "cut.gz"), whole.subarray(0, whole.length - 20));
    await expect(primeDetections(config(), [join(folder, "whole.gz"), join(folder, "cut.gz")])).rejects.toMatchObject({
      message: expect.stringContaining("cut.gz") as string,
      hint: expect.stringContaining("Nothing was learned") as string,
    });
    expect(existsSync(join(folder, "state", "checkpoint.json"))).toBe(false);
  });

  test.each([
    ["lines that are no events", "hello\n{}\n", "none of 2 lines is an audit event"],
    ["nothing", "", "none of 0 lines is an audit event"],
  ])("logs of %s prime nothing, so that others still can", async (_what, text, message) => {
    await writeFile(join(folder, "old.log"), text);
    await expect(primeDetections(config(), [join(folder, "old.log")])).rejects.toThrow(message);
    expect(existsSync(join(folder, "state", "checkpoint.json"))).toBe(false);
  });

  test("a log may come as a stream", async () => {
    const bytes = gzipSync(`${event(0, { userAgent: "known" })}\n`);
    expect(await primeDetections(config(), [Readable.from([bytes])])).toMatchObject({ lines: 1, undecidable: 0 });
  });

  test("standard input keeps nothing", async () => {
    await expect(primeDetections(config("{ type: stdin }"), [])).rejects.toThrow("no source that keeps");
  });
});

/** What a daemon finds over the log, which ends. */
async function found(): Promise<readonly string[]> {
  const printed: string[] = [];
  const stop = new AbortController();
  const end = await startDaemon(config(), {
    logger: createLogger({ destination: { write: () => undefined }, level: "error" }),
    signal: stop.signal,
    writeOutput: async (bytes) => void printed.push(bytes.toString()),
    format: ({ kind, document }) => (kind === "finding" ? document.toString() : undefined),
  });
  expect(end).toMatchObject({ reason: "stopped", unacknowledged: 0 });
  const findings = printed.join("").trim().split("\n");
  return findings.map((line) => {
    const { detection, auditIDs } = JSON.parse(line) as { detection: { title: string }; auditIDs: readonly string[] };
    return `${detection.title} ${auditIDs.join(" ")}`;
  });
}

function config(
  source = `{ type: archive, name: audit, path: ${join(folder, "audit.log")} }`,
  limit = "maxBatchBytes: 1000000",
): IngestConfig {
  const read = readConfig(
    `
cluster: test
stateFolder: ${join(folder, "state")}
keys: { redaction: ${"r".repeat(32)}, id: ${"i".repeat(32)} }
sources: [${source}]
sinks: [{ type: stdout, feed: findings }]
limits: { maxBatchAgeMs: 5, ${limit} }
`,
    {
      env: () => undefined,
      readFile: () => "",
      policy: () => "",
      detections: () => [{ file: "d.yml", text: DETECTIONS }],
    },
  );
  expect(read.problems).toEqual([]);
  return read.config ?? expect.fail();
}

function event(seconds: number, more: object): string {
  const time = new Date(Date.UTC(2026, 10, 24) + seconds * 1000).toISOString().replace("Z", "000Z");
  return JSON.stringify({
    kind: "Event",
    apiVersion: "audit.k8s.io/v1",
    level: "Metadata",
    auditID: `id-${seconds}`,
    stage: "ResponseComplete",
    requestURI: "/api/v1/namespaces/a/pods/p",
    verb: "get",
    user: { username: "jane" },
    objectRef: { resource: "pods", namespace: "a", name: "p" },
    responseStatus: { code: 200 },
    requestReceivedTimestamp: time,
    stageTimestamp: time,
    ...more,
  });
}
