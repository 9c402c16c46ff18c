import { spawn } from "node:child_process";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { openStore } from "@auditsieve/ingest";
import { afterAll, describe, expect, test } from "vitest";
import { ENVIRONMENT, MAIN, ROOT } from "./run-command.suite.ts";
import { auditsieveHere } from "./run-in-process.suite.ts";

const folder = mkdtempSync(join(tmpdir(), "auditsieve-ingest-files-"));
afterAll(() => rmSync(folder, { recursive: true }));

const SAMPLE = readFileSync(join(ROOT, "samples", "small.log"));
const HOSTILE = `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"a","stage":"ResponseComplete","requestURI":"/api/v1/secrets","verb":"list","user":{"username":"mallory\\u001b[2J\\u202e"},"sourceIPs":["192.0.2.1"],"objectRef":{"resource":"secrets","apiVersion":"v1"},"responseStatus":{"code":200},"requestReceivedTimestamp":"2026-11-24T00:13:26.471919Z","stageTimestamp":"2026-11-24T00:13:26.481919Z"}\n`;

interface NdjsonFinding {
  readonly detection: { readonly id: string; readonly level: string };
  readonly auditIDs: readonly string[];
}

function findingsOf(stdout: string): readonly NdjsonFinding[] {
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as NdjsonFinding);
}

describe.concurrent("auditsieve ingest without a configuration", () => {
  test("finds in files, archives, EventLists and standard input what replay finds", async () => {
    const file = (name: string, content: string | Buffer): string => {
      writeFileSync(join(folder, name), content);
      return join(folder, name);
    };
    const replayed = await auditsieveHere(["replay", "--output", "ndjson", "samples/small.log"]);
    const expected = findingsOf(replayed.stdout).map(({ detection, auditIDs }) => `${detection.id} ${auditIDs.join()}`);
    expect(expected.length).toBeGreaterThan(10);
    const items = SAMPLE.toString("utf8").trim().split("\n").join(",");
    const inputs = [
      file("plain.log", SAMPLE),
      file("two.log.gz", Buffer.concat([gzipSync(SAMPLE.subarray(0, 5000)), gzipSync(SAMPLE.subarray(5000))])),
      file("list.json", `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[${items}]}`),
      "-",
    ];
    const args = ["ingest", "--no-follow", "--output", "ndjson", ...inputs];
    const { code, stdout, stderr } = await auditsieveHere(args, SAMPLE);
    expect(code, stderr).toBe(0);
    const found = findingsOf(stdout).map(({ detection, auditIDs }) => `${detection.id} ${auditIDs.join()}`);
    expect(found.toSorted()).toEqual(inputs.flatMap(() => expected).toSorted());
  });

  test("follows a file, shows findings as they come, and ends well at a signal", async () => {
    const log = join(folder, "followed.log");
    writeFileSync(log, "");
    const child = spawn(process.execPath, [MAIN, "ingest", log], { cwd: ROOT, env: ENVIRONMENT });
    let out = "";
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString("utf8")));
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    appendFileSync(log, HOSTILE);
    while (!out.includes("mallory") && child.exitCode === null) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
    expect(out).toMatch(/^2026-11-24T00:13:26\.471919Z {2}\w+ +mallory.*list secrets.*\n/);
    expect(out).not.toContain("\u001b");
    expect(out).not.toContain("\u202e");
  });

  test("ends well at a signal that comes before the daemon is loaded", async () => {
    const log = join(folder, "never-read.log");
    writeFileSync(log, HOSTILE);
    // The signal comes exactly when the daemon's first file is asked for.
    const preload = `import { registerHooks } from "node:module";
      registerHooks({ load(url, context, next) {
        if (url.endsWith("/commands/ingest.ts")) process.kill(process.pid, "SIGTERM");
        return next(url, context);
      } });`;
    const child = spawn(
      process.execPath,
      ["--import", `data:text/javascript,${encodeURIComponent(preload)}`, MAIN, "ingest", log],
      { cwd: ROOT, env: ENVIRONMENT },
    );
    let [out, err] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString("utf8")));
    child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString("utf8")));
    const ended = await new Promise((resolve) => child.once("close", (...end) => resolve(end)));
    expect([ended, out, err]).toEqual([[0, null], "", "auditsieve: 0 lines, 0 findings\n"]);
  });

  test("goes on where it stopped with a state folder, and keeps events in a store", async () => {
    const log = join(folder, "stated.log");
    const store = join(folder, "store");
    writeFileSync(log, SAMPLE);
    const args = [
      "ingest",
      "--no-follow",
      "--output",
      "ndjson",
      "--store",
      store,
      "--state-folder",
      join(folder, "state"),
    ];
    const first = await auditsieveHere([...args, log]);
    expect(findingsOf(first.stdout).length).toBeGreaterThan(10);
    appendFileSync(log, HOSTILE);
    const again = await auditsieveHere([...args, "--min-level", "high", log]);
    expect(again.code).toBe(0);
    const levels = findingsOf(again.stdout).map(({ detection }) => detection.level);
    expect(levels.length).toBeLessThan(5);
    expect(levels.every((level) => level === "high" || level === "critical")).toBe(true);
    const kinds = (await openStore(store)).segments.map(({ kind }) => kind);
    expect(kinds).toContain("event");
    expect(kinds).toContain("finding");
  });

  test("warns people in words and programs in JSON lines, and at once of a log that holds no audit events", async () => {
    const log = join(folder, "syslog");
    writeFileSync(log, "Nov 24 00:13:26 node-1 sshd[7]: \u001b[2JAccepted\n".repeat(3));
    const people = await auditsieveHere(["ingest", "--no-follow", log, "samples/small.log"]);
    const [first, ...more] = people.stderr.trimEnd().split("\n");
    expect(first).toBe(`auditsieve: warning: Log "${log}" holds nothing that is known as an audit event so far`);
    expect(more[0]).toMatch(/^ {2}hint: .*--audit-log-path/);
    expect(more).toContainEqual(
      expect.stringMatching(
        /^auditsieve: warning: Line is undecidable\. \(source audit, input 0:.*syslog, offset 0, bytes \d+, /,
      ),
    );
    expect(people.stderr).not.toContain("{");
    expect(people.stderr).not.toContain("\u001b");
    const programs = await auditsieveHere(["ingest", "--no-follow", "--output", "ndjson", log]);
    expect(programs.stderr).toMatch(/^\{"level":"warn",.*"msg":"Line is undecidable\."\}$/m);
    expect((await auditsieveHere(["ingest", "--no-follow", "samples/small.log"])).stderr).not.toContain(
      "holds nothing",
    );
  });

  test.each([
    [["ingest", "absent.log"], /log "absent.log": no such file/],
    [["ingest", "-c", "x.yaml", "samples/small.log"], /files were named together with a configuration/],
    [["ingest"], /there is no auditsieve.yaml here, and no log was named/],
  ])("answers %j with one message, a hint and 2", async (args, said) => {
    const { code, stdout, stderr } = await auditsieveHere(args);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(said);
    expect(stderr).toContain("hint:");
  });

  test("reads what is readable of a damaged archive and exits 2", async () => {
    const path = join(folder, "damaged.log.gz");
    writeFileSync(path, gzipSync(SAMPLE).subarray(0, -20));
    const { code, stderr } = await auditsieveHere(["ingest", "--output", "ndjson", path]);
    expect(code).toBe(2);
    expect(stderr).toContain("cut off");
  });
});
