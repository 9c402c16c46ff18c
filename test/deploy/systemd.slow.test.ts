import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { freePort } from "../engines/free-port.ts";
import { startSystemd } from "../engines/systemd/systemd.ts";
import type { RunningSystemd } from "../engines/systemd/systemd.ts";

const ROOT = join(import.meta.dirname, "../..");
const UNIT = join(ROOT, "deploy/systemd/auditsieve.service");
/** Of a hundred. What is left is the network, uid 0 and the machine's own root, which it needs (docs/deploy.md). */
const EXPOSURE = 19;
const SERVICE = "auditsieve.service";

const folder = mkdtempSync(join(tmpdir(), "auditsieve-systemd-"));
const layer = join(folder, "layer");
const configuration = join(layer, "etc/auditsieve/auditsieve.yaml");
let systemd: RunningSystemd;
let port: number;

beforeAll(async () => {
  port = await freePort();
  for (const made of [
    "etc/auditsieve",
    "etc/systemd/system/auditsieve.service.d",
    "bin",
    "run",
    "log/kubernetes/audit",
  ]) {
    mkdirSync(join(layer, made), { recursive: true });
  }
  copyFileSync(UNIT, join(layer, "etc/systemd/system", SERVICE));
  // There is no journal.
  writeFileSync(
    join(layer, "etc/systemd/system/auditsieve.service.d/log.conf"),
    "[Service]\nStandardError=append:/run/test/log\n",
  );
  writeFileSync(join(layer, "etc/auditsieve/environment"), "CLUSTER=prod\n", { mode: 0o600 });
  const bin = "/run/checkout/packages/cli/bin/auditsieve.mjs";
  writeFileSync(join(layer, "bin/auditsieve"), `#!/bin/sh\nexec /run/checkout/node_modules/.bin/node ${bin} "$@"\n`);
  chmodSync(join(layer, "bin/auditsieve"), 0o755);
  copyFileSync(join(ROOT, "samples/small.log"), join(layer, "log/kubernetes/audit/audit.log"));
  chmodSync(join(layer, "log/kubernetes/audit/audit.log"), 0o600);
  systemd = await startSystemd(layer);
});

afterAll(async () => {
  await systemd?.stop();
  rmSync(folder, { recursive: true, force: true });
});

beforeEach(() => {
  systemctl("stop", SERVICE);
  systemctl("reset-failed", SERVICE);
  writeFileSync(join(layer, "run/log"), "");
  const text = readFileSync(join(ROOT, "deploy/auditsieve.yaml"), "utf8");
  writeFileSync(configuration, text.replace("0.0.0.0:9598", `127.0.0.1:${port}`), { mode: 0o600 });
});

describe("the systemd unit", () => {
  test("has no problem, and leaves the daemon no more than it needs", () => {
    const unit = join(folder, SERVICE);
    writeFileSync(unit, readFileSync(UNIT, "utf8").replace("/usr/bin/auditsieve", join(layer, "bin/auditsieve")));
    expect(analyze("verify", "--man=no", unit)).toEqual({ status: 0, text: "" });
    const security = ["security", "--offline=true", "--no-pager"];
    expect(analyze(...security, `--threshold=${EXPOSURE}`, unit)).toMatchObject({ status: 0 });
    writeFileSync(unit, readFileSync(unit, "utf8").replace("SystemCallFilter=~@privileged\n", ""));
    expect(analyze(...security, `--threshold=${EXPOSURE}`, unit)).toMatchObject({ status: 1 });
  });

  test("starts the daemon with the configuration that is shipped, as uid 0 without any right, on files that it cannot write", async () => {
    expect(systemctl("start", SERVICE)).toEqual({ status: 0, text: "" });
    await untilReady();
    const status = systemd.run("cat", `/proc/${property("MainPID")}/status`).text;
    expect(status).toMatch(/^Uid:\t0\t0\t0\t0$/m);
    for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]) {
      expect(status).toMatch(new RegExp(`^${set}:\\t0{16}$`, "m"));
    }
    expect(status).toMatch(/^NoNewPrivs:\t1$/m);
    expect(status).toMatch(/^Seccomp:\t2$/m);
    const mounts = systemd.run("cat", `/proc/${property("MainPID")}/mounts`).text.split("\n");
    const optionsOf = (path: string): string | undefined =>
      mounts
        .findLast((line) => line.split(" ")[1] === path)
        ?.split(" ")[3]
        ?.split(",")[0];
    expect(["/", "/var/log", "/var/lib/auditsieve"].map(optionsOf)).toEqual(["ro", "ro", "rw"]);
    expect(systemd.run("stat", "--format=%a %u", "/var/lib/auditsieve").text).toBe("700 0");
  });

  test("reloads by a signal in the same process, and stops when all is delivered", async () => {
    systemctl("start", SERVICE);
    await untilReady();
    const pid = property("MainPID");
    expect(systemctl("reload", SERVICE)).toEqual({ status: 0, text: "" });
    await until(() => times('"Started."') === 2);
    expect([property("MainPID"), property("NRestarts")]).toEqual([pid, "0"]);
    expect(systemctl("stop", SERVICE)).toEqual({ status: 0, text: "" });
    expect([property("ActiveState"), property("Result"), property("ExecMainStatus")]).toEqual([
      "inactive",
      "success",
      "0",
    ]);
    expect(log()).toContain("Stopped; everything read is delivered.");
  });

  test("is started again when it was killed, and not when a person has to mend its configuration", async () => {
    systemctl("start", SERVICE);
    await untilReady();
    systemctl("kill", "--signal=SIGKILL", SERVICE);
    await until(() => property("NRestarts") === "1" && property("ActiveState") === "active");
    await untilReady();
    systemctl("stop", SERVICE);
    writeFileSync(configuration, "cluster: prod\nsinks: 7\n");
    systemctl("start", SERVICE);
    await until(() => property("ActiveState") === "failed");
    expect([property("ExecMainStatus"), property("SubState"), property("NRestarts")]).toEqual(["2", "failed", "0"]);
  });

  test("says at the start that there is no program", async () => {
    const program = join(layer, "bin/auditsieve");
    chmodSync(program, 0o644);
    const { status, text } = systemctl("start", SERVICE);
    chmodSync(program, 0o755);
    expect([status, text]).toEqual([1, expect.stringContaining("failed")]);
  });
});

function analyze(...args: readonly string[]): { readonly status: number | null; readonly text: string } {
  const { status, stdout, stderr } = spawnSync("systemd-analyze", args, { encoding: "utf8" });
  return { status, text: `${stdout}${stderr}`.trim() };
}

function systemctl(...args: readonly string[]): ReturnType<RunningSystemd["run"]> {
  return systemd.run("systemctl", "--user", "--no-pager", ...args);
}

function property(name: string): string {
  return systemctl("show", "--value", "--property", name, SERVICE).text;
}

function log(): string {
  return readFileSync(join(layer, "run/log"), "utf8");
}

function times(what: string): number {
  return log().split(what).length - 1;
}

async function untilReady(): Promise<void> {
  await until(async () => (await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined))?.ok === true);
}

async function until(isDone: () => boolean | Promise<boolean>): Promise<void> {
  const limit = Date.now() + 60_000;
  while (!(await isDone())) {
    expect(Date.now(), log()).toBeLessThan(limit);
    await sleep(100);
  }
}
