import { createRedactor } from "@auditsieve/audit";
import { DetectionEngine, linkCorrelations, safeText } from "@auditsieve/detect";
import { replayLogs } from "@auditsieve/replay";
import { randomBytes } from "node:crypto";
import type { Argv } from "yargs";
import { loadDetectionSet } from "../detection-set.ts";
import { SHIPPED } from "../shipped-files.ts";
import { exceptionsOption } from "../exceptions-option.ts";
import type { ExceptionsOption } from "../exceptions-option.ts";
import { EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { LineProblems } from "../line-problems.ts";
import { sayUnreadable } from "../logs.ts";
import { fewNames } from "../near-names.ts";
import { loadPolicyOption } from "../noise-policy.ts";
import { say, writeData } from "../output.ts";
import { Progress } from "../progress.ts";
import { replayInputs } from "../replay-inputs.ts";
import { count } from "../table.ts";
import { explainEvent, sentAs } from "./explain-event.ts";
import type { Explained } from "./explain-event.ts";
import { printExplained } from "./explain-print.ts";
import { wideJson } from "../json-text.ts";

const LEAST_BEGINNING = 6;
/** More than are shown. */
const MOST_NEAR = 20;

/** Options of `explain`. */
export interface ExplainOptions extends ExceptionsOption {
  readonly auditId: string;
  readonly logs: readonly string[];
  readonly policy: string | undefined;
  readonly output: "text" | "json";
}

/** Adds the options of `explain`. */
export function explainOptions(argv: Argv): Argv<ExplainOptions> {
  return exceptionsOption(argv)
    .positional("audit-id", { type: "string", demandOption: true, describe: "auditID of the event" })
    .positional("logs", {
      type: "string",
      array: true,
      default: [] as string[],
      describe: "Audit logs and folders of them: plain, .gz, .zst, or - for standard input",
    })
    .option("policy", {
      type: "string",
      describe: "Policy that decides: a file, or shipped noise policies with commas between; default: control-loops",
    })
    .option("output", {
      choices: ["text", "json"] as const,
      default: "text",
      describe: "For people, or one JSON array",
    })
    .example(
      "$0 explain 3f8b2c1e-… audit.log",
      "whether it is kept, what finds it, and the document that would be sent",
    )
    .epilogue(
      "A client may choose its auditID: several requests can answer to one. Documents are shown redacted. Exit 1: no such event.",
    ) as unknown as Argv<ExplainOptions>;
}

/** Explains every stage of the event with this auditID. */
export async function explain(options: ExplainOptions): Promise<ExitCode> {
  const policy = await loadPolicyOption(options.policy);
  if (policy === undefined) {
    return EXIT.unusable;
  }
  const detections = loadDetectionSet([SHIPPED], options.exceptions).detections;
  const { silent } = linkCorrelations(detections);
  const engine = new DetectionEngine(detections);
  const redactor = createRedactor({ key: randomBytes(32) });
  const context = { policy, engine, silent, redactor };
  const found: ReturnType<typeof explainEvent>[] = [];
  const near = new Set<string>();
  const problems = new LineProblems({ strict: false });
  let isUnreadable = false;
  const progress = new Progress("read");
  const { findings, summary } = await replayLogs({
    logs: await replayInputs(options.logs, progress),
    detections,
    redactor,
    visitors: [
      {
        begin: () => {
          found.length = 0;
          near.clear();
        },
        event: (event) => {
          const auditID = event.scan.text("auditID") ?? "";
          if (auditID === options.auditId) {
            found.push(explainEvent(event, context));
          } else if (near.size < MOST_NEAR && isBegun(auditID, options.auditId)) {
            near.add(auditID);
          }
        },
      },
    ],
    onSort: () => problems.beginAgain(),
    onLineAlarm: (alarm) => problems.addAlarm(alarm),
    onUnreadable: (error) => {
      sayUnreadable(error);
      isUnreadable = true;
    },
  });
  progress.finish();
  const resting = [...findings]
    .filter(({ auditIDs }) => auditIDs.includes(options.auditId))
    .map(({ id, detection: { level, title }, summary: what }) => ({ id, severity: level, title, summary: what }));
  const explained = found.map(({ document, ...event }): Explained => {
    const isEvidence = resting.length > 0 && event.detections.some(({ outcome }) => outcome === "hit");
    return { ...event, findings: resting, sent: sentAs(event.decision.action, isEvidence), document };
  });
  await (options.output === "json" ? writeData(`${wideJson(explained)}\n`) : printExplained(explained, policy));
  if (explained.length === 0) {
    const { events } = summary.log;
    say(`auditsieve: Cannot find an event with auditID "${safeText(options.auditId)}" in ${count(events)} events`);
    say(
      near.size > 0
        ? `  hint: There are: ${fewNames(near)}; it is matched as a whole`
        : "  hint: Compare the auditID with the log; it is matched as a whole and in its case",
    );
  }
  problems.finish(1);
  return isUnreadable ? EXIT.unusable : explained.length === 0 ? EXIT.problems : EXIT.fine;
}

/** Whether the beginning of an auditID was given, as a printed report has it; a shorter one could mean many. */
function isBegun(auditID: string, beginning: string): boolean {
  return beginning.length >= LEAST_BEGINNING && auditID.startsWith(beginning);
}
