import {
  checkConfig,
  createLogger,
  openDeadLetters,
  openQuarantine,
  primeDetections,
  readPrivateKey,
  redeliverDeadLetters,
  runCases,
  runDaemon,
} from "@auditsieve/ingest";
import { safeText } from "@auditsieve/detect/safe-text";
import type { IngestConfig, ReloadOptions } from "@auditsieve/ingest";
import { SEVERITIES } from "@auditsieve/detect";
import type { Severity } from "@auditsieve/detect";
import { boundHeap } from "@auditsieve/replay/findings";
import { existsSync } from "node:fs";
import type { Argv } from "yargs";
import { exceptionsOption } from "../exceptions-option.ts";
import type { ExceptionsOption } from "../exceptions-option.ts";
import { EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { Failure } from "../failure.ts";
import { STANDARD_INPUT } from "../standard-input.ts";
import { stopSignal } from "../stop-signal.ts";
import type { StopSignal } from "../stop-signal.ts";
import { loadConfig, readConfigFile } from "../load-config.ts";
import { NamedFiles } from "../named-files.ts";
import { ownVersion } from "../own-version.ts";
import { say, sayProblem, writeData } from "../output.ts";
import { Progress } from "../progress.ts";
import { residentBytes } from "../resident-bytes.ts";
import { sayFailure } from "../say-failure.ts";
import { count, counted } from "../table.ts";

/** Options of `ingest`. */
export interface IngestOptions extends ExceptionsOption {
  readonly files: readonly string[];
  readonly config: string | undefined;
  readonly check: boolean;
  readonly redeliver: boolean;
  readonly prime: boolean;
  readonly openQuarantine: string | undefined;
  readonly openDeadLetters: string | undefined;
  readonly privateKey: string | undefined;
  readonly follow: boolean;
  readonly output: "table" | "ndjson";
  readonly minLevel: Severity | undefined;
  readonly store: string | undefined;
  readonly stateFolder: string | undefined;
  readonly logLevel: "debug" | "info" | "warn" | "error" | undefined;
  readonly watchFiles: number | undefined;
}

const DEFAULT_CONFIG = "auditsieve.yaml";
const NEWLINE = 10;

/** Adds the options of `ingest`. */
export function ingestOptions(argv: Argv): Argv<IngestOptions> {
  return exceptionsOption(argv)
    .positional("files", {
      type: "string",
      array: true,
      default: [] as string[],
      describe: "Without a configuration: audit logs to follow, .gz and .zst to read, or - for standard input",
    })
    .option("config", { alias: "c", type: "string", describe: `The configuration; default: ${DEFAULT_CONFIG}` })
    .option("check", { type: "boolean", default: false, describe: "Only check the configuration and the connections" })
    .option("redeliver", {
      type: "boolean",
      default: false,
      describe: "Deliver the dead letters again, under their ids, and end; the daemon must not run",
    })
    .option("prime", {
      type: "boolean",
      default: false,
      describe: "With a configuration: learn from old logs, named in the order of their time, what is not new, and end",
    })
    .option("open-quarantine", {
      type: "string",
      describe: "Print the lines over the limit that are in the state folder, with this private key (PEM), and end",
    })
    .option("private-key", {
      type: "string",
      describe: "With --redeliver: opens dead letters that are sealed (PEM)",
    })
    .option("open-dead-letters", {
      type: "string",
      describe: "Print the dead letters of the state folder with their documents, with this private key (PEM), and end",
    })
    .option("follow", {
      type: "boolean",
      default: true,
      describe: "With files: wait for more; --no-follow ends at their end",
    })
    .option("output", {
      choices: ["table", "ndjson"] as const,
      default: "table",
      describe: "With files: a line for people, or a finding a line",
    })
    .option("min-level", { choices: SEVERITIES, describe: "With files: only findings at least this severe" })
    .option("store", {
      type: "string",
      describe: "With files: keep events and findings in this folder for replay and query",
    })
    .option("state-folder", {
      type: "string",
      describe: "With files: remember there how far they are read, and go on from there the next time",
    })
    .option("log-level", {
      choices: ["debug", "info", "warn", "error"] as const,
      describe:
        "What is logged on standard error, in JSON lines, with files and --output table in words; default: info, with files warn",
    })
    .option("watch-files", {
      type: "number",
      describe:
        "With a configuration: look every so many seconds whether a certificate, key or secret that it names by a file is another one, and read it again",
    })
    .example("$0 ingest /var/log/kubernetes/audit.log", "follow a log and show findings, nothing else needed")
    .example("kubectl logs -f … | $0 ingest --output ndjson -", "findings of a stream, for programs")
    .example("$0 ingest -c auditsieve.yaml", "tail the log and forward until SIGTERM, which drains")
    .example("$0 ingest -c auditsieve.yaml --check", "try everything the configuration names")
    .example("$0 ingest test -c auditsieve.yaml", "run the cases inside the configuration (a log of that name: ./test)")
    .example("$0 ingest -c auditsieve.yaml --redeliver", "after the reason of the dead letters is gone")
    .example(
      "$0 ingest -c auditsieve.yaml --prime audit-*.log.gz",
      "before the first start: what is in them is not first seen",
    )
    .example(
      "$0 ingest --open-quarantine key.pem --state-folder copy | $0 replay -",
      "what was too long, away from the node, with the key that was never on it",
    )
    .epilogue(
      "SIGHUP reads the configuration again, without losing a line; one that cannot be used changes nothing. Exit 3: something is unacknowledged or a source failed; it comes again at the next start. A second signal ends at once.",
    ) as unknown as Argv<IngestOptions>;
}

/** Runs the daemon until a signal, or checks what it would run with. `stop`: signals are heard already. */
export async function ingest(options: IngestOptions, stop: StopSignal = stopSignal()): Promise<ExitCode> {
  const { check, prime, openQuarantine, openDeadLetters } = options;
  if (check || prime || openQuarantine !== undefined || openDeadLetters !== undefined || isTest(options)) {
    stop.release();
    if (stop.signal.aborted) {
      throw new Failure("Stopped by a signal before anything was done", { exitCode: EXIT.failed });
    }
  }
  return run(options, stop.signal);
}

function isTest({ files, prime }: IngestOptions): boolean {
  return files.length === 1 && files[0] === "test" && !prime;
}

async function run(options: IngestOptions, signal: AbortSignal): Promise<ExitCode> {
  if (options.openQuarantine !== undefined) {
    return printQuarantine(options.openQuarantine, options);
  }
  if (options.openDeadLetters !== undefined) {
    return printDeadLetters(options.openDeadLetters, options);
  }
  if (options.files.length > 0 && !isTest(options) && !options.prime) {
    return withFiles(options, signal);
  }
  refuseFileOptions(options);
  if (options.watchFiles !== undefined && !(options.watchFiles >= 1 && options.watchFiles <= 86_400)) {
    throw new Failure("Cannot run: --watch-files takes a number of seconds, from 1 to 86400", {
      hint: "--watch-files 60 looks once a minute",
    });
  }
  const file = options.config ?? DEFAULT_CONFIG;
  if (options.config === undefined && !existsSync(file)) {
    throw new Failure(`Cannot run: there is no ${DEFAULT_CONFIG} here, and no log was named`, {
      hint: "`auditsieve ingest AUDIT_LOG` needs no configuration; `auditsieve ingest -c FILE` runs the daemon",
    });
  }
  const isRun = !isTest(options) && !options.check && !options.prime && !options.redeliver;
  // Heard before anything else is done: until somebody listens, SIGHUP ends a process.
  const reloads = isRun ? reloadSignals() : new EventTarget();
  const files = new NamedFiles();
  const { config, locate } = await readConfigFile(file, files);
  if (config === undefined) {
    return EXIT.unusable;
  }
  if (isTest(options)) {
    return runTests(config, file);
  }
  if (options.check) {
    const problems = await checkConfig(config, locate);
    problems.forEach((problem) => sayProblem(problem, file));
    const isBad = problems.some(({ severity }) => severity === "error");
    say(`auditsieve: ${file}: ${isBad ? "not usable" : "configuration and connections are fine"}`);
    return isBad ? EXIT.problems : EXIT.fine;
  }
  if (options.prime) {
    return prime(config, options.files);
  }
  const logger = createLogger({ destination: process.stderr, level: options.logLevel ?? "info" });
  if (options.redeliver) {
    const privateKey = options.privateKey === undefined ? undefined : await readPrivateKey(options.privateKey);
    const { stored, refused, left } = await redeliverDeadLetters(
      config,
      { cluster: config.cluster, logger, privateKey },
      signal,
    );
    say(`auditsieve: dead letters: ${stored} stored, ${refused} refused again, ${left} left aside`);
    return refused + left > 0 ? EXIT.problems : EXIT.fine;
  }
  const load = async (): Promise<IngestConfig | undefined> => (await readConfigFile(file, files)).config;
  const watch = watchFiles(options.watchFiles, files, reloads);
  try {
    return await runUntilSignal(config, { logger, load, reloads, signal });
  } finally {
    clearInterval(watch);
  }
}

/** A heap of this size is not that of an ordinary log any more. */
const LARGE_BYTES = 160 * 1024 * 1024;
/** Nor is one of this size, with all the room that new objects get there. */
const GROWN_BYTES = 100 * 1024 * 1024;

async function runUntilSignal(
  config: IngestConfig,
  options: Pick<ReloadOptions, "logger" | "load" | "reloads" | "signal">,
): Promise<ExitCode> {
  // Tables of what detections remember are many: filled by a hostile log they would be as much again in garbage.
  const heap = boundHeap({ largeBytes: LARGE_BYTES, grownBytes: GROWN_BYTES });
  try {
    const end = await runDaemon(config, {
      ...options,
      input: process.stdin,
      writeOutput: writeData,
      version: ownVersion(),
      residentBytes,
    });
    return end.reason === "failed" || end.unacknowledged > 0 ? EXIT.failed : EXIT.fine;
  } catch (error) {
    return sayFailure(error);
  } finally {
    heap.release();
  }
}

async function prime(config: IngestConfig, logs: readonly string[]): Promise<ExitCode> {
  if (logs.length === 0) {
    throw new Failure("Cannot prime: no log was named", { hint: "ingest -c FILE --prime audit-*.log.gz" });
  }
  const progress = new Progress("learned from");
  const inputs = logs.map((log) => (log === STANDARD_INPUT ? process.stdin : log));
  const { lines, undecidable, sources } = await primeDetections(config, inputs, {
    onBytes: (bytes) => progress.add(bytes),
  });
  progress.finish();
  const rest = undecidable === 0 ? "" : `, ${count(undecidable)} of them no audit event`;
  say(
    `auditsieve: learned from ${counted(lines, "line")}${rest}; the detections of ${sources.join(", ")} begin with it`,
  );
  return EXIT.fine;
}

/** Prints what can be opened, one line each, and says what cannot. */
async function printQuarantine(key: string, options: IngestOptions): Promise<ExitCode> {
  const folder = await sealedFolder("--open-quarantine", options);
  let failed = 0;
  const lines = await openQuarantine(folder, key);
  for (const { bytes } of lines) {
    let last: number | undefined;
    try {
      for await (const part of bytes) {
        last = part.at(-1) ?? last;
        await writeData(part);
      }
    } catch (error) {
      failed++;
      sayFailure(error);
    }
    if (last !== undefined && last !== NEWLINE) {
      await writeData("\n");
    }
  }
  say(`auditsieve: quarantine: ${count(lines.length - failed)} lines opened, ${count(failed)} not`);
  return failed > 0 ? EXIT.problems : EXIT.fine;
}

/** Prints what can be opened, one letter a line, and says how many cannot. */
async function printDeadLetters(key: string, options: IngestOptions): Promise<ExitCode> {
  const folder = await sealedFolder("--open-dead-letters", options);
  let [opened, failed] = [0, 0];
  for await (const line of openDeadLetters(folder, key)) {
    if (line === undefined) {
      failed++;
    } else {
      opened++;
      await writeData(Buffer.concat([line, Buffer.from("\n")]));
    }
  }
  const rest = failed === 0 ? "" : ": damaged, or sealed to another key";
  say(`auditsieve: dead letters: ${count(opened)} opened, ${count(failed)} not${rest}`);
  return failed > 0 ? EXIT.problems : EXIT.fine;
}

async function sealedFolder(option: string, { stateFolder, config, files }: IngestOptions): Promise<string> {
  const folder = stateFolder ?? (await loadConfig(config ?? DEFAULT_CONFIG))?.stateFolder;
  if (folder === undefined || files.length > 0) {
    throw new Failure("Cannot open what is sealed: no state folder, or logs were named", {
      hint: `ingest ${option} KEY --state-folder FOLDER, or with -c FILE where the daemon runs`,
    });
  }
  return folder;
}

async function runTests(config: IngestConfig, file: string): Promise<ExitCode> {
  const results = runCases(config);
  if (results.length === 0) {
    throw new Failure(`Cannot test: "${file}" has no tests`, {
      hint: 'Add "tests:" with a name, an event and what to expect',
    });
  }
  for (const { name, differences } of results) {
    await writeData(`${differences.length === 0 ? "ok" : "FAILED"} ${safeText(name, 200)}\n`);
    for (const difference of differences) {
      await writeData(`  ${safeText(difference, 500)}\n`);
    }
  }
  const failed = results.filter(({ differences }) => differences.length > 0).length;
  say(`auditsieve: ${results.length} tests, ${failed} failed`);
  return failed > 0 ? EXIT.problems : EXIT.fine;
}

/** What the configuration says must not seem to be said by an option that nobody looks at. */
function refuseFileOptions({ exceptions, minLevel, store, stateFolder, output, follow }: IngestOptions): void {
  const hints = {
    ...(exceptions.length > 0 && { "--exceptions": "Write exceptions: [FILE] in the configuration" }),
    ...(store !== undefined && { "--store": "Write a sink of type store in the configuration" }),
    ...(stateFolder !== undefined && { "--state-folder": "Write stateFolder in the configuration" }),
    ...(minLevel !== undefined && { "--min-level": "A sink of the configuration gets all findings" }),
    ...(output !== "table" && { "--output": "Write a sink of type stdout in the configuration" }),
    ...(!follow && { "--no-follow": "Write a source of type archive in the configuration" }),
  };
  const [first] = Object.entries(hints);
  if (first !== undefined) {
    throw new Failure(`Cannot run: ${first[0]} is for files without a configuration`, { hint: first[1] });
  }
}

async function withFiles(options: IngestOptions, signal: AbortSignal): Promise<ExitCode> {
  if (options.config !== undefined || options.check || options.redeliver || options.watchFiles !== undefined) {
    throw new Failure("Cannot run: files were named together with a configuration", {
      hint: "Name the files in the configuration, under sources; or leave --config and --check out",
    });
  }
  const { ingestFiles } = await import("./ingest-files.ts");
  return ingestFiles({ ...options, logLevel: options.logLevel ?? "warn" }, signal);
}

function watchFiles(seconds: number | undefined, files: NamedFiles, reloads: EventTarget): NodeJS.Timeout | undefined {
  if (seconds === undefined) {
    return undefined;
  }
  return setInterval(() => {
    if (files.haveChanged()) {
      reloads.dispatchEvent(new Event("reload"));
    }
  }, seconds * 1000);
}

function reloadSignals(): EventTarget {
  const reloads = new EventTarget();
  process.on("SIGHUP", () => reloads.dispatchEvent(new Event("reload")));
  return reloads;
}
