import { Filter } from "@auditsieve/ingest/filter";
import type { FilterSummary, OtherPart } from "@auditsieve/ingest/filter";
import type { StreamPolicy } from "@auditsieve/policy/stream";
import { writeFileSync } from "node:fs";
import type { Argv } from "yargs";
import { GrownHeap } from "../grown-heap.ts";
import { inStrides } from "../in-strides.ts";
import { exceptionsOption } from "../exceptions-option.ts";
import type { ExceptionsOption } from "../exceptions-option.ts";
import { EXIT, worseExit } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { Failure } from "../failure.ts";
import { LineProblems } from "../line-problems.ts";
import { logsOrStdin, openLogInto, readLog, readRest, sayUnreadable } from "../logs.ts";
import type { ChunksNow } from "../logs.ts";
import { checkOutputFile } from "../output-file.ts";
import { describeRule, loadPolicyOption } from "../noise-policy.ts";
import { say, STDOUT, writeData, writeDataNow } from "../output.ts";
import { Progress } from "../progress.ts";
import { DEFAULT_NOISE } from "../shipped-files.ts";
import { inputName } from "../standard-input.ts";
import { bytesText, count, counted, percent, table } from "../table.ts";
import { writeFailure } from "../write-failure.ts";

/** Options of `filter`. */
export interface FilterCommandOptions extends ExceptionsOption {
  readonly logs: readonly string[];
  readonly policy: string | undefined;
  readonly summary: string | undefined;
  readonly findings: string | undefined;
  readonly redact: boolean;
  readonly strict: boolean;
  readonly verify: boolean;
  readonly workers: number;
}

/** Adds the options of `filter`. */
export function filterOptions(argv: Argv): Argv<FilterCommandOptions> {
  return exceptionsOption(argv)
    .positional("logs", {
      type: "string",
      array: true,
      default: [] as string[],
      describe: "Audit logs: plain, .gz, .zst, or - for standard input",
    })
    .option("policy", {
      type: "string",
      describe: `Policy that decides what is kept: a file, or shipped noise policies with commas between (an unknown name lists them); default: ${DEFAULT_NOISE}`,
    })
    .option("summary", { type: "string", describe: "Write the counts as JSON to this file" })
    .option("findings", { type: "string", describe: "Run the detections and write findings to this file, NDJSON" })
    .option("redact", {
      type: "boolean",
      default: false,
      describe: "Replace secrets by keyed hashes; without it the original bytes are written",
    })
    .option("verify", {
      type: "boolean",
      default: false,
      describe: "Prove of every line that it is one well-formed event, whatever was done to its bytes; a little slower",
    })
    .option("workers", {
      type: "number",
      default: 1,
      describe: "Threads that share large plain logs; not with --findings or --redact",
    })
    .option("strict", { type: "boolean", default: false, describe: "Exit 1 if a line could not be decided" })
    .example("$0 filter audit.log > kept.log", "drop control-loop noise; counts per rule go to standard error")
    .example("zcat audit-*.gz | $0 filter --policy cluster.policy.yaml - > kept.log", "tailor a log by your own policy")
    .epilogue(
      "Kept lines are written byte for byte and in order, secrets included unless --redact is given. A line that cannot be decided is kept.",
    );
}

const MAX_WORKERS = 64;
const NOTHING = Buffer.alloc(0);

