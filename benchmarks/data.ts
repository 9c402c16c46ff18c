import { spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, renameSync, statSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { ROOT, WORK } from "./work.ts";

/** A log to measure on. */
export interface Log {
  readonly name: "request-response" | "metadata" | "quiet" | "baseline";
  readonly title: string;
  readonly path: string;
  readonly bytes: number;
}

const METADATA = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n";

/** A log of `megabytes` or a little more, made of the samples by repetition; made once. `quiet` is what a cluster writes while nobody is there. */
export function makeLog(name: Log["name"], megabytes: number): Log {
  const { title, once } = KINDS[name];
  return { name, title, ...repeat(once(), megabytes) };
}

const KINDS: Readonly<Record<Log["name"], { readonly title: string; readonly once: () => string }>> = {
  "request-response": { title: "RequestResponse log", once: recorded },
  metadata: { title: "Metadata log", once: atMetadata },
  baseline: { title: "Whole baseline log", once: () => samples("baseline.log", ["baseline"]) },
  quiet: { title: "Quiet log", once: () => samples("quiet.log", ["quiet"]) },
};

function recorded(): string {
  return samples("once.log", ["quiet", "working-day"]);
}

function samples(file: string, names: readonly string[]): string {
  const path = join(WORK, file);
  if (!existsSync(path)) {
    const logs = names.map((name) => zstdDecompressSync(readFileSync(join(ROOT, `samples/${name}.log.zst`))));
    writeFileSync(path, Buffer.concat(logs));
  }
  return path;
}

function atMetadata(): string {
  const path = join(WORK, "once-metadata.log");
  if (!existsSync(path)) {
    const policy = join(WORK, "metadata.policy.yaml");
    writeFileSync(policy, METADATA);
    const { stdout, status } = spawnSync(
      process.execPath,
      [join(ROOT, "packages/cli/bin/auditsieve.mjs"), "filter", "--policy", policy, recorded()],
      { maxBuffer: 2 ** 30, stdio: ["ignore", "pipe", "ignore"] },
    );
    if (status !== 0) {
      throw new Error(`Cannot make the Metadata log: filter ended with ${status}`);
    }
    writeFileSync(path, stdout);
  }
  return path;
}

function repeat(file: string, megabytes: number): { readonly path: string; readonly bytes: number } {
  const path = file.replace(/\.log$/, `-${megabytes}.log`);
  if (!existsSync(path)) {
    const sample = readFileSync(file);
    const fd = openSync(`${path}.part`, "w");
    for (let written = 0; written < megabytes * 1e6; written += sample.length) {
      writeSync(fd, sample);
    }
    closeSync(fd);
    renameSync(`${path}.part`, path);
  }
  return { path, bytes: statSync(path).size };
}
