import { spawn, spawnSync } from "node:child_process";
import {
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { zstdDecompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const IMAGE = join(ROOT, "test/engines/image/image.sh");
const BUILD_TIMEOUT_MS = 15 * 60_000;
/** Of the image's user. */
const UID = 65532;

/** What buildah says of an image. */
interface Description {
  readonly OCIv1: {
    readonly config: { readonly User: string; readonly Entrypoint: readonly string[]; readonly Cmd: readonly string[] };
  };
}

const folder = mkdtempSync(join(tmpdir(), "auditsieve-image-"));
const layer = join(folder, "layer");
const log = zstdDecompressSync(readFileSync(join(ROOT, "samples/attack.log.zst")));
let config: Description["OCIv1"]["config"];

beforeAll(() => {
  const { status, stdout, stderr } = spawnSync("bash", [IMAGE, "build", folder, ROOT, process.execPath], {
    encoding: "utf8",
    maxBuffer: 1 << 26,
  });
  expect([status, status === 0 ? "" : stderr.slice(-4000)]).toEqual([0, ""]);
  ({ config } = (JSON.parse(stdout) as Description).OCIv1);
  for (const name of ["etc", "log", "var"]) {
    mkdirSync(join(layer, name), { recursive: true });
  }
  chownSync(join(layer, "var"), UID, UID);
  copyFileSync(join(ROOT, "deploy/auditsieve.yaml"), join(layer, "etc/auditsieve.yaml"));
  writeFileSync(join(layer, "log/audit.log"), log);
}, BUILD_TIMEOUT_MS);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the image, built by its Dockerfile,", () => {
  test("starts as a user without rights, to whom nothing in it belongs and who may write nothing of it", () => {
    expect(config).toMatchObject({ User: `${UID}:${UID}`, Cmd: ["--help"] });
    const app = join(readFileSync(join(folder, "rootfs"), "utf8").trim(), "app");
    expect(existsSync(join(app, "node_modules/auditsieve/bin/auditsieve.mjs"))).toBe(true);
    const others = ["!", "-type", "l", "(", "!", "-uid", "0", "-o", "-perm", "/022", ")"];
    expect(spawnSync("find", [app, ...others], { encoding: "utf8" }).stdout).toBe("");
    expect(run(config.Cmd)).toMatchObject({
      status: 0,
      stdout: expect.stringContaining("auditsieve <command>") as unknown,
    });
  });

  test("checks the configuration of deploy/, follows a log and drains, on a root that is read-only", async () => {
    const args = ["ingest", "-c", "/etc/auditsieve/auditsieve.yaml"];
    expect(run([...args, "--check"])).toMatchObject({ status: 0 });
    const daemon = spawn("bash", commandOf(args), { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    daemon.stderr.on("data", (bytes: Buffer) => (said += bytes.toString("utf8")));
    const ended = new Promise<number | null>((resolve) => daemon.once("close", resolve));
    const stored = join(layer, "var/store/event-00000001.ndjson");
    for (let waited = 0; !existsSync(stored) && waited < 600; waited++) {
      await sleep(100);
    }
    daemon.kill("SIGTERM");
    expect([await ended, said]).toEqual([0, expect.stringContaining("everything read is delivered")]);
    expect(readFileSync(stored).length).toBeGreaterThan(0);
  });
});

function commandOf(args: readonly string[]): readonly string[] {
  return [IMAGE, "run", folder, layer, ...config.Entrypoint, ...args];
}

function run(args: readonly string[]): { readonly status: number | null; readonly stdout: string } {
  const { status, stdout, stderr } = spawnSync("bash", commandOf(args), { encoding: "utf8" });
  return { status, stdout: `${stdout}${stderr}` };
}
