import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, describe, expect, test, vi } from "vitest";
import { inProcess as auditsieve } from "../run-in-process.suite.ts";
import { ROOT } from "../run-command.suite.ts";
import type { Ran } from "../run-command.suite.ts";

const folder = mkdtempSync(join(tmpdir(), "auditsieve-replay-"));
afterAll(() => rmSync(folder, { recursive: true }));

function detection(id: string, title: string, level: string, selection: string): string {
  return `title: ${title}
id: 5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e${id}
level: ${level}
tags: [attack.t1552.007]
logsource: { product: kubernetes, service: audit }
detection: { s: { ${selection} }, condition: s }
`;
}

/** Our own change while others work on them: goldens are made with these. */
const own = join(folder, "detections");
mkdirSync(own);
writeFileSync(
  join(own, "secrets.yml"),
  detection("10", "Secrets listed", "high", "verb: [list, watch], objectRef.resource: secrets"),
);
writeFileSync(
  join(own, "bindings.yml"),
  detection("11", "=Bound", "medium", "verb: create, objectRef.resource: clusterrolebindings"),
);
const older = join(folder, "older");
cpSync(own, older, { recursive: true });
writeFileSync(
  join(older, "secrets.yml"),
  detection("10", "Secrets listed", "low", "verb: list, objectRef.resource: secrets"),
);

const SMALL_LOG = join(ROOT, "samples/small.log");
const SMALL = ["replay", SMALL_LOG, "--detections", own];
const lines = readFileSync(join(ROOT, "samples/small.log"), "utf8").split(/(?<=\n)/);