/** Writes what the policy keeps to stdout and the counts to stderr. */
export async function filter(options: FilterCommandOptions): Promise<ExitCode> {
  if (!Number.isInteger(options.workers) || options.workers < 1 || options.workers > MAX_WORKERS) {
    throw new Failure(`Cannot use --workers: it must be a whole number from 1 to ${MAX_WORKERS}`, {
      hint: "As many as the machine has cores is enough; 1 costs the least",
    });
  }
  const alone = options.findings === undefined ? (options.redact ? "--redact" : undefined) : "--findings";
  if (options.workers > 1 && alone !== undefined) {
    throw new Failure(`Cannot use --workers with ${alone}: one thread does that`, {
      hint: "Leave --workers out; what only drops and strips may be done before with --workers, by a filter of its own",
    });
  }
  if (options.exceptions.length > 0 && options.findings === undefined) {
    throw new Failure("Cannot use --exceptions: no detection is run without --findings", {
      hint: "Add --findings FILE, or leave --exceptions out: they do not change what is kept",
    });
  }
  const policy = await loadPolicyOption(options.policy);
  if (policy === undefined) {
    return EXIT.unusable;
  }
  const logs = logsOrStdin(options.logs);
  for (const option of ["summary", "findings"] as const) {
    const file = options[option];
    if (file !== undefined) {
      checkOutputFile(`--${option}`, file, logs);
    }
  }
  const problems = new LineProblems({ strict: options.strict });
  const isRedacting = options.redact || options.findings !== undefined;
  const redactor = isRedacting ? (await import("../new-redactor.ts")).newRedactor() : undefined;
  const found =
    options.findings === undefined || redactor === undefined
      ? undefined
      : (await import("../filter-findings.ts")).filterFindings(options.exceptions, redactor);
  const tap = found?.tap;
  let exit: ExitCode = EXIT.fine;
  const progress = new Progress("filtered");
  const { workers, verify } = options;
  let summary: FilterSummary;
  const isShared = workers > 1 && (await areRangeable(logs));
  if (workers > 1 && !isShared) {
    say("auditsieve: --workers is for plain files of 4 MiB and more: one thread does this");
  }
  if (isShared) {
    const [{ filterInParallel }, { compileLater }] = await Promise.all([
      import("@auditsieve/ingest/parallel-filter"),
      import("../compile-later.ts"),
    ]);
    summary = await filterInParallel(logs, {
      rules: policy.rules,
      verify,
      workers,
      onProblem: (path, problem) => problems.add(inputName(path), problem),
      descriptor: STDOUT,
      onProgress: (bytes) => progress.add(bytes),
      // Not before: what is compiled already is only taken while the flags are those of the start.
      onLoaded: () => compileLater("filter"),
    });
  } else {
    let log = "";
    const sieve = new Filter({
      policy,
      verify,
      onProblem: (problem) => problems.add(log, problem),
      ...(tap === undefined ? {} : { watch: tap }),
      ...(options.redact && redactor !== undefined
        ? {
            redact: (line, scan) =>
              scan === undefined ? redactor.redactUndecodable(line) : redactor.redactScanned(scan, line),
            unredacted: redactor.heads,
          }
        : {}),
    });
    const heap = found === undefined ? new GrownHeap() : undefined;
    const onChunks = inStrides((bytes) => {
      progress.add(bytes);
      found?.afterChunk();
      heap?.look();
    });
    const onChunk = (bytes: number): Promise<void> | undefined => {
      onChunks(bytes);
      return heap?.isGrown === true ? heap.begin() : undefined;
    };
    for (const each of logs) {
      log = inputName(each);
      try {
        const chunks = sieve.rooms === undefined ? readLog(each) : openLogInto(each, sieve.rooms);
        if (Symbol.iterator in chunks) {
          const rest = await passNow(chunks, sieve, onChunk);
          if (rest !== undefined) {
            await pass(readRest(each, rest), sieve, onChunk);
          }
        } else {
          await pass(chunks, sieve, onChunk);
        }
      } catch (error) {
        sayUnreadable(error);
        exit = EXIT.unusable;
      }
      await writeAll(sieve.end());
    }
    summary = sieve.summary();
  }
  progress.finish();
  if (problems.finish(summary.lines - summary.invalid + summary.salvaged, exit === EXIT.unusable)) {
    exit = worseExit(exit, EXIT.problems);
  }
  if (found !== undefined && options.findings !== undefined) {
    await found.write(options.findings);
  }
  if (options.summary !== undefined) {
    writeSummary(options.summary, summary);
  }
  saySummary(summary, policy);
  return exit;
}

