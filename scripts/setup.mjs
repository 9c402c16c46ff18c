// Makes a checkout ready on any Node >= 20 with npm: the pinned pnpm installs what the lockfile says, the right Node with it.
// Plain JavaScript: it runs before anything is installed.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const STAMP = join(ROOT, "node_modules", ".auditsieve-setup");
export const PNPM = "pnpm@12.21.0";
const NODE_BIN = join(ROOT, "node_modules", ".bin");

/** Installs once, and packs the detections when they have changed; a later call does nothing. */
export function setUp() {
  install();
  packDetections();
}

function install() {
  const wanted = fingerprint();
  if (existsSync(STAMP) && readFileSync(STAMP, "utf8") === wanted && nodeVersion() >= 24) {
    return;
  }
  const { node } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")).devDependencies;
  say(`Setting up: Node ${node} and the locked dependencies, from the npm registry`);
  const args = [
    "exec",
    "--yes",
    `--package=node@${node}`,
    `--package=${PNPM}`,
    "--",
    "pnpm",
    "install",
    "--frozen-lockfile",
  ];
  const { status, error } = spawnSync("npm", args, {
    cwd: ROOT,
    stdio: ["ignore", 2, 2],
    env: { ...process.env, CI: "true" },
  });
  if (status !== 0) {
    fail(
      `Cannot install the dependencies: ${error?.message ?? `pnpm ended with ${status}`}`,
      "Check that npm reaches its registry, then try again",
    );
  }
  if (!(nodeVersion() >= 24)) {
    fail("Cannot find a Node >= 24 in node_modules/.bin after installing", "Remove node_modules and try again");
  }
  mkdirSync(dirname(STAMP), { recursive: true });
  writeFileSync(STAMP, wanted);
}

/** Makes what a start reads in the place of the detections' YAML, unless it is of these texts; on the workspace's own Node. */
export function packDetections() {
  const folder = join(ROOT, "profiles/detections");
  const pack = join(ROOT, "profiles/dist/detections.json");
  const packed = existsSync(pack) ? JSON.parse(readFileSync(pack, "utf8")) : {};
  const files = readdirSync(folder, { recursive: true }).filter((file) => file.endsWith(".yml"));
  const isOfNow = (file) =>
    packed[file]?.sha256 ===
    createHash("sha256")
      .update(readFileSync(join(folder, file)))
      .digest("hex");
  if (files.length === Object.keys(packed).length && files.every(isOfNow)) {
    return;
  }
  if (run("node", [join(ROOT, "scripts/pack-detections.ts")]) !== 0) {
    fail("Cannot pack the detections of profiles/detections", "Correct the file that is named above");
  }
}

/** Runs a program of the workspace on its own Node; gives the exit code. */
export function run(command, args, options = {}) {
  const env = { ...process.env, ...options.env, PATH: `${NODE_BIN}:${process.env.PATH}` };
  const { status, signal, error } = spawnSync(command, args, { cwd: ROOT, stdio: "inherit", ...options, env });
  if (error !== undefined) {
    fail(`Cannot run ${command}: ${error.message}`, "Remove node_modules and try again");
  }
  return signal === null ? status : 1;
}

export function say(line) {
  process.stderr.write(`${line}\n`);
}

function fail(message, hint) {
  say(message);
  say(`  hint: ${hint}`);
  process.exit(1);
}

/** Major version of the installed Node, NaN where there is none. */
function nodeVersion() {
  const { stdout } = spawnSync(join(NODE_BIN, "node"), ["--version"], { encoding: "utf8" });
  return Number.parseInt((stdout ?? "").slice(1), 10);
}

function fingerprint() {
  const hash = createHash("sha256");
  const files = [
    "pnpm-lock.yaml",
    "pnpm-workspace.yaml",
    "package.json",
    "profiles/package.json",
    "benchmarks/package.json",
    ...packageManifests(),
  ];
  for (const file of files) {
    hash.update(file).update(readFileSync(join(ROOT, file)));
  }
  return hash.digest("hex");
}

function packageManifests() {
  const rooms = ["audit", "cli", "detect", "ingest", "policy", "replay"];
  return rooms.map((room) => `packages/${room}/package.json`);
}