function file(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function inTurn(commands: readonly (readonly string[])[]): Promise<readonly Ran[]> {
  const ran: Ran[] = [];
  for (const args of commands) {
    ran.push(await auditsieve(args));
  }
  return ran;
}

/** Keyed hashes of redacted values are of a key of each run. */
function stable(text: string): string {
  return text
    .replaceAll(/redacted:[0-9a-f]{16}/g, "redacted:<hash>")
    .replaceAll(folder, "<folder>")
    .replaceAll(SMALL_LOG, "small.log");
}

describe("auditsieve replay", () => {
  test.each(["table", "json", "ndjson", "csv", "timesketch", "timesketch-csv"])(
    "auditsieve replay --output %s gives what the golden file says",
    async (output) => {
      const { code, stdout, stderr } = await auditsieve([...SMALL, "--output", output]);
      expect([code, stderr]).toEqual([0, ""]);
      await expect(stable(stdout)).toMatchFileSnapshot(`golden/replay.${output}.txt`);
    },
  );

  test("auditsieve replay finds the same in a folder of rotated, packed and repeated logs", async () => {
    const logs = join(folder, "logs");
    mkdirSync(join(logs, "deeper"), { recursive: true });
    writeFileSync(join(logs, "audit-2026-11-24T00-28-00.000.log.gz"), gzipSync(lines.slice(0, 15).join("")));
    writeFileSync(join(logs, "deeper", "audit.log.1"), lines.slice(10, 30).join(""));
    writeFileSync(join(logs, "audit.log.zst"), zstdCompressSync(lines.slice(25).join("")));
    writeFileSync(join(logs, "README.md"), "no log");
    const whole = await auditsieve([...SMALL, "--output", "json"]);
    const parts = await auditsieve(["replay", logs, "--detections", own, "--output", "json"]);
    expect(parts.code).toBe(0);
    expect(parts.stderr).toContain("1 file in folders not read: not like a log");
    const [a, b] = [whole, parts].map(
      ({ stdout }) =>
        JSON.parse(stdout) as { findings: { id: string }[]; summary: { log: object; duplicates: number } },
    );
    expect(b?.findings.map(({ id }) => id)).toEqual(a?.findings.map(({ id }) => id));
    expect(b?.summary.log).toEqual(a?.summary.log);
    expect(b?.summary.duplicates).toBe(10);
  });

  test("auditsieve replay selects by each option, and by a time in a zone", async () => {
    const select = async (...args: string[]): Promise<number> =>
      (JSON.parse((await auditsieve([...SMALL, "--output", "json", ...args])).stdout) as { findings: unknown[] })
        .findings.length;
    const all = await select();
    const some: number[] = [];
    for (const args of [
      ["--actor", "ops-*"],
      ["--resource", "secrets"],
      ["--min-level", "high"],
      ["--detection", "=Bound"],
      ["--user-agent", "kubectl/*"],
      ["--resource", "*.rbac.authorization.k8s.io"],
      ["--source-ip", "127.*"],
      ["--source-ip", "192.0.2.0/24, ::ffff:127.0.0.0/104", "--source-ip", "fd00::/8"],
      ["--source-ip", "10.0.0.1"],
      ["--namespace", "nowhere"],
      ["--since", "2026-11-24 01:27:25", "--zone", "Europe/Zurich", "--until", "2026-11-24T00:28:00Z"],
    ]) {
      some.push(await select(...args));
    }
    expect(all).toBeGreaterThan(4);
    expect(some.every((count) => count <= all)).toBe(true);
    expect(some.filter((count) => count === all).length).toBeLessThan(4);
    expect(some.slice(0, 8).every((count) => count > 0)).toBe(true);
    expect(some.slice(8, 10)).toEqual([0, 0]);
  });

  test("auditsieve replay exits as the contract says", async () => {
    const older = (lines[2] ?? "").replace("audit.k8s.io/v1", "audit.k8s.io/v2");
    const torn = file("torn.log", `${lines[0]}{"torn":\n${lines[1]}${older}`);
    const exits = await inTurn([
      SMALL,
      [...SMALL, "--fail-on", "high"],
      [...SMALL, "--fail-on", "critical"],
      ["replay", torn, "--detections", own],
      ["replay", torn, "--detections", own, "--strict"],
      ["replay", "absent.log", SMALL_LOG, "--detections", own, "--output", "ndjson"],
      ["replay", file("cut.log.gz", gzipSync(lines.join("")).subarray(0, 4000)), "--detections", own],
      [...SMALL, "--detections", "absent"],
      [...SMALL, "--history", "secrets *", "--output", "timesketch"],
      [...SMALL, "--compare", own, "--compare-policy", "control-loops"],
      [...SMALL, "--compare", own, "--stories"],
      [...SMALL, "--output", "elasticsearch"],
      [...SMALL, "--zone", "Mars"],
      ["replay", "-", "--detections", own, "--history", "secrets *"],
      ["replay", own],
    ]);
    expect(exits.map(({ code }) => code)).toEqual([0, 1, 0, 0, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2]);
    expect(exits.every(({ code, stderr }) => code !== 2 || stderr.includes("hint:"))).toBe(true);
    expect(exits[10]?.stderr).toContain("Cannot print --compare and --stories at once");
    expect(exits[12]?.stderr).toContain('"Mars"');
    // One unreadable log: the rest is done, byte for byte as without it.
    expect(exits[5]?.stdout.split("\n").length).toBeGreaterThan(4);
    expect(exits[6]?.stdout).toContain("Not read to its end");
    expect(exits[3]?.stderr).toMatch(/torn\.log \(offset \d+\): .*\(not one JSON object\)/);
    expect(exits[3]?.stderr).toMatch(/\(no audit\.k8s\.io\/v1 Event\): it is left out\n {2}hint: .*v1beta1/);
    expect(exits[3]?.stdout).toContain("no audit event: 2 (1 not one JSON object, 1 no audit.k8s.io/v1 Event)");
  });

  test("auditsieve replay --state-folder gives the same, and leaves nothing behind", async () => {
    const state = join(folder, "state");
    const [without, kept, refused] = await inTurn([
      [...SMALL, "--output", "ndjson"],
      [...SMALL, "--output", "ndjson", "--state-folder", state],
      ["replay", "-", "--detections", own, "--state-folder", state],
    ]);
    expect(stable(kept?.stdout ?? "")).toBe(stable(without?.stdout ?? ""));
    expect([kept?.code, kept?.stderr, existsSync(state)]).toEqual([0, "", false]);
    expect([refused?.code, refused?.stderr]).toEqual([2, expect.stringContaining("cannot be read again from where")]);
  });

  test("auditsieve replay --strict counts, too, what it met before it was stopped and gone on with", async () => {
    const event = JSON.parse(lines[0] ?? "") as Record<string, unknown>;
    const at = (i: number): string => new Date(Date.UTC(2026, 10, 24) + i * 1_000).toISOString().replace("Z", "000Z");
    const events = Array.from({ length: 3_000 }, (_, i) => `${JSON.stringify({ ...event, stageTimestamp: at(i) })}\n`);
    const log = file("strict.log", `${'{"torn":\n'.repeat(7)}${events.join("")}`);
    const args = ["replay", log, "--detections", own, "--output", "ndjson", "--strict"];
    const resumable = [...args, "--state-folder", join(folder, "strict-state")];
    const listeners = process.listenerCount("SIGINT");
    const stopped = auditsieve(resumable);
    // The log is about to be read.
    await vi.waitUntil(() => process.listenerCount("SIGINT") > listeners, { timeout: 60_000, interval: 1 });
    process.listeners("SIGINT").at(-1)?.("SIGINT");
    const [first, whole, second] = [await stopped, await auditsieve(args), await auditsieve(resumable)];
    expect([first.code, whole.code, second.code]).toEqual([3, 1, 1]);
    expect(whole.stderr).toContain("auditsieve: 2 more lines could not be decided");
    expect(second.stderr).toContain("going on where the replay was");
    expect(second.stderr).toContain("auditsieve: 7 more lines could not be decided");
  });

  test("auditsieve replay --history tells who wrote an object and what that changed, or what is near", async () => {
    const write = (second: number, verb: string, user: string, image: string): string =>
      `${JSON.stringify({
        kind: "Event",
        apiVersion: "audit.k8s.io/v1",
        level: "RequestResponse",
        auditID: `history-${second}`,
        stage: "ResponseComplete",
        requestURI: "/apis/apps/v1/namespaces/shop/deployments/web",
        verb,
        user: { username: user },
        sourceIPs: ["10.0.0.9"],
        userAgent: "kubectl/v1.37.2 (linux/amd64)\u001b[2J",
        objectRef: { resource: "deployments", apiGroup: "apps", apiVersion: "v1", namespace: "shop", name: "web" },
        responseStatus: { code: 200 },
        responseObject: { kind: "Deployment", spec: { image, password: "x" }, metadata: { name: "web" } },
        requestReceivedTimestamp: `2026-11-24T10:00:0${second}.000000Z`,
        stageTimestamp: `2026-11-24T10:00:0${second}.000000Z`,
      })}\n`;
    const log = file(
      "history.log",
      `${write(1, "create", "ann", "web:1")}${write(2, "update", "mal\u001b[31mlory", "web:2")}${write(3, "delete", "ann", "")}`,
    );
    const [table, json, late, none] = await inTurn([
      ["replay", log, "--detections", own, "--history", "deployments shop/*"],
      ["replay", log, "--detections", own, "--history", "deployments.apps shop/web", "--output", "ndjson"],
      [
        "replay",
        log,
        "--detections",
        own,
        "--history",
        "deployments shop/web",
        "--since",
        "2026-11-24T10:00:02Z",
        "--output",
        "ndjson",
      ],
      ["replay", log, "--detections", own, "--history", "deployments payments/web"],
    ]);
    await expect(stable(table?.stdout ?? "")).toMatchFileSnapshot("golden/replay.history.txt");
    expect([table?.code, json?.code, late?.code, none?.code]).toEqual([0, 0, 0, 1]);
    expect(table?.stdout).not.toContain("\u001b");
    const revisions = (json?.stdout.trim().split("\n") ?? []).map(
      (line) => JSON.parse(line) as Record<string, unknown>,
    );
    expect(revisions.map(({ verb, actor, changes }) => [verb, actor, changes])).toMatchObject([
      ["create", "ann", expect.any(Array)],
      ["update", "mal\u001b[31mlory", [{ path: "spec.image", before: "web:1", after: "web:2" }]],
      ["delete", "ann", []],
    ]);
    expect(late?.stdout.trim().split("\n")).toHaveLength(2);
    expect(none?.stderr).toContain("hint: Written were: deployments.apps shop/web");
  });

  test("auditsieve replay --detection takes an id, a title and the name of a file", async () => {
    const ids = ["5f0d8a3c-5b0e-4a63-9d2f-2f8f3c1f7e10", "Secrets listed", "secrets"];
    const outcomes = await inTurn(ids.map((id) => [...SMALL, "--detection", id, "--output", "csv"]));
    expect(outcomes[0]?.stdout).toContain("Secrets listed");
    expect(new Set(outcomes.map(({ code, stdout }) => `${code} ${stdout}`)).size).toBe(1);
  });

  test("auditsieve replay --detections FOLDER leaves out what is about other logs, and says so", async () => {
    const mixed = join(folder, "mixed");
    cpSync(own, mixed, { recursive: true });
    const windows = detection("19", "Windows", "low", "Image: x").replace("product: kubernetes", "product: windows");
    writeFileSync(join(mixed, "windows.yml"), windows);
    const [ofOwn, ofMixed] = await inTurn([
      [...SMALL, "--output", "csv"],
      ["replay", SMALL_LOG, "--detections", mixed, "--output", "csv"],
    ]);
    expect(ofMixed?.stderr).toContain("1 Sigma file about other logs left out");
    expect([ofMixed?.code, ofMixed?.stdout]).toEqual([0, ofOwn?.stdout]);
    const named = await auditsieve(["replay", SMALL_LOG, "--detections", join(mixed, "windows.yml")]);
    expect(named.code).toBe(2);
  });

  test("auditsieve replay --detections refuses a correlation of what is not there, and takes a processing pipeline", async () => {
    const lonely = file(
      "lonely.yml",
      "title: Lonely\nid: 6f1f6f5e-27c1-4a0b-9a8e-0f0f5b1b1006\nlevel: high\ncorrelation:\n  type: event_count\n  rules: [nobody]\n" +
        "  group-by: [user.username]\n  timespan: 5m\n  condition: { gte: 1 }\n",
    );
    const refused = await auditsieve(["replay", SMALL_LOG, "--detections", lonely]);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('no detection has the id or name "nobody"');
    const rule = file(
      "renamed.yml",
      "title: Renamed\nid: 6f1f6f5e-27c1-4a0b-9a8e-0f0f5b1b1007\nlevel: low\nlogsource: { product: kubernetes }\n" +
        'detection: { s: { "deed|expand": "%deeds%" }, condition: s }\n',
    );
    const fields = file(
      "fields.yml",
      "name: ours\nvars: { deeds: [get, list] }\ntransformations:\n  - { type: field_name_mapping, mapping: { deed: verb } }\n",
    );
    for (const threads of ["1", "2"]) {
      const output = ["--output", "ndjson", "--threads", threads];
      const found = await auditsieve(["replay", SMALL_LOG, "--detections", rule, "--detections", fields, ...output]);
      expect(found.code).toBe(0);
      expect(found.stdout.split("\n").filter((line) => line.includes('"Renamed"')).length).toBeGreaterThan(0);
    }
  });

  test("auditsieve replay --compare says what other detections find, --compare-policy what a policy hides", async () => {
    const { code, stdout } = await auditsieve([...SMALL, "--compare", older]);
    expect(code).toBe(0);
    await expect(stdout).toMatchFileSnapshot("golden/replay.compare.txt");
    const [sketch, csv] = await inTurn([
      [...SMALL, "--compare", older, "--output", "timesketch"],
      [...SMALL, "--compare", older, "--output", "timesketch-csv"],
    ]);
    const entries = (sketch?.stdout.trim().split("\n") ?? []).map(
      (line) => JSON.parse(line) as Record<string, unknown>,
    );
    expect(entries.length).toBeGreaterThan(0);
    expect(entries[0]).toMatchObject({
      change: "changed",
      message: expect.stringMatching(/^changed: Secrets listed: /),
    });
    expect(csv?.stdout.split("\r\n")[0]).toMatch(/^message,datetime,timestamp_desc,change,severity,/);
    const policy = file(
      "drop.yaml",
      "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{ level: None, resources: [{ resources: [secrets] }] }, { level: RequestResponse }]\n",
    );
    const hidden = await auditsieve([...SMALL, "--compare-policy", policy, "--output", "ndjson", "--fail-on", "high"]);
    const changes = hidden.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { change: string; finding: { detection: { title: string } } });
    expect(hidden.code).toBe(1);
    expect(new Set(changes.map(({ change, finding }) => `${change} ${finding.detection.title}`))).toEqual(
      new Set(["removed Secrets listed"]),
    );
  });

  test("auditsieve replay --seal and verify prove inputs and outputs, and name what was tampered with", async () => {
    const log = file("sealed.log", lines.join(""));
    const manifest = join(folder, "case.manifest");
    const replayed = await auditsieve(["replay", log, "--detections", own, "--output", "ndjson", "--seal", manifest]);
    const findings = file("findings.ndjson", replayed.stdout);
    const [, root = ""] = /hash of the last line: ([0-9a-f]{64})/.exec(replayed.stderr) ?? [];
    const proven = await auditsieve(["verify", manifest, "--hash", root, "--stdout", findings]);
    expect([replayed.code, proven.code]).toEqual([0, 0]);
    await expect(stable(proven.stdout).replaceAll(root, "<root>")).toMatchFileSnapshot("golden/verify.txt");

    writeFileSync(log, lines.slice(1).join(""));
    const changed = await auditsieve(["verify", manifest, "--hash", root, "--stdout", findings, "--output", "json"]);
    expect(changed.code).toBe(1);
    expect((JSON.parse(changed.stdout) as { files: { name: string; state: string }[] }).files).toContainEqual(
      expect.objectContaining({ name: log, state: "changed" }),
    );
    const forged = file("forged.manifest", readFileSync(manifest, "utf8").replace(/"findings":\d+/, '"findings":0'));
    expect((await auditsieve(["verify", forged])).stdout).toMatch(/Line \d+ of the manifest is not sound: its hash/);
    const exits = await inTurn([
      ["verify", forged],
      ["verify", manifest, "--hash", "0".repeat(64)],
      ["verify", log],
      ["verify", "absent.manifest"],
      ["verify", file("empty.manifest", "")],
    ]);
    expect(exits.map(({ code }) => code)).toEqual([1, 1, 1, 2, 1]);
  });
});
