import { recognise } from "@auditsieve/audit/stream";
import { DetectionEngine, isSeverityBelow } from "@auditsieve/detect";
import type { Finding, Severity } from "@auditsieve/detect";
import { createLogger, logFormat, noEventYet, readLogHead, startDaemon } from "@auditsieve/ingest";
import type { DaemonEnd, IngestConfig, SinkConfig, SourceConfig } from "@auditsieve/ingest";
import { loadStreamPolicy, StreamPolicy } from "@auditsieve/policy";
import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadDetectionSet } from "../detection-set.ts";
import { SHIPPED } from "../shipped-files.ts";
import { preparedDetections } from "../prepared-detections.ts";
import type { ExceptionsOption } from "../exceptions-option.ts";
import { EXIT, worseExit } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { Failure, systemCode } from "../failure.ts";
import { findingLine } from "../finding-line.ts";
import { say, writeData } from "../output.ts";
import { DEFAULT_NOISE, readPolicyText } from "../shipped.ts";
import { inputName, STANDARD_INPUT } from "../standard-input.ts";
import { counted } from "../table.ts";
import { warningsForPeople } from "../warnings-for-people.ts";

/** What `ingest` does with files and no configuration. */
export interface IngestFilesOptions extends ExceptionsOption {
  readonly files: readonly string[];
  readonly follow: boolean;
  readonly output: "table" | "ndjson";
  readonly minLevel: Severity | undefined;
  readonly store: string | undefined;
  readonly stateFolder: string | undefined;
  readonly logLevel: "debug" | "info" | "warn" | "error";
}

/** The embedded default: follows the files and shows findings on standard output as they come. */
export async function ingestFiles(options: IngestFilesOptions, signal: AbortSignal): Promise<ExitCode> {
  const heads = await Promise.all(options.files.map(readHead));
  const sources = options.files.map((file, i) => sourceOf(file, heads[i], i, options.follow));
  const strange = options.files.flatMap((file, i) => (heads[i] && noEventYet(file, heads[i])) ?? []);
  const stateFolder = options.stateFolder ?? (await mkdtemp(join(tmpdir(), "auditsieve-")));
  const forget = (): void => {
    if (options.stateFolder === undefined) {
      rmSync(stateFolder, { recursive: true, force: true });
    }
  };
  // Whoever reads the findings may stop reading, and then the process ends at once.
  process.once("exit", forget);
  let exit: ExitCode = EXIT.fine;
  try {
    const config: IngestConfig = {
      cluster: "local",
      stateFolder,
      // Nothing outlives this run but what a store holds, and then its keys are in the state folder.
      ...(options.stateFolder === undefined && { redactionKey: randomBytes(32), idKey: randomBytes(32) }),
      sources,
      sinks: sinksOf(options),
      detections: new DetectionEngine(
        (options.exceptions.length === 0 ? preparedDetections() : undefined) ??
          loadDetectionSet([SHIPPED], options.exceptions).detections,
      ),
      limits: { maxBatchAgeMs: 200 },
    };
    const { output, minLevel } = options;
    if (process.stderr.isTTY && options.follow && sources.some(({ type }) => type === "file")) {
      say(`auditsieve: following ${options.files.map(inputName).join(", ")}; Ctrl-C ends`);
    }
    const destination = output === "table" ? warningsForPeople() : process.stderr;
    const logger = createLogger({ destination, level: options.logLevel });
    strange.forEach(({ message, hint }) => logger.warn({ hint }, message));
    const end = await startDaemon(config, {
      logger,
      signal,
      input: process.stdin,
      writeOutput: writeData,
      keepsDetections: options.stateFolder !== undefined,
      format: ({ kind, document }) => {
        if (kind !== "finding") {
          return undefined;
        }
        const finding = JSON.parse(document.toString("utf8")) as Finding;
        const isShown = minLevel === undefined || !isSeverityBelow(finding.detection.level, minLevel);
        return isShown ? (output === "table" ? findingLine(finding) : document.toString("utf8")) : undefined;
      },
      onAlarm: ({ kind }) => {
        if (kind === "unreadable" || kind === "damaged-archive") {
          exit = worseExit(exit, EXIT.unusable);
        }
      },
    });
    sayEnd(end);
    return worseExit(exit, end.reason === "failed" || end.unacknowledged > 0 ? EXIT.failed : EXIT.fine);
  } finally {
    process.off("exit", forget);
    forget();
  }
}

/** A log of lines is followed, in an envelope too; what is packed or one document is read to its end. */
function sourceOf(file: string, head: Buffer | undefined, index: number, follow: boolean): SourceConfig {
  const name = index === 0 ? "audit" : `audit-${index + 1}`;
  if (head === undefined) {
    return { type: "stdin", name };
  }
  const isFollowed = follow && logFormat(head) === "plain" && isLineLog(head);
  return { type: isFollowed ? "file" : "archive", name, paths: [file] };
}

function isLineLog(head: Buffer): boolean {
  return recognise(head, true)?.form !== "documents";
}

/** Of standard input there is none: it cannot be read twice. */
async function readHead(file: string): Promise<Buffer | undefined> {
  if (file === STANDARD_INPUT) {
    return undefined;
  }
  try {
    return await readLogHead(file);
  } catch (error) {
    const reasons: Readonly<Record<string, string>> = {
      ENOENT: "no such file",
      EISDIR: "it is a directory",
      EACCES: "permission denied",
    };
    const code = systemCode(error) ?? "";
    throw new Failure(`Cannot read log "${file}": ${reasons[code] ?? code}`, {
      hint:
        code === "EACCES"
          ? "The apiserver writes its audit log with mode 0600: run as its owner or give this user access"
          : "Name the file that the apiserver writes (--audit-log-path), or - for standard input",
      cause: error,
    });
  }
}

function sinksOf({ store }: IngestFilesOptions): readonly SinkConfig[] {
  const findings: SinkConfig = { type: "stdout", name: "stdout", feed: "findings" };
  if (store === undefined) {
    return [findings];
  }
  const noise = loadStreamPolicy(readPolicyText(DEFAULT_NOISE));
  if (noise.outcome !== "accepted") {
    throw new Failure("Cannot load the shipped noise policy", { hint: "Install auditsieve again" });
  }
  const policy = new StreamPolicy(noise.rules);
  return [findings, { type: "store", name: "store", folder: store, feed: "kept", policy }];
}

function sayEnd({ tallies }: DaemonEnd): void {
  const total = (pick: (tally: DaemonEnd["tallies"][number]) => number): number =>
    tallies.reduce((sum, tally) => sum + pick(tally), 0);
  const undecidable = total((tally) => tally.undecidable);
  const rest = undecidable === 0 ? "" : `, no audit event: ${counted(undecidable, "line")}`;
  const lines = counted(
    total((tally) => tally.lines),
    "line",
  );
  const findings = counted(
    total((tally) => tally.findings),
    "finding",
  );
  say(`auditsieve: ${lines}, ${findings}${rest}`);
}