/**
 * Chunks that need not be waited for, and output neither where it goes straight out: then no promise is made a chunk. Up to where something
 * begins that is no line: gives that, with all that was read.
 */
async function passNow(
  chunks: ChunksNow,
  sieve: Filter,
  onChunk: (bytes: number) => Promise<void> | undefined,
): Promise<OtherPart | undefined> {
  try {
    for (;;) {
      const next = chunks.next();
      if (next.done === true) {
        await writeAll(sieve.end(true));
        return sieve.part;
      }
      for (const bytes of sieve.write(next.value, true)) {
        const written = writeDataNow(bytes);
        if (written !== undefined) {
          await written;
        }
      }
      if (sieve.isLineLong) {
        await sieve.readyForLong();
      }
      const due = onChunk(next.value.length);
      if (due !== undefined) {
        await due;
      }
      if (sieve.part !== undefined) {
        const { offset, given } = sieve.part;
        return { offset, given: Buffer.concat([given, chunks.next("rest").value ?? NOTHING]) };
      }
    }
  } finally {
    chunks.return(undefined);
  }
}

async function pass(
  chunks: AsyncIterable<Buffer>,
  sieve: Filter,
  onChunk: (bytes: number) => Promise<void> | undefined,
): Promise<void> {
  for await (const chunk of chunks) {
    await writeAll(sieve.write(chunk));
    if (sieve.isLineLong) {
      await sieve.readyForLong();
    }
    await onChunk(chunk.length);
  }
}

/** With a key of this run only: hashes can be compared within one output, and nobody can look values up by them. */
async function areRangeable(logs: readonly string[]): Promise<boolean> {
  const { isRangeable } = await import("@auditsieve/ingest/parallel-filter");
  return logs.every((log) => isRangeable(log));
}

async function writeAll(runs: readonly Buffer[]): Promise<void> {
  for (const bytes of runs) {
    await writeData(bytes);
  }
}

function writeSummary(file: string, summary: FilterSummary): void {
  try {
    writeFileSync(file, `${JSON.stringify(summary, undefined, 2)}\n`);
  } catch (error) {
    throw writeFailure(`the summary to "${file}"`, error);
  }
}

function saySummary(summary: FilterSummary, policy: StreamPolicy): void {
  const { lines, bytes, kept, keptBytes, dropped, stripped, invalid, salvaged, byRule } = summary;
  const inside = salvaged > 0 ? ` (with ${count(salvaged)} whole events in them, salvaged)` : "";
  say(
    `auditsieve: ${counted(lines, "line")}: kept ${count(kept)} (${bytesText(keptBytes)}), dropped ${count(dropped)} ` +
      `(${percent(dropped, lines)} of events, ${percent(bytes - keptBytes, bytes)} of bytes)` +
      `${stripped > 0 ? `, stripped ${count(stripped)}` : ""}${invalid > 0 ? `, undecidable and kept ${count(invalid)}` : ""}${inside}`,
  );
  if (byRule.length > 0) {
    const columns = [
      { title: "rule" },
      { title: "level" },
      { title: "dropped", align: "right" },
      { title: "stripped", align: "right" },
      { title: "bytes", align: "right" },
      { title: "what" },
    ] as const;
    const rows = byRule.map((each) => [
      each.rule === null ? "none" : `rules[${each.rule}]`,
      each.level,
      count(each.dropped),
      count(each.stripped),
      bytesText(each.bytes),
      each.rule === null ? "no rule matched" : describeRule(policy, each.rule) || "everything",
    ]);
    say(table(columns, rows));
  }
  const unmatched = byRule.find(({ rule, dropped: events }) => rule === null && events > 0);
  if (unmatched !== undefined) {
    say(`auditsieve: warning: ${counted(unmatched.dropped, "event")} dropped because no rule matched`);
    say("  hint: End the policy with a rule that keeps everything else: - level: RequestResponse");
  }
}
