import { WrapperHints } from "@auditsieve/audit/stream";
import type { EventScan } from "@auditsieve/audit";
import { KNOWN_PRICES, loadPriceTable, monthlyCosts, Simulation } from "@auditsieve/policy";
import type { Policy, PredictedEvent, PriceTable, SimulationResult } from "@auditsieve/policy";
import type { Argv } from "yargs";
import { EXIT, worseExit } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { KUBERNETES_VERSION_OPTION } from "../kubernetes-version-option.ts";
import { LineProblems } from "../line-problems.ts";
import { loadPolicyFile } from "../load-policy-file.ts";
import { logsOrStdin, readLog, sayUnreadable } from "../logs.ts";
import { sayProblem, writeData } from "../output.ts";
import { Progress } from "../progress.ts";
import { readText } from "../read-text.ts";
import { inputName } from "../standard-input.ts";
import { printSimulation } from "./policy-simulate-report.ts";
import { wideJson } from "../json-text.ts";

/** Options of `policy simulate`. */
export interface PolicySimulateOptions {
  readonly file: string;
  readonly logs: readonly string[];
  readonly baseline: string | undefined;
  readonly prices: string | undefined;
  readonly events: boolean;
  readonly strict: boolean;
  readonly output: "text" | "json";
  readonly kubernetesVersion: string;
}

/** Adds the options of `policy simulate`. */
export function policySimulateOptions(argv: Argv): Argv<PolicySimulateOptions> {
  return argv
    .positional("file", { type: "string", demandOption: true, describe: "The policy, or - for standard input" })
    .positional("logs", {
      type: "string",
      array: true,
      default: [] as string[],
      describe: "Audit logs: plain, .gz, .zst, or - for standard input",
    })
    .option("baseline", {
      type: "string",
      describe: "Policy of today: compare with what it would write of the log, not with the log itself",
    })
    .option("prices", { type: "string", describe: "Price table (JSON or YAML) instead of the shipped one" })
    .option("events", {
      type: "boolean",
      default: false,
      describe: "Print each event that the policy would write, NDJSON: auditID, stage, level, bodies",
    })
    .option("strict", { type: "boolean", default: false, describe: "Exit 1 if a line could not be decided" })
    .option("kubernetes-version", KUBERNETES_VERSION_OPTION)
    .option("output", { choices: ["text", "json"] as const, default: "text", describe: "Tables, or one JSON document" })
    .example("$0 policy simulate new.yaml audit.log", "events, bytes and cost per level, rule and actor")
    .example(
      "$0 policy simulate new.yaml --baseline today.yaml audit-*.log.gz",
      "the same, compared with the policy of today",
    )
    .example("$0 policy simulate new.yaml audit.log --events", "event by event, for programs")
    .epilogue(
      "A log can only show what its own policy wrote: take one that was recorded at a high level. What it cannot show stands at the end.",
    ) as unknown as Argv<PolicySimulateOptions>;
}

/** Simulates a policy over logs and prints what it would have written of them. */
export async function policySimulate(options: PolicySimulateOptions): Promise<ExitCode> {
  const { policy } = await loadPolicyFile(options.file, options.kubernetesVersion);
  const baseline =
    options.baseline === undefined
      ? undefined
      : (await loadPolicyFile(options.baseline, options.kubernetesVersion)).policy;
  const prices = await readPrices(options.prices);
  if (prices === undefined) {
    return EXIT.unusable;
  }
  const { exit, result } = await simulateLogs(options, policy, baseline);
  if (!options.events) {
    const costs = monthlyCosts(result, prices);
    await (options.output === "json"
      ? writeData(`${wideJson({ ...result, cost: { ...prices, prices: costs } })}\n`)
      : printSimulation(result, policy, { prices, costs, hasBaseline: baseline !== undefined }));
  }
  return exit;
}

async function simulateLogs(
  options: PolicySimulateOptions,
  policy: Policy,
  baseline: Policy | undefined,
): Promise<{ readonly exit: ExitCode; readonly result: SimulationResult }> {
  const problems = new LineProblems({ strict: options.strict });
  const progress = new Progress("simulated");
  let log = "";
  let predicted = "";
  const hints = new WrapperHints();
  const simulation = new Simulation({
    policy,
    ...(baseline === undefined ? {} : { baseline }),
    ...(options.events
      ? {
          onEvent: (event: PredictedEvent) => {
            predicted += `${JSON.stringify(event)}\n`;
          },
        }
      : {}),
    onUndecidable: (_line: number, offset: number, scan: EventScan) => {
      const hint = hints.next(scan);
      problems.addAlarm({
        kind: "undecidable",
        source: "log",
        input: `file:${log}`,
        offset,
        bytes: scan.end - scan.start,
        reason: scan.reason ?? "not-json",
        ...(hint !== undefined && { hint }),
      });
    },
  });
  let exit: ExitCode = EXIT.fine;
  const flush = async (): Promise<void> => {
    if (predicted !== "") {
      await writeData(predicted);
      predicted = "";
    }
  };
  for (const each of logsOrStdin(options.logs)) {
    log = inputName(each);
    try {
      for await (const chunk of readLog(each)) {
        simulation.write(chunk);
        progress.add(chunk.length);
        await flush();
      }
    } catch (error) {
      sayUnreadable(error);
      exit = EXIT.unusable;
    }
    simulation.end();
    await flush();
  }
  progress.finish();
  const result = simulation.result();
  const events = result.log.lines - result.log.undecidable;
  if (problems.finish(events, exit === EXIT.unusable)) {
    exit = worseExit(exit, EXIT.problems);
  }
  return { exit: events === 0 ? EXIT.unusable : exit, result };
}

async function readPrices(file: string | undefined): Promise<PriceTable | undefined> {
  if (file === undefined) {
    return KNOWN_PRICES;
  }
  const loaded = loadPriceTable(await readText(file, "price table"));
  if (loaded.outcome === "refused") {
    loaded.problems.forEach((problem) => sayProblem(problem, file));
    return undefined;
  }
  return loaded.table;
}
