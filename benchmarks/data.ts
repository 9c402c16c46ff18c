import { spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, renameSync, statSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { ROOT, WORK } from "./work.ts";

/** A log to measure on. */
export interface Log {
  readonly name: "request-response" | "metadata" | "quiet";
  readonly title: string;
  readonly path: string;
  readonly bytes: number;
}

const METADATA = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n";

/** The logs of `megabytes` each, made of the samples by repetition; made once. */
export function makeLogs(megabytes: number): readonly Log[] {
  const once = join(WORK, "once.log");
  if (!existsSync(once)) {
    const samples = ["quiet", "working-day"].map((name) =>
      zstdDecompressSync(readFileSync(join(ROOT, `samples/${name}.log.zst`))),
    );
    writeFileSync(once, Buffer.concat(samples));
  }
  const metadata = join(WORK, "once-metadata.log");
  if (!existsSync(metadata)) {
    const policy = join(WORK, "metadata.policy.yaml");
    writeFileSync(policy, METADATA);
    const { stdout, status } = spawnSync(
      process.execPath,
      [join(ROOT, "packages/cli/bin/auditsieve.mjs"), "filter", "--policy", policy, once],
      { maxBuffer: 2 ** 30, stdio: ["ignore", "pipe", "ignore"] },
    );
    if (status !== 0) {
      throw new Error(`Cannot make the Metadata log: filter ended with ${status}`);
    }
    writeFileSync(metadata, stdout);
  }
  return [
    { name: "request-response", title: "RequestResponse log", ...repeat(once, megabytes) },
    { name: "metadata", title: "Metadata log", ...repeat(metadata, megabytes) },
  ];
}

/** What a cluster writes while nobody is there, as large. */
export function makeQuietLog(megabytes: number): Log {
  const once = join(WORK, "quiet.log");
  if (!existsSync(once)) {
    writeFileSync(once, zstdDecompressSync(readFileSync(join(ROOT, "samples/quiet.log.zst"))));
  }
  return { name: "quiet", title: "Quiet log", ...repeat(once, megabytes) };
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
