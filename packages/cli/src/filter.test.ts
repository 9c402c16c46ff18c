import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { gzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { auditsieve, ROOT } from "./run-command.suite.ts";
import { auditsieveHere } from "./run-in-process.suite.ts";

const folder = mkdtempSync(join(tmpdir(), "auditsieve-filter-"));
afterAll(() => rmSync(folder, { recursive: true }));

function sample(name: string): Buffer {
  return zstdDecompressSync(readFileSync(join(ROOT, "samples", name)));
}

function file(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function event(user: string, more: Record<string, unknown> = {}): string {
  return JSON.stringify({
    kind: "Event",
    apiVersion: "audit.k8s.io/v1",
    level: "RequestResponse",
    auditID: "4d2c",
    stage: "ResponseComplete",
    requestURI: "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-scheduler",
    verb: "update",
    user: { username: user, groups: ["system:authenticated"] },
    responseStatus: { code: 200 },
    ...more,
  });
}

const NOISE = event("system:kube-scheduler");
const DECOY = event("mallory", { requestObject: { user: { username: "system:kube-scheduler" } } });

interface Summary {
  readonly lines: number;
  readonly kept: number;
  readonly dropped: number;
  readonly stripped: number;
  readonly invalid: number;
  readonly byRule: readonly { readonly rule: number | null; readonly dropped: number }[];
}

describe.concurrent("auditsieve filter", () => {
  test("auditsieve filter drops at least 90 % of the quiet log", async () => {
    const summary = join(folder, "quiet.json");
    const { code, stdout } = await auditsieveHere(["filter", "samples/quiet.log.zst", "--summary", summary]);
    const counts = JSON.parse(readFileSync(summary, "utf8")) as Summary;
    expect(code).toBe(0);
    expect(counts.lines).toBe(2462);
    expect(counts.dropped / counts.lines).toBeGreaterThanOrEqual(0.9);
    expect(counts.kept + counts.dropped).toBe(counts.lines);
    expect(counts.byRule.reduce((sum, rule) => sum + rule.dropped, 0)).toBe(counts.dropped);
    const lines = sample("quiet.log.zst").toString("latin1").split("\n");
    let at = 0;
    for (const line of stdout.split("\n").slice(0, -1)) {
      at = lines.indexOf(line, at) + 1;
      expect(at).toBeGreaterThan(0);
    }
  });

  test("auditsieve filter drops no labelled line of the attack log, at no stage", async () => {
    const labels = readFileSync(join(ROOT, "samples/attack-labels.jsonl"), "utf8").trim().split("\n");
    const ids = new Set(labels.map((label) => (JSON.parse(label) as { auditID: string }).auditID));
    const isLabelled = (line: string): boolean => ids.has(/"auditID":"([^"]*)"/.exec(line)?.[1] ?? "");
    const labelled = sample("attack.log.zst").toString("latin1").split("\n").filter(isLabelled);
    expect(labelled.length).toBeGreaterThan(250);
    const { stdout } = await auditsieveHere(["filter", "samples/attack.log.zst"]);
    expect(stdout.split("\n").filter(isLabelled)).toEqual(labelled);
  });

  test("auditsieve filter reads plain, gzip, zstd and standard input alike", async () => {
    const content = `${NOISE}\n${DECOY}\n`;
    const runs = await Promise.all([
      auditsieveHere(["filter", file("a.log", content)]),
      auditsieveHere(["filter", file("a.log.gz", gzipSync(content))]),
      auditsieveHere(["filter", file("a.log.zst", zstdCompressSync(content))]),
      auditsieveHere(["filter", "-"], content),
      auditsieveHere(["filter"], gzipSync(content)),
    ]);
    expect(runs.map(({ code, stdout }) => [code, stdout])).toEqual(runs.map(() => [0, `${DECOY}\n`]));
  });

  test("auditsieve filter passes bad input through, names it, and handles the rest", async () => {
    const long = `${event("mallory").slice(0, -1)},"requestObject":"${"x".repeat(64 << 20)}"}`;
    const cases: readonly (readonly [
      name: string,
      content: string | Buffer,
      kept: string,
      code: number,
      said: RegExp,
    ])[] = [
      ["empty", "", "", 0, /0 lines/],
      [
        "binary",
        Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2, 0xff, 0xfe]),
        "\x7fELF\0\x01\x02\xff\xfe",
        0,
        /binary:1 \(offset 0\): Cannot decode the line as an audit event/,
      ],
      [
        "torn",
        `${NOISE.slice(0, 200)}\n${NOISE}\n`,
        `${NOISE.slice(0, 200)}\n`,
        0,
        /torn:1 \(offset 0\): .*200 bytes are not one well-formed JSON object/,
      ],
      [
        "glued",
        `${NOISE.slice(0, 300)}${event("mallory")}\n`,
        `${NOISE.slice(0, 300)}${event("mallory")}\n`,
        0,
        /glued:1 .* not one well-formed JSON object; it is kept, the whole event in it too\n[^]*undecidable and kept 1 \(with 1 whole events/,
      ],
      ["decoy", `${DECOY}\n${NOISE}\n`, `${DECOY}\n`, 0, /dropped 1 /],
      ["long", `${long}\n${NOISE}\n`, `${long}\n`, 0, /long:1 \(offset 0\): Cannot decide a line of 67\d{6} bytes/],
    ];
    for (const [name, content, kept, code, said] of cases) {
      const ran = await auditsieveHere(["filter", file(name, content)]);
      expect([name, ran.code, ran.stdout === kept]).toEqual([name, code, true]);
      expect(ran.stderr).toMatch(said);
    }
  });

  test("auditsieve filter says what makes an input unreadable, does the others and exits 2", async () => {
    const good = file("good.log", `${DECOY}\n`);
    const cut = file("cut.log.gz", gzipSync(`${DECOY}\n${NOISE}\n`).subarray(0, -12));
    const cases: readonly (readonly [string, RegExp])[] = [
      [join(folder, "absent.log"), /absent\.log": no such file/],
      [folder, /it is a directory/],
      [cut, /cut off/],
    ];
    for (const [bad, said] of cases) {
      const { code, stdout, stderr } = await auditsieveHere(["filter", bad, good]);
      expect([code, stdout.endsWith(`${DECOY}\n`)]).toEqual([2, true]);
      expect(stderr).toMatch(said);
      expect(stderr).toContain("hint:");
    }
  });

  test("auditsieve filter, replay and query read a log behind which others were put: packed, not packed, in UTF-16", async () => {
    const events = Array.from({ length: 40 }, (_, i) => `${event(`user-${i}`)}\n`);
    const part = (from: number): string => events.slice(from, from + 10).join("");
    const mixed = [part(0), gzipSync(part(10)), Buffer.from(part(20), "utf16le"), zstdCompressSync(part(30))];
    for (const [i, parts] of [mixed, mixed.toReversed()].entries()) {
      const log = file(`mixed-${i}.log`, Buffer.concat(parts.map((each) => Buffer.from(each as Buffer))));
      const expected = (i === 0 ? [0, 10, 20, 30] : [30, 20, 10, 0]).map(part).join("");
      const runs = [await auditsieveHere(["filter", log]), await auditsieveHere(["filter", "-"], readFileSync(log))];
      expect(runs.map(({ code, stdout }) => [code, stdout === expected])).toEqual([
        [0, true],
        [0, true],
      ]);
      const { stdout } = await auditsieveHere(["replay", "--output", "json", log]);
      expect(JSON.parse(stdout)).toMatchObject({ summary: { log: { events: 40 } } });
      expect((await auditsieveHere(["query", "SELECT count(*) AS n FROM events", log])).stdout).toContain("40");
    }
  });

  test("auditsieve filter and replay name what a log is packed or wrapped in that is not read, and what unwraps it", async () => {
    const tar = Buffer.alloc(1024);
    tar.write("audit.log");
    tar.write("ustar", 257);
    const archives: readonly (readonly [string, Buffer, RegExp])[] = [
      ["a.zip", Buffer.concat([Buffer.from("PK\u0003\u0004"), Buffer.alloc(400, 7)]), /a zip file\n.*hint: .*unzip -p/],
      ["a.xz", Buffer.concat([Buffer.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0), Buffer.alloc(400, 7)]), /xz -dc/],
      ["a.tar", Buffer.concat([tar, Buffer.from(`${DECOY}\n`)]), /a tar file\n.*hint: .*tar -x/],
      ["a.tar.gz", gzipSync(Buffer.concat([tar, Buffer.from(`${DECOY}\n`)])), /a tar file\n.*hint: .*tar -x/],
    ];
    for (const [name, content, said] of archives) {
      for (const command of ["filter", "replay"]) {
        const { code, stdout, stderr } = await auditsieveHere([command, file(name, content)]);
        expect([name, command, code, stdout.includes("\u0007")]).toEqual([name, command, 2, false]);
        expect(stderr).toMatch(said);
        expect(stderr).not.toContain("it is empty");
      }
    }
    const wrapped = file("wrapped.ndjson", `${JSON.stringify({ _source: JSON.parse(DECOY) })}\n`.repeat(30));
    for (const args of [["filter"], ["replay"], ["query", "SELECT 1"]]) {
      expect((await auditsieveHere([...args, wrapped])).stderr).toContain(
        "hint: The event stands in a document of another program: pipe the log through jq -c '._source'",
      );
    }
  });

  test("auditsieve filter, rbac and policy simulate say of a missing log that it is missing, and nothing of an empty input", async () => {
    const absent = join(folder, "absent.log");
    const policy = file("all.yaml", "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n");
    for (const args of [["filter"], ["rbac", "jane"], ["policy", "simulate", policy]]) {
      const { code, stderr } = await auditsieveHere([...args, absent]);
      expect([args[0], code]).toEqual([args[0], 2]);
      expect(stderr).toContain(`Cannot read log "${absent}": no such file`);
      expect(stderr).not.toContain("it is empty");
      expect((await auditsieveHere([...args, absent, file("empty.log", "")])).stderr).not.toContain("it is empty");
    }
    expect((await auditsieveHere(["filter", file("empty.log", "")])).stderr).toContain("it is empty");
  });

  test("auditsieve filter --workers writes what one thread does, in order, and --verify what is decided without it", async () => {
    const quiet = sample("working-day.log.zst");
    const log = file("large.log", Buffer.concat([quiet, Buffer.from("broken\n"), quiet.subarray(0, -20)]));
    const runs = [[], ["--workers", "2", "--verify"]].map(async (options, i) => {
      const counts = join(folder, `workers-${i}.json`);
      // Threads write to the descriptor of standard output itself.
      const { code, stdout, stderr } = await auditsieve(["filter", log, "--summary", counts, ...options]);
      return { code, stdout, stderr, counts: readFileSync(counts, "utf8") };
    });
    const [one, ...others] = await Promise.all(runs);
    expect([one?.code, (JSON.parse(one?.counts ?? "") as Summary).invalid]).toEqual([0, 2]);
    for (const other of others) {
      expect(other.stdout === one?.stdout).toBe(true);
      expect([other.code, other.stderr, other.counts]).toEqual([one?.code, one?.stderr, one?.counts]);
    }
  });

  test("auditsieve filter refuses --workers where findings are told, and says where one thread does it", async () => {
    const told = await auditsieveHere(["filter", "samples/small.log", "--workers", "2", "--findings", "/dev/null"]);
    expect([told.code, told.stdout]).toEqual([2, ""]);
    expect(told.stderr).toContain("Cannot use --workers with --findings: one thread does that");
    const short = await auditsieveHere(["filter", "samples/small.log", "--workers", "2"]);
    expect(short.code).toBe(0);
    expect(short.stderr).toContain("--workers is for plain files of 4 MiB and more: one thread does this");
  });

  test("auditsieve filter refuses half a worker", async () => {
    const { code, stderr } = await auditsieveHere(["filter", "samples/small.log", "--workers", "1.5"]);
    expect(code).toBe(2);
    expect(stderr).toContain("whole number from 1 to 64");
  });

  test("auditsieve filter --strict exits 1 for an undecidable line", async () => {
    expect((await auditsieveHere(["filter", "--strict", "-"], "{\n")).code).toBe(1);
  });

  test("auditsieve filter warns of events that no rule matched, and strips by a policy of one's own", async () => {
    const policy = file(
      "p.yaml",
      "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- {level: Metadata, users: [jane]}\n- {level: None, users: [joe]}\n",
    );
    const input = `${event("jane", { requestObject: 1 })}\n${event("joe")}\n${event("eve")}\n`;
    const { code, stdout, stderr } = await auditsieveHere(["filter", "--policy", policy, "-"], input);
    expect([code, stdout]).toEqual([0, `${event("jane").replace("RequestResponse", "Metadata")}\n`]);
    expect(stderr).toMatch(/warning: 1 event dropped because no rule matched/);
  });

  test("auditsieve filter --redact and --findings show no secret", async () => {
    const findings = join(folder, "findings.ndjson");
    const secret = event("mallory", {
      requestURI: "/api/v1/secrets",
      verb: "list",
      objectRef: { resource: "secrets", apiVersion: "v1" },
      responseObject: { kind: "SecretList", items: [{ data: { password: "aHVudGVyMg==" } }] },
    });
    const { stdout } = await auditsieveHere(["filter", "--redact", "--findings", findings, "-"], `${secret}\n`);
    const found = readFileSync(findings, "utf8");
    expect(found).toContain("Secrets of all namespaces");
    expect(stdout + found).not.toContain("aHVudGVyMg");
    expect(stdout).toContain("redacted:");
  });

  test("auditsieve filter refuses a policy that an apiserver refuses", async () => {
    const { code, stdout, stderr } = await auditsieveHere(
      ["filter", "--policy", file("bad.yaml", "rules: []\n"), "-"],
      DECOY,
    );
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/bad\.yaml.*Cannot load the policy: /);
  });
});
