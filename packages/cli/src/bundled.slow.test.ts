import { spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeCertificate } from "../../ingest/src/sources/certificate.suite.ts";
import { MAIN, ROOT } from "./run-command.suite.ts";

const folder = mkdtempSync(join(tmpdir(), "auditsieve-bundled-"));
afterAll(() => rmSync(folder, { recursive: true }));

const BUNDLED = join(ROOT, "packages/cli/dist/start.cjs");
const TOKEN =
  "eyJhbGciOiJSUzI1NiIsImtpZCI6ImFhYSJ9.eyJpc3MiOiJrdWJlcm5ldGVzL3NlcnZpY2VhY2NvdW50In0.c2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJl";

function run(command: string, args: readonly string[]): { readonly stdout: string; readonly summary: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...args], { encoding: "utf8", cwd: folder });
  expect([command, args, status === 0 ? "" : stderr]).toEqual([command, args, ""]);
  return { stdout, summary: stderr };
}

/** Hashes are made with a key of each run. */
function withoutHashes(text: string): string {
  return text.replaceAll(/[0-9a-f]{12,}/g, "hash");
}

describe("the bundled start", () => {
  beforeAll(() => {
    // What is not in the bundle it loads as it was built.
    run(join(ROOT, "node_modules/typescript/bin/tsc"), ["-b", join(ROOT, "tsconfig.build.json")]);
    run(join(ROOT, "scripts/build-start.mjs"), []);
    // Lines whose head is known, with a secret where anything may stand: in a field that decides nothing.
    const lines = readFileSync(join(ROOT, "samples/small.log"), "utf8").trimEnd().split("\n");
    const known = lines.filter((line) => line.includes('"userAgent":"'));
    expect(known.length).toBeGreaterThan(10);
    const planted = known.map((line) => line.replace(/"auditID":"[^"]*"/, `"auditID":"${TOKEN}"`));
    writeFileSync(join(folder, "planted.log"), [...lines, ...lines, ...planted, ...planted].join("\n"));
  }, 300_000);

  test.each([
    ["--redact", ["--redact"]],
    ["--redact --findings", ["--redact", "--findings", "found"]],
    ["--redact --verify", ["--redact", "--verify"]],
    ["alone", []],
  ])(
    "the bundled filter %s writes what the sources write",
    (_name, options) => {
      const bundled = run(BUNDLED, ["filter", ...options, "planted.log"]);
      const sources = run(MAIN, ["filter", ...options, "planted.log"]);
      expect(bundled.stdout.length).toBeGreaterThan(1000);
      expect(bundled.stdout.includes(TOKEN)).toBe(!options.includes("--redact"));
      expect(withoutHashes(bundled.stdout)).toBe(withoutHashes(sources.stdout));
      expect(bundled.summary).toBe(sources.summary);
    },
    120_000,
  );

  test("the bundled command says which Node it needs, to whoever starts it with an older one", () => {
    const older = join(folder, "older.cjs");
    writeFileSync(
      older,
      'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "22.22.0" } });',
    );
    const { status, stdout, stderr } = spawnSync(process.execPath, ["-r", older, BUNDLED, "filter", "planted.log"], {
      encoding: "utf8",
      cwd: folder,
    });
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^auditsieve: Cannot run on Node 22\.22\.0: Node 24 or newer is needed\n  hint: .*\n$/);
  });

  test.each([
    ["wrong use of a bundled command", ["filter", "--nope", "planted.log"], 2],
    ["wrong use of another", ["replay", "--nope"], 2],
    ["no such command", ["filtre"], 2],
    ["a log that is not there", ["filter", "none.log"], 2],
    ["a log that is not there, of a command that is not bundled", ["replay", "none.log"], 2],
    ["help", ["filter", "--help"], 0],
    ["a command that is not bundled", ["policy", "generate"], 0],
  ])(
    "the bundled command says of %s what the sources say, and nothing besides",
    (_name, args, exit) => {
      const [bundled, sources] = [BUNDLED, MAIN].map((command) => {
        const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...args], {
          encoding: "utf8",
          cwd: folder,
        });
        return { status, stdout, stderr };
      });
      expect(bundled).toEqual(sources);
      expect(bundled?.status).toBe(exit);
    },
    120_000,
  );

  test("the bundled daemon finds and checks what the sources find and check", () => {
    const found = [BUNDLED, MAIN].map((command) =>
      run(command, ["ingest", "--no-follow", "--output", "ndjson", "planted.log"]).stdout.trimEnd().split("\n"),
    );
    const ids = found.map((lines) =>
      lines.map((line) => (JSON.parse(line) as { readonly detection: { readonly id: string } }).detection.id),
    );
    expect(ids[0]?.length).toBeGreaterThan(5);
    expect(ids[0]).toEqual(ids[1]);
    writeFileSync(
      join(folder, "auditsieve.yaml"),
      "cluster: test\nstateFolder: state\nsources: [{ type: file, path: planted.log }]\n" +
        "sinks: [{ type: file, folder: out }, { type: stdout, policy: control-loops, feed: kept }]\n",
    );
    const checked = [BUNDLED, MAIN].map((command) => run(command, ["ingest", "--check"]).summary);
    expect(checked[0]).toContain("configuration and connections are fine");
    expect(checked[0]).toBe(checked[1]);
  }, 120_000);

  test("the bundled daemon loads what a configuration asks for: each kind of source and sink, certificates and keys", () => {
    const { cert, key } = makeCertificate("server");
    writeFileSync(join(folder, "tls.crt"), cert);
    writeFileSync(join(folder, "tls.key"), key);
    const { publicKey } = generateKeyPairSync("x25519");
    writeFileSync(join(folder, "quarantine.pub"), publicKey.export({ type: "spki", format: "pem" }));
    writeFileSync(
      join(folder, "all.yaml"),
      "cluster: test\nstateFolder: state-all\nquarantine: { publicKey: file:quarantine.pub }\n" +
        'sources: [{ type: webhook, listen: "127.0.0.1:39417", certFile: tls.crt, keyFile: tls.key, clientCaFile: tls.crt }, { type: kafka, brokers: ["127.0.0.1:9"], topic: a, groupId: g }]\n' +
        'sinks: [{ type: elasticsearch, node: "https://127.0.0.1:9", caFile: tls.crt }, { type: kafka, brokers: ["127.0.0.1:9"], topic: b }]\n',
    );
    const [bundled, sources] = [BUNDLED, MAIN].map(
      (command) =>
        spawnSync(process.execPath, [command, "ingest", "-c", "all.yaml", "--check"], { encoding: "utf8", cwd: folder })
          .stderr,
    );
    expect(bundled).toContain("Cannot reach Elasticsearch");
    expect(bundled).toContain("127.0.0.1:9");
    expect(bundled).not.toContain("Cannot find module");
    expect(bundled).toBe(sources);
  }, 240_000);

  test.each([
    ["without findings", []],
    ["with findings and redaction of a log that gives cause for neither", ["--redact", "--findings", "none"]],
  ])(
    "the bundled filter %s loads neither what it has no use for of Node, nor streams for its summary",
    (_name, options) => {
      const list = join(folder, "modules.cjs");
      writeFileSync(
        list,
        `process.on("exit", () => require("node:fs").writeFileSync("modules", process.moduleLoadList.join("\\n")));`,
      );
      writeFileSync(join(folder, "quiet.log"), zstdDecompressSync(readFileSync(join(ROOT, "samples/quiet.log.zst"))));
      const { status } = spawnSync(process.execPath, ["--require", list, BUNDLED, "filter", ...options, "quiet.log"], {
        cwd: folder,
        env: { ...process.env, NODE_OPTIONS: "" },
      });
      expect(status).toBe(0);
      const loaded = readFileSync(join(folder, "modules"), "utf8").split("\n");
      expect(loaded).toContain("NativeModule fs");
      expect(loaded).not.toContain("NativeModule crypto");
      // V8's settings come with streams.
      expect(loaded.includes("NativeModule stream")).toBe(options.length > 0);
    },
    120_000,
  );

  describe("with compiled code", () => {
    // Beside the other, so that the same packages are found.
    const copy = join(ROOT, "packages/cli/node_modules/.bundled-copy");
    const options = ["filter", "--redact", "--findings", "found", "planted.log"];
    const codeOf = (): readonly string[] => readdirSync(copy).filter((name) => name.endsWith(".code"));
    beforeAll(() => cpSync(join(BUNDLED, ".."), copy, { recursive: true }));
    afterAll(() => rmSync(copy, { recursive: true }));

    /** Of how many files that were loaded V8 took the code beside them, and of how many it did not. */
    function codeTaken(flags: readonly string[]): { readonly taken: number; readonly refused: number } {
      const watch = join(folder, "watch.cjs");
      writeFileSync(
        watch,
        `const vm = require("node:vm");
        vm.Script = class extends vm.Script {
          constructor(source, options) {
            super(source, options);
            require("node:fs").writeSync(2, \`refused \${this.cachedDataRejected}\\n\`);
          }
        };`,
      );
      const { status, stderr, stdout } = spawnSync(
        process.execPath,
        [...flags, "--require", watch, join(copy, "start.cjs"), ...options],
        { encoding: "utf8", cwd: folder, env: { ...process.env, NODE_OPTIONS: "" } },
      );
      expect(status).toBe(0);
      expect(withoutHashes(stdout)).toBe(withoutHashes(run(BUNDLED, options).stdout));
      const lines = stderr.split("\n");
      const count = (wanted: string): number => lines.filter((line) => line === wanted).length;
      return { taken: count("refused false"), refused: count("refused true") };
    }

    test("V8 takes all of it where it is the V8 that made it, and the command works as well where it refuses it", () => {
      const { taken, refused } = codeTaken([]);
      expect(refused).toBe(0);
      // What only a long log needs has code, too, and is not loaded here.
      expect(taken).toBeGreaterThan(5);
      expect(taken).toBeLessThanOrEqual(codeOf().length);
      expect(codeTaken(["--no-opt"])).toEqual({ taken: 0, refused: taken });
    }, 120_000);

    test("the command works with code that was cut, and without any", () => {
      const { taken } = codeTaken([]);
      codeOf().forEach((name) => truncateSync(join(copy, name), 100));
      expect(codeTaken([])).toEqual({ taken: 0, refused: taken });
      codeOf().forEach((name) => rmSync(join(copy, name)));
      expect(existsSync(join(copy, "start-filter.cjs.code"))).toBe(false);
      expect(codeTaken([])).toEqual({ taken: 0, refused: 0 });
    }, 120_000);
  });
});
