import { checkConfig, createLogger, readConfig, startDaemon } from "@auditsieve/ingest";
import type { IngestConfig } from "@auditsieve/ingest";
import { readFileSync } from "node:fs";
import type { Argv } from "yargs";
import { EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { say, sayProblem } from "../output.ts";
import { readText } from "../read-text.ts";
import { readDetectionTexts, readPolicyText } from "../shipped.ts";

/** Options of `ingest`. */
export interface IngestOptions {
  readonly config: string;
  readonly check: boolean;
  readonly logLevel: "debug" | "info" | "warn" | "error";
}

/** Adds the options of `ingest`. */
export function ingestOptions(argv: Argv): Argv<IngestOptions> {
  return argv
    .option("config", { alias: "c", type: "string", default: "auditsieve.yaml", describe: "The configuration" })
    .option("check", { type: "boolean", default: false, describe: "Only check the configuration and the connections" })
    .option("log-level", {
      choices: ["debug", "info", "warn", "error"] as const,
      default: "info",
      describe: "What is logged, as JSON lines on standard error",
    })
    .example("$0 ingest -c auditsieve.yaml", "tail the log and forward until SIGTERM, which drains")
    .example("$0 ingest -c auditsieve.yaml --check", "try everything the configuration names")
    .epilogue(
      "Exit 3: something is unacknowledged or a source failed; it comes again at the next start. A second signal ends at once.",
    ) as unknown as Argv<IngestOptions>;
}

/** Runs the daemon until a signal, or checks what it would run with. */
export async function ingest(options: IngestOptions): Promise<ExitCode> {
  const config = await loadConfig(options.config);
  if (config === undefined) {
    return EXIT.unusable;
  }
  if (options.check) {
    const problems = await checkConfig(config);
    problems.forEach((problem) => sayProblem(problem, options.config));
    const isBad = problems.some(({ severity }) => severity === "error");
    say(`auditsieve: ${options.config}: ${isBad ? "not usable" : "configuration and connections are fine"}`);
    return isBad ? EXIT.problems : EXIT.fine;
  }
  const logger = createLogger({ destination: process.stderr, level: options.logLevel });
  const end = await startDaemon(config, { logger, signal: stopSignal() });
  return end.reason === "failed" || end.unacknowledged > 0 ? EXIT.failed : EXIT.fine;
}

async function loadConfig(file: string): Promise<IngestConfig | undefined> {
  const { config, problems } = readConfig(await readText(file, "configuration"), {
    env: (name) => process.env[name],
    readFile: (path) => readFileSync(path, "utf8"),
    policy: readPolicyText,
    detections: readDetectionTexts,
  });
  problems.forEach((problem) => sayProblem(problem, file));
  return config;
}

/** Aborts at the first signal to end; the second one does not wait for the drain. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  const end = (): void => {
    if (stop.signal.aborted) {
      process.exit(EXIT.failed);
    }
    stop.abort();
  };
  process.on("SIGTERM", end);
  process.on("SIGINT", end);
  return stop.signal;
}
