import { attributesOfScan, createRedactor, documentId } from "@auditsieve/audit";
import type { AuditEvent, EventScan, JsonValue, RequestAttributes } from "@auditsieve/audit";
import { DetectionEngine, safeText } from "@auditsieve/detect";
import { ecsDocument, Filter } from "@auditsieve/ingest";
import type { StreamDecision, StreamPolicy } from "@auditsieve/policy";
import { randomBytes } from "node:crypto";
import type { Argv } from "yargs";
import { EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { describeRule, loadPolicyOption } from "../noise-policy.ts";
import { logsOrStdin, readLog, sayUnreadable } from "../logs.ts";
import { say, writeData, writeLine } from "../output.ts";
import { shippedDetections } from "../shipped.ts";
import { inputName } from "../standard-input.ts";
import { paint } from "../table.ts";

/** Options of `explain`. */
export interface ExplainOptions {
  readonly auditId: string;
  readonly logs: readonly string[];
  readonly policy: string | undefined;
  readonly output: "text" | "json";
}

/** Adds the options of `explain`. */
export function explainOptions(argv: Argv): Argv<ExplainOptions> {
  return argv
    .positional("audit-id", { type: "string", demandOption: true, describe: "auditID of the event" })
    .positional("logs", {
      type: "string",
      array: true,
      default: [] as string[],
      describe: "Audit logs: plain, .gz, .zst, or - for standard input",
    })
    .option("policy", { type: "string", describe: "Policy that decides; default: the shipped noise policy" })
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

/** What each stage does with one line. */
interface Explained {
  readonly log: string;
  readonly line: number;
  readonly stage: string;
  readonly level: string;
  readonly time: string;
  readonly request: RequestAttributes;
  readonly decision: StreamDecision & { readonly because: string };
  readonly detections: readonly { readonly id: string; readonly title: string; readonly outcome: "hit" | "unknown" }[];
  readonly document: JsonValue;
}

/** Explains every stage of the event with this auditID. */
export async function explain(options: ExplainOptions): Promise<ExitCode> {
  const policy = await loadPolicyOption(options.policy);
  if (policy === undefined) {
    return EXIT.unusable;
  }
  const engine = new DetectionEngine(shippedDetections());
  const explained: Explained[] = [];
  let log = "";
  let isUnreadable = false;
  const reader = new Filter({
    policy,
    onEvent: (scan, line) => {
      if (scan.text("auditID") === options.auditId) {
        explained.push(explainEvent(scan, { log, line }, policy, engine));
      }
    },
  });
  for (const each of logsOrStdin(options.logs)) {
    log = inputName(each);
    try {
      for await (const chunk of readLog(each)) {
        reader.write(chunk);
      }
    } catch (error) {
      sayUnreadable(error);
      isUnreadable = true;
    }
    reader.end();
  }
  await (options.output === "json"
    ? writeData(`${JSON.stringify(explained, undefined, 2)}\n`)
    : print(explained, policy));
  if (explained.length === 0) {
    const { lines, invalid } = reader.summary();
    const undecidable = invalid > 0 ? `, of which ${invalid} are no audit event` : "";
    say(`auditsieve: Cannot find an event with auditID "${safeText(options.auditId)}" in ${lines} lines${undecidable}`);
    say("  hint: Compare the auditID with the log; it is matched as a whole and in its case");
  }
  return isUnreadable ? EXIT.unusable : explained.length === 0 ? EXIT.problems : EXIT.fine;
}

function explainEvent(
  scan: EventScan,
  place: { readonly log: string; readonly line: number },
  policy: StreamPolicy,
  engine: DetectionEngine,
): Explained {
  const original = Buffer.from(scan.bytes.subarray(scan.start, scan.end));
  const decision = policy.decide(scan);
  const key = randomBytes(32);
  const kept = decision.action === "strip" ? policy.strip(scan, decision) : original;
  const document = createRedactor({ key }).redactLine(kept);
  const time = scan.text("stageTimestamp") ?? scan.text("requestReceivedTimestamp") ?? "";
  const delivery = { id: documentId(key, "explain", original), kind: "event", document, time } as const;
  return {
    ...place,
    stage: scan.stage,
    level: scan.level,
    time,
    request: attributesOfScan(scan),
    decision: { ...decision, because: because(decision, policy) },
    detections: engine
      .evaluate(JSON.parse(original.toString("utf8")) as AuditEvent)
      .map(({ detection: { id, title }, outcome }) => ({ id, title, outcome })),
    document: JSON.parse(
      ecsDocument(delivery, { cluster: "explain", namespace: "default", now: () => new Date() }),
    ) as JsonValue,
  };
}

function because(decision: StreamDecision, policy: StreamPolicy): string {
  if (decision.rule !== null) {
    return `rules[${decision.rule}] is the first that matches: ${describeRule(policy, decision.rule) || "everything"}`;
  }
  return decision.action === "drop"
    ? "no rule matches"
    : "a stream.keep condition holds (impersonation, or an answer that is never dropped)";
}

async function print(explained: readonly Explained[], policy: StreamPolicy): Promise<void> {
  for (const { log, line, stage, level, time, request, decision, detections, document } of explained) {
    await writeLine(paint("bold", `${safeText(log, 500)}:${line} ${stage} at level ${level}, ${safeText(time, 40)}`));
    await writeLine(`  request    ${safeText(describeRequest(request), 500)}`);
    await writeLine(
      `  decision   ${decision.action}${decision.action === "strip" ? ` to ${decision.level}` : ""}: ${safeText(decision.because, 500)}`,
    );
    const earlier = decision.rule ?? 0;
    if (earlier > 0 && policy.rules.policy.rules.length > 1) {
      await writeLine(`             rules[0] to rules[${earlier - 1}] do not match it`);
    }
    if (detections.length === 0) {
      await writeLine("  detections none hits");
    }
    for (const { title, outcome } of detections) {
      await writeLine(
        `  detection  ${outcome === "hit" ? paint("red", "hits") : "cannot decide, the log says too little"}: ${safeText(title)}`,
      );
    }
    await writeLine("  document, redacted:");
    await writeLine(indent(JSON.stringify(document, undefined, 2)));
  }
}

function describeRequest({
  user,
  verb,
  isResourceRequest,
  apiGroup,
  resource,
  subresource,
  namespace,
  name,
  path,
}: RequestAttributes): string {
  const who = user === undefined ? "nobody (failed authentication)" : user.name;
  const what = isResourceRequest
    ? `${resource}${subresource === "" ? "" : `/${subresource}`}${apiGroup === "" ? "" : `.${apiGroup}`}${name === "" ? "" : ` ${name}`}${namespace === "" ? "" : ` in ${namespace}`}`
    : path;
  return `${who}: ${verb} ${what}`;
}

/** JSON.stringify has escaped the control characters; what else could act on a terminal is made safe line by line. */
function indent(text: string): string {
  return text
    .split("\n")
    .map((line) => `    ${safeText(line, 100_000)}`)
    .join("\n");
}
