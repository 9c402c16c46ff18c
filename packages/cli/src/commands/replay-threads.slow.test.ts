import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { auditsieve, ROOT } from "../run-command.suite.ts";

const folder = mkdtempSync(join(tmpdir(), "auditsieve-threads-"));
afterAll(() => rmSync(folder, { recursive: true }));
const SAMPLES = ["attack", "lineage"].map((name) => join(ROOT, `samples/${name}.log.zst`));

/** What differs between two runs by nature: the key of the hashes, the moment, names of what is written. */
function stable(text: string): string {
  return text
    .replaceAll(/redacted:[0-9a-f]{16}/g, "redacted")
    .replace(/"madeAt":"[^"]*"/, "")
    .replaceAll(/\b\w+\.html\b/g, "report");
}

const EXCEPTIONS = `title: Commands in pods are everyday work here
id: 0c9a5b7f-52f1-4b43-8d55-7a6f5e4d3c20
description: Developers debug
author: security team
logsource: { product: kubernetes, service: audit }
auditsieve: { expires: never }
filter:
  rules: [exec-into-pod]
  cluster: { verb: create }
  condition: not cluster
`;

/** What a replay gives without a thread and with one. */
function both(args: readonly string[]): Promise<readonly unknown[]> {
  return Promise.all(
    ["1", "2"].map(async (threads) => {
      const html = join(folder, `r${threads}.html`);
      const { code, stdout, stderr } = await auditsieve(["replay", ...args, "--threads", threads, "--html", html]);
      expect([code, stdout.length > 1_000]).toEqual([0, true]);
      return { stdout: stable(stdout), stderr: stable(stderr), html: stable(readFileSync(html, "utf8")) };
    }),
  );
}

const TIMEOUT_MS = 180_000;

describe("auditsieve replay --threads", () => {
  test.each([
    ["json", []],
    ["ndjson", ["--compare", join(ROOT, "profiles/detections/execution")]],
  ])(
    "auditsieve replay --output %s %j gives the same with a thread and without one",
    async (output, more) => {
      const [direct, inThread] = await both([...SAMPLES, "--output", output, ...more]);
      expect(inThread).toEqual(direct);
    },
    TIMEOUT_MS,
  );

  test(
    "auditsieve replay gives the same with a thread and without one of a log that is out of order, with exceptions",
    async () => {
      const whole = zstdDecompressSync(readFileSync(SAMPLES[0] as string));
      const unordered = join(folder, "unordered.log");
      writeFileSync(unordered, Buffer.concat([whole.subarray(whole.length / 2), whole.subarray(0, whole.length / 2)]));
      const exceptions = join(folder, "exceptions.yml");
      writeFileSync(exceptions, EXCEPTIONS);
      const [direct, inThread] = await both([unordered, "--exceptions", exceptions]);
      expect(inThread).toEqual(direct);
      expect(JSON.stringify(direct)).toContain("the logs are not in order of time");
    },
    TIMEOUT_MS,
  );

  test("auditsieve replay says what is wrong with a detection before anything is read by a thread", async () => {
    const broken = join(folder, "broken.yml");
    writeFileSync(broken, "title: [");
    const { code, stderr } = await auditsieve(["replay", ...SAMPLES, "--detections", broken, "--threads", "2"]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("Cannot use the detections")]);
  });
});
