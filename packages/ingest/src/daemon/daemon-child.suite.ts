/**
 * A daemon in a process of its own, to be killed: `node daemon-child.suite.ts <node url> <folder>`. CHAOS_DIE_AT=n kills it at the
 * n-th operation on the files of its checkpoint; CHAOS_DETECTIONS is a file of detections; CHAOS_SOURCE is read instead of a log; while the file of CHAOS_FULL is there, every write fails as on a full
 * disk; the file of CHAOS_CLOCK says by how many ms the wall clock is off.
 */
import { existsSync, promises, readFileSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";

const [node = "", folder = ""] = process.argv.slice(2);
const {
  CHAOS_STATE_FOLDER = "",
  CHAOS_DIE_AT = "",
  CHAOS_MORE = "",
  CHAOS_FULL = "",
  CHAOS_CLOCK = "",
  CHAOS_DETECTIONS = "",
  CHAOS_SOURCE = "",
} = process.env;
const stateFolder = CHAOS_STATE_FOLDER === "" ? join(folder, "state") : CHAOS_STATE_FOLDER;
if (CHAOS_DIE_AT !== "") {
  dieAt(Number(CHAOS_DIE_AT));
}
if (CHAOS_FULL !== "") {
  failWhileFull(CHAOS_FULL);
}
if (CHAOS_CLOCK !== "") {
  jumpBy(CHAOS_CLOCK);
}
// Only now, so that they see the files as they were made above.
const { readConfig } = await import("../config/config.ts");
const { startDaemon } = await import("./daemon.ts");
const { createLogger } = await import("../logger.ts");

const { config, problems } = readConfig(
  `
cluster: test
stateFolder: ${stateFolder}
sources: [${CHAOS_SOURCE === "" ? `{ type: file, path: ${join(folder, "audit.log")}, pollIntervalMs: 5 }` : CHAOS_SOURCE}]
sinks:
  - { type: elasticsearch, node: "${node}", feed: kept, requestTimeoutMs: 500 }
${CHAOS_MORE === "" ? "limits: { maxBatchItems: 50, maxBatchAgeMs: 5, drainMs: 20000 }" : CHAOS_MORE}
`,
  {
    env: () => undefined,
    readFile: (path) => readFileSync(path, "utf8"),
    policy: () =>
      "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{ level: None, users: [noise] }, { level: RequestResponse }]",
    detections: () =>
      CHAOS_DETECTIONS === "" ? [] : [{ file: CHAOS_DETECTIONS, text: readFileSync(CHAOS_DETECTIONS, "utf8") }],
  },
);
if (config === undefined) {
  throw new Error(JSON.stringify(problems));
}
const stop = new AbortController();
process.on("SIGTERM", () => stop.abort());
process.stdout.write("started\n");
const end = await startDaemon(config, {
  logger: createLogger({ destination: process.stderr, level: "warn" }),
  signal: stop.signal,
  backoff: {
    firstMs: 5,
    mostMs: 50,
    random: Math.random,
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  },
});
process.exitCode = end.reason === "failed" || end.unacknowledged > 0 ? 3 : 0;

/** Counts open, write, fsync, close and rename of the checkpoint and of its folder, and dies before or in the middle of the n-th. */
function dieAt(operation: number): void {
  let left = operation;
  const count = (): void => {
    if (left-- === 0) {
      process.kill(process.pid, "SIGKILL");
      // The signal is delivered at once; nothing after this line may run.
      for (;;) {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
      }
    }
  };
  const isWatched = (path: unknown): boolean =>
    typeof path === "string" && (path === stateFolder || path.includes("checkpoint.json"));
  const open = promises.open.bind(promises);
  const rename = promises.rename.bind(promises);
  promises.open = async (path, flags, mode) => {
    if (!isWatched(path)) {
      return open(path, flags, mode);
    }
    count();
    return watched(await open(path, flags, mode), count);
  };
  promises.rename = async (from, to) => {
    if (isWatched(from)) {
      count();
    }
    return rename(from, to);
  };
  syncBuiltinESMExports();
}

function watched(handle: FileHandle, count: () => void): FileHandle {
  const writeFile = handle.writeFile.bind(handle);
  const sync = handle.sync.bind(handle);
  const close = handle.close.bind(handle);
  handle.writeFile = async (data, options) => {
    count();
    // Half of it is there when the next operation kills.
    if (typeof data === "string") {
      await handle.write(data.slice(0, data.length >> 1));
      count();
      await handle.write(data.slice(data.length >> 1));
      return;
    }
    await writeFile(data, options);
  };
  handle.sync = async () => {
    count();
    await sync();
  };
  handle.close = async () => {
    count();
    await close();
  };
  return handle;
}

/** Where no small disk can be mounted: writes fail the way they do on a full one. */
function failWhileFull(marker: string): void {
  const open = promises.open.bind(promises);
  const check = (): void => {
    if (existsSync(marker)) {
      throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    }
  };
  promises.open = async (path, flags, mode) => {
    const handle = await open(path, flags, mode);
    const writeFile = handle.writeFile.bind(handle);
    const write = handle.write.bind(handle) as (...args: readonly unknown[]) => unknown;
    handle.writeFile = async (data, options) => {
      check();
      await writeFile(data, options);
    };
    handle.write = ((...args: readonly unknown[]) => {
      check();
      return write(...args);
    }) as typeof handle.write;
    return handle;
  };
  syncBuiltinESMExports();
}

/** A wall clock that somebody sets, as `Date` shows it; the monotonic clock and timers go on as they do then. */
function jumpBy(file: string): void {
  const real = Date;
  const now = (): number => real.now() + Number(readFileSync(file, "utf8"));
  globalThis.Date = new Proxy(real, {
    construct: (target, args: readonly unknown[]): object =>
      args.length === 0 ? new target(now()) : (Reflect.construct(target, args) as object),
    get: (target, key): unknown => (key === "now" ? now : Reflect.get(target, key)),
  });
}
