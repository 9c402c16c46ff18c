import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { auditsieve, ROOT } from "./run-command.suite.ts";
import { auditsieveHere } from "./run-in-process.suite.ts";

const folder = mkdtempSync(join(tmpdir(), "auditsieve-commands-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const TINY = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- {level: Metadata, users: [ann]}\n- {level: None}\n";

describe.concurrent("auditsieve", () => {
  const wrongUse: readonly (readonly [string, readonly string[], RegExp])[] = [
    ["no command", [], /no command was given/],
    ["an unknown command", ["frobnicate", "audit.log"], /there is no command "frobnicate"\n/],
    ["a misspelt command", ["replya"], /there is no such command\n {2}hint: Did you mean "replay"\?/],
    ["a misspelt command of policy", ["policy", "chekc"], /hint: Did you mean "check"\?/],
    [
      "an import of detections",
      ["detections", "import", "rules/"],
      /there is no command "import"\n {2}hint: A folder of Sigma rules, as SigmaHQ's, is named as it is and needs no import; `auditsieve detections --help`/,
    ],
    ["an unknown option", ["filter", "--fast"], /unknown argument: fast/],
    [
      "an unknown choice",
      ["replay", "--output", "xml"],
      /invalid values: Argument: output, Given: "xml", Choices: [^\n\\]+\n/,
    ],
    ["a detection that is not there", ["replay", "--detection", "nope"], /none has the id, title or file name "nope"/],
    ["a network that is none", ["replay", "--source-ip", "10.0.0.0/33"], /"10.0.0.0\/33" is no address and no network/],
    [
      "several addresses that are none",
      ["replay", "--source-ip", "10.0.0.1,host", "--source-ip", "1.2.3"],
      /"host", "1.2.3" are no addresses/,
    ],
    ["times in the wrong order", ["replay", "--since", "2026-11-25", "--until", "2026-11-24"], /is not before --until/],
    ["a zone that is none", ["replay", "--since", "2026-11-25", "--zone", "Mars/X"], /hint: Write the zone as/],
    ["no policy command", ["policy"], /no command was given to policy/],
    [
      "no file",
      ["policy", "check"],
      /Cannot run policy check: <files\.\.> is missing in `auditsieve policy check <files\.\.>`/,
    ],
    ["no query", ["query"], /Cannot run query: <sql> is missing in `auditsieve query <sql> \[logs\.\.\]`/],
    ["a log where a query stands", ["query", "samples/small.log"], /is a file, and no <sql> stands before it/],
    ["a log where an actor stands", ["rbac", "samples/small.log"], /is a file, and no <actor> stands before it/],
    ["a log where an auditID stands", ["explain", "samples/small.log"], /is a file, and no <audit-id> stands before/],
    ["a policy that is not there", ["policy", "eval", "absent.yaml"], /policy "absent.yaml": no such file/],
    [
      "a profile that is not there",
      ["policy", "generate", "--profile", "nope"],
      /no profile|Cannot find a profile called "nope"/,
    ],
    [
      "a version that is none",
      ["policy", "check", "--kubernetes-version", "newest", "samples/small.log"],
      /--kubernetes-version "newest": it is no version/,
    ],
    [
      "an option for files beside a configuration",
      ["ingest", "-c", "docs/examples/auditsieve.yaml", "--check", "--min-level", "low"],
      /--min-level is for files without a configuration/,
    ],
    [
      "exceptions that no detection is run for",
      ["filter", "samples/small.log", "--exceptions", "exceptions.yml"],
      /--exceptions: no detection is run without --findings/,
    ],
    [
      "nothing to compare with",
      ["replay", "samples/small.log", "--compare"],
      /Cannot use --compare: its value is empty/,
    ],
    [
      "threads for what one must do",
      ["filter", "samples/small.log", "--workers", "2", "--redact"],
      /Cannot use --workers with --redact: one thread does that/,
    ],
    ["workers that are none", ["filter", "--workers", "many"], /--workers: it must be a whole number from 1 to 64/],
    [
      "a parameter without a value",
      ["policy", "generate", "--set", "secrets"],
      /--set "secrets": it must be NAME=VALUE/,
    ],
    ["a parameter that is not there", ["policy", "generate", "--set", "sekrets=None"], /sekrets/],
    [
      "a time that is none",
      ["replay", "--since", "yesterday", "samples/small.log"],
      /Cannot read the time "yesterday"/,
    ],
  ];
  test.each(wrongUse)("auditsieve answers %s with one message, a hint and 2", async (_name, args, said) => {
    const { code, stdout, stderr } = await auditsieveHere(args);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(said);
    expect(stderr).toContain("hint:");
    expect(stderr).not.toMatch(/\n +at /);
  });

  test.each([[], ["policy"], ["detections"]])(
    "auditsieve %s --help shows the commands, and each has examples",
    async (...words) => {
      const { code, stdout } = await auditsieveHere([...words, "--help"]);
      const commands = [...stdout.matchAll(/^ {2}auditsieve (?:(?:policy|detections) )?([a-z]+) /gm)].map(
        ([, name = ""]) => name,
      );
      expect([code, commands.length > 3]).toEqual([0, true]);
      for (const name of commands.filter((each) => each !== "policy" && each !== "detections")) {
        expect((await auditsieveHere([...words, name, "--help"])).stdout).toMatch(/^Options:\n[^]*^Examples:\n/m);
      }
    },
  );

  test("auditsieve policy generate --help names every shipped profile", async () => {
    const { stdout } = await auditsieveHere(["policy", "generate", "--help"]);
    const names = readdirSync(join(ROOT, "profiles/policies")).flatMap(
      (file) => file.match(/^(.*)\.profile\.yaml$/)?.[1] ?? [],
    );
    expect(names.length).toBeGreaterThan(5);
    expect(names.filter((name) => !stdout.includes(name))).toEqual([]);
  });

  test("auditsieve says the same in a process of its own", async () => {
    const [own, here] = await Promise.all([auditsieve(["filter", "--fast"]), auditsieveHere(["filter", "--fast"])]);
    expect(own).toEqual(here);
    expect(own.code).toBe(2);
  });

  test("auditsieve ends well when its reader stops reading", async () => {
    const { spawnSync } = await import("node:child_process");
    const main = join(ROOT, "packages/cli/src/main.ts");
    const { stdout, stderr } = spawnSync(
      "bash",
      [
        "-c",
        `"${process.execPath}" "${main}" filter samples/working-day.log.zst 2>/dev/null | head -1 | wc -l; echo "\${PIPESTATUS[0]}"`,
      ],
      { cwd: ROOT, encoding: "utf8" },
    );
    expect([stdout.trim(), stderr]).toEqual(["1\n0", ""]);
  });
});

describe.concurrent("auditsieve policy", () => {
  test("auditsieve policy generate prints a policy that check finds no error in, and says what it logs", async () => {
    const generated = await auditsieveHere(["policy", "generate"]);
    expect([generated.code, generated.stderr]).toEqual([
      0,
      expect.stringMatching(/Secret values will stand in the audit log.*--set secrets=Metadata/s),
    ]);
    const checked = await auditsieveHere(["policy", "check", "-", "--output", "json"], generated.stdout);
    expect(checked.code).toBe(0);
    const [report] = JSON.parse(checked.stdout) as [
      { accepted: boolean; error: null; warnings: string[]; problems: { severity: string }[] },
    ];
    expect([report.accepted, report.error, report.warnings]).toEqual([true, null, []]);
    expect(report.problems.filter(({ severity }) => severity === "error")).toEqual([]);
  });

  test("auditsieve policy generate writes to a file or into a folder", async () => {
    const [toFile, toFolder, printed] = await Promise.all([
      auditsieveHere(["policy", "generate", "--set", "secrets=Metadata", "-o", join(folder, "own.yaml")]),
      auditsieveHere(["policy", "generate", "--set", "secrets=Metadata", "-o", folder]),
      auditsieveHere(["policy", "generate", "--set", "secrets=Metadata"]),
    ]);
    expect([toFile.code, toFile.stdout, toFolder.code]).toEqual([0, "", 0]);
    expect(readFileSync(join(folder, "own.yaml"), "utf8")).toBe(printed.stdout);
    expect(readFileSync(join(folder, "audit-policy.yaml"), "utf8")).toBe(printed.stdout);
    expect(printed.stderr).not.toContain("Secret values");
  });

  test("auditsieve policy check reports what an apiserver says verbatim, and exits by what it found", async () => {
    const refused = file("refused.yaml", "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: metadata\n");
    const lax = file("lax.yaml", "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: None\n  verb: [get]\n");
    const { code, stdout } = await auditsieveHere(["policy", "check", refused, lax, "--output", "json"]);
    const [first, second] = JSON.parse(stdout) as {
      error: string | null;
      warnings: string[];
      problems: { id: string; line: number; hint: string }[];
    }[];
    expect(code).toBe(2);
    expect(first?.error).toBe(
      'rules[0].level: Unsupported value: "metadata": supported values: "None", "Metadata", "Request", "RequestResponse"',
    );
    expect(second?.warnings).toEqual([
      'Audit policy contains errors, falling back to lenient decoding: strict decoding error: unknown field "rules[0].verb"',
    ]);
    expect(second?.problems.find(({ id }) => id === "unknown-field")).toMatchObject({ line: 5 });
    expect((await auditsieveHere(["policy", "check", lax])).code).toBe(1);
    expect((await auditsieveHere(["policy", "check", join(folder, "absent.yaml"), lax])).code).toBe(2);
  });

  test("auditsieve policy eval decides a line each, and keeps the place of a line that is no request", async () => {
    const requests = [
      '{"user":"ann","verb":"get","resource":"pods","apiVersion":"v1","isResourceRequest":true}',
      "nonsense",
      '{"noUser":true,"verb":"get","path":"/version","isResourceRequest":false}',
      '{"user":7}',
    ].join("\n");
    const { code, stdout } = await auditsieveHere(["policy", "eval", file("tiny.yaml", TINY)], requests);
    expect(code).toBe(2);
    expect(
      stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([
      { level: "Metadata", omitStages: [], omitManagedFields: false, rule: 0 },
      { error: "it is no JSON" },
      { level: "None", omitStages: [], omitManagedFields: false, rule: 1 },
      { error: "user must be a string" },
    ]);
  });
});

describe.concurrent("auditsieve replay and explain", () => {
  interface Finding {
    readonly detection: {
      readonly id: string;
      readonly title: string;
      readonly level: string;
      readonly techniques: readonly string[];
    };
    readonly time: string;
    readonly actor?: string;
    readonly summary: string;
    readonly correlation?: { readonly count: number };
    readonly auditIDs: readonly string[];
    readonly events: readonly { readonly auditID: string }[];
  }
  const findings = (stdout: string): Finding[] =>
    stdout
      .trim()
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Finding);

  test("auditsieve replay gives findings in order of time, in the contract's form", async () => {
    const { code, stdout } = await auditsieveHere(["replay", "samples/attack.log.zst", "--output", "ndjson"]);
    const found = findings(stdout);
    expect(code).toBe(0);
    expect(found.length).toBeGreaterThan(40);
    expect(found.map(({ time }) => time)).toEqual(found.map(({ time }) => time).toSorted());
    for (const finding of found) {
      expect(finding.detection.id).toMatch(/^[0-9a-f-]{36}$/);
      expect(["informational", "low", "medium", "high", "critical"]).toContain(finding.detection.level);
      const most = Math.min(finding.correlation?.count ?? 1, 20);
      expect(finding.events.length).toBe(most);
      // One detection is about an auditID that several requests have.
      expect(finding.auditIDs).toEqual([...new Set(finding.events.map(({ auditID }) => auditID))]);
    }
  });

  test("auditsieve replay finds nothing of medium or higher in the quiet log", async () => {
    const { code, stdout } = await auditsieveHere([
      "replay",
      "samples/quiet.log.zst",
      "--output",
      "ndjson",
      "--min-level",
      "medium",
      "--fail-on",
      "medium",
    ]);
    expect([code, stdout]).toEqual([0, ""]);
  });

  test("auditsieve replay selects by time and actor, and fails on a severity when asked", async () => {
    const args = ["replay", "samples/attack.log.zst", "--output", "ndjson"];
    const since = await auditsieveHere([
      ...args,
      "--since",
      "2026-11-24T00:28:00Z",
      "--until",
      "2026-11-24 00:28:30",
      "--actor",
      "ops-*",
    ]);
    const found = findings(since.stdout);
    expect(found.length).toBeGreaterThan(5);
    expect(
      found.every(
        ({ time, actor }) => time >= "2026-11-24T00:28:00" && time < "2026-11-24T00:28:30" && actor === "ops-carol",
      ),
    ).toBe(true);
    expect((await auditsieveHere([...args, "--fail-on", "high"])).code).toBe(1);
    const quiet = ["replay", "samples/quiet.log.zst", "--output", "ndjson", "--fail-on", "medium"];
    expect((await auditsieveHere(quiet)).code).toBe(0);
  });

  test("auditsieve replay prints a timeline and what the log cannot show", async () => {
    const { code, stdout } = await auditsieveHere(["replay", "samples/small.log"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/findings in 40 events, 2026-/);
    expect(stdout).toMatch(/2026-\S+Z +high +ops-carol: /);
    expect(stdout).toMatch(/Levels in the log: RequestResponse 40/);
    expect(stdout).not.toContain("\u001b");
  });

  test("auditsieve replay and explain print nothing of a log that acts on a terminal", async () => {
    const hostile = JSON.stringify({
      kind: "Event",
      level: "Metadata",
      auditID: "x1",
      stage: "ResponseComplete",
      requestURI: "/api/v1/secrets",
      verb: "list",
      user: { username: "eve\u001b[2J\u202e\u009b2J" },
      userAgent: "\u001b]0;owned\u0007\u{e0041}",
      objectRef: { resource: "secrets", apiVersion: "v1" },
      responseStatus: { code: 200 },
    });
    const runs = await Promise.all([
      auditsieveHere(["replay", "-"], `${hostile}\n`),
      auditsieveHere(["explain", "x1", "-"], `${hostile}\n`),
      auditsieveHere(["explain", "\u001b[2J", "-"], hostile),
      ...["json", "ndjson", "timesketch"].map((output) =>
        auditsieveHere(["replay", "-", "--output", output], `${hostile}\n`),
      ),
      auditsieveHere(["explain", "x1", "-", "--output", "json"], `${hostile}\n`),
      auditsieveHere(["query", "select actor, user_agent from events", "-", "--output", "ndjson"], `${hostile}\n`),
    ]);
    for (const { stdout, stderr } of runs) {
      const printed = Buffer.from(stdout, "latin1").toString("utf8") + stderr;
      const acting = ["\u001b", "\u0007", "\u202e", "\u009b", "\u{e0041}"];
      expect(acting.filter((each) => printed.includes(each))).toEqual([]);
    }
    expect(runs[0]?.stdout).toContain("eve\\u001b[2J");
    const asJson = [3, 4, 6, 7].map((run) => runs[run]?.stdout.includes("eve\\u001b[2J\\u202e\\u009b2J"));
    expect(asJson).toEqual([true, true, true, true]);
  });

  test("auditsieve explain says what decides, what hits and what would be sent", async () => {
    const ids = findings((await auditsieveHere(["replay", "samples/small.log", "--output", "ndjson"])).stdout);
    const finding = ids.find(({ correlation }) => correlation === undefined);
    const { code, stdout } = await auditsieveHere([
      "explain",
      finding?.auditIDs[0] ?? "",
      "samples/small.log",
      "--output",
      "json",
    ]);
    const explained = JSON.parse(stdout) as {
      decision: { action: string; because: string };
      detections: { title: string; outcome: string }[];
      document: Record<string, unknown>;
    }[];
    expect(code).toBe(0);
    expect(
      explained.some(({ detections }) =>
        detections.some(({ title, outcome }) => title === finding?.detection.title && outcome === "hit"),
      ),
    ).toBe(true);
    expect(
      explained.every(({ decision, document }) => decision.because !== "" && document["@timestamp"] !== undefined),
    ).toBe(true);
    expect((await auditsieveHere(["explain", "no-such-id", "samples/small.log"])).code).toBe(1);
  });
});
