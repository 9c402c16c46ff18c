import { spawnSync } from "node:child_process";
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test, vi } from "vitest";
import yargs from "yargs";
import type { Argv } from "yargs";
import { gzipSync } from "node:zlib";
import { ENVIRONMENT, MAIN, ROOT } from "./run-command.suite.ts";
import { inProcess } from "./run-in-process.suite.ts";

const folder = mkdtempSync(join(tmpdir(), "auditsieve-help-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Those that wait for a signal, or want what a daemon or a recording left behind; the tests of ingest, quarantine and reconcile run them. */
const NEEDS_MORE =
  /ingest (?:-c auditsieve\.yaml|\/var\/log\/kubernetes\/audit\.log)$|--open-quarantine|reconcile|FOLDER/;
/** What an example leaves to the reader: which event, which hash, what the cluster's log is called, and what comes from it. */
const LEFT_TO_THE_READER: readonly (readonly [string, string])[] = [
  ["3f8b2c1e-…", "fa86cb1a-1907-46f7-b3ae-b66154262baa"],
  ["X509SHA256=0c49c3486db48…", "dev-dana"],
  ["9f2c…", `"$(cat case-17.hash)"`],
  ["/var/log/kubernetes/", "logs/"],
  ["kubectl logs -f …", "cat audit.log"],
  ["rbac jane", "rbac ops-carol"],
];
/** Where 1 is an answer: a policy that hides something or is not what must hold, what this log shows nothing of. */
const ASKS_FOR_ONE = /--fail-on|must\.cases|system:serviceaccount:ci:ci-bot|--history|--credential/;

prepare();
const examples = await examplesOf([]);

describe("the examples of --help", () => {
  test("there are some of each room", () => {
    expect(examples.length).toBeGreaterThan(60);
    for (const command of ["policy tune", "detections test", "filter", "ingest", "replay", "query", "verify"]) {
      expect(examples.filter((example) => example.includes(`auditsieve ${command}`)).length).toBeGreaterThan(0);
    }
  });

  runAll(examples);
});

describe("the commands in docs", () => {
  const commands = globSync("docs/*.md", { cwd: ROOT }).flatMap((page) =>
    commandsOf(readFileSync(join(ROOT, page), "utf8")),
  );

  test("there are some of most pages", () => {
    expect(commands.length).toBeGreaterThan(50);
  });

  runAll(commands);
});

function runAll(commands: readonly string[]): void {
  test.each(commands.filter((command) => !NEEDS_MORE.test(command)))("%s", (shown) => {
    const command = LEFT_TO_THE_READER.reduce((text, [from, to]) => text.replaceAll(from, to), shown);
    const shim = `set -o pipefail; auditsieve() { "${process.execPath}" "${MAIN}" "$@"; }; jq() { grep ""; }; ${command}`;
    const { status, stderr } = spawnSync("bash", ["-c", shim], { cwd: folder, env: ENVIRONMENT, encoding: "utf8" });
    const isAnswer = status === 0 || (status === 1 && ASKS_FOR_ONE.test(command));
    expect(isAnswer ? "" : `${command}: ${status}: ${stderr}`).toBe("");
    if (command.includes("--seal")) {
      writeFileSync(join(folder, "case-17.hash"), /[0-9a-f]{64}/.exec(stderr)?.[0] ?? "");
    }
  });
}

/** The commands in a page's blocks for a shell, whole lines of it. */
function commandsOf(page: string): readonly string[] {
  return [...page.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, block = ""]) =>
    block
      .replaceAll("|\n", "|")
      .split("\n")
      .filter((line) => /(?:^|\| *)auditsieve /.test(line)),
  );
}

/** The examples of a command and those below it, as they are given to what prints them: that breaks long ones into lines. */
async function examplesOf(words: readonly string[]): Promise<readonly string[]> {
  const given = vi.spyOn(Object.getPrototypeOf(yargs([])) as Argv, "example");
  const { stdout } = await inProcess([...words, "--help"]);
  const own = given.mock.calls.map(([example]) => String(example).replaceAll("$0", "auditsieve"));
  given.mockRestore();
  const [, commands = ""] = /^Commands:\n(.*?)\n\n/ms.exec(stdout) ?? [];
  for (const [, word = ""] of commands.matchAll(
    new RegExp(`^ {2}auditsieve ${[...words, "([a-z]+)"].join(" ")}`, "gm"),
  )) {
    own.push(...(await examplesOf([...words, word])));
  }
  return own;
}

/** The files that the examples name. */
function prepare(): void {
  const put = (name: string, content: string | Buffer): void => writeFileSync(join(folder, name), content);
  const log = readFileSync(join(ROOT, "samples/small.log"));
  const profiles = join(ROOT, "profiles/policies");
  for (const name of ["logs", "archive", "case-17", "policies"]) {
    mkdirSync(join(folder, name));
  }
  const folders = ["logs/audit.log", "archive/audit.log", "case-17/audit.log"];
  for (const name of ["audit.log", "dump.json", "copied-from-a-dead-disk.log", ...folders]) {
    put(name, log);
  }
  for (const name of ["audit-1.log.gz", "audit-2.gz"]) {
    put(name, gzipSync(log));
  }
  for (const name of [
    "policy",
    "audit-policy",
    "current",
    "next",
    "new",
    "today",
    "cluster.policy",
    "my.policy",
    "p",
    "policies/p",
  ]) {
    cpSync(join(profiles, "hardened.policy.yaml"), join(folder, `${name}.yaml`));
  }
  for (const name of ["team", "own"]) {
    cpSync(join(profiles, "hardened.profile.yaml"), join(folder, `${name}.profile.yaml`));
  }
  cpSync(join(profiles, "hardened.cases.yaml"), join(folder, "team.cases.yaml"));
  cpSync(join(profiles, "hardened.cases.yaml"), join(folder, "must.cases.yaml"));
  for (const name of ["rules", "new"]) {
    cpSync(join(ROOT, "profiles/detections/discovery"), join(folder, name), { recursive: true });
  }
  cpSync(join(ROOT, "docs/examples/listed-address.yml"), join(folder, "rule.yml"));
  // The one that an example leaves out is sound: others take the whole folder, and its cases.
  for (const end of ["yml", "cases.ndjson"]) {
    cpSync(join(ROOT, `docs/examples/listed-address.${end}`), join(folder, `rules/broken.${end}`));
  }
  put("fields.yml", "name: ours\npriority: 10\ntransformations: []\n");
  const [, exceptions = ""] =
    /```yaml\n(# exceptions\.yml\n.*?)```/s.exec(readFileSync(join(ROOT, "docs/exceptions.md"), "utf8")) ?? [];
  put("exceptions.yml", exceptions);
  put(
    "auditsieve.yaml",
    `cluster: prod
stateFolder: ${folder}/state
sources: [{ type: file, path: ${folder}/audit.log }]
sinks: [{ type: file, folder: ${folder}/out }]
tests:
- name: nodes
  event: { level: Metadata, stage: ResponseComplete, verb: list, requestURI: /api/v1/nodes, user: { username: jane } }
  expect: {}
`,
  );
}
