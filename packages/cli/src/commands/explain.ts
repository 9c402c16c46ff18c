import { attributesOfScan, createRedactor, documentId } from "@auditsieve/audit";
import type { AuditEvent, JsonObject, JsonValue, Redactor, RequestAttributes } from "@auditsieve/audit";
import { DetectionEngine, evaluateDetection, linkCorrelations, safeText } from "@auditsieve/detect";
import type { Detection } from "@auditsieve/detect";
import { ecsDocument } from "@auditsieve/ingest";
import type { StreamDecision, StreamPolicy } from "@auditsieve/policy";
import { replayLogs } from "@auditsieve/replay";
import type { ReplayedEvent } from "@auditsieve/replay";
import { randomBytes } from "node:crypto";
import type { Argv } from "yargs";
import { loadDetectionSet, SHIPPED } from "../detection-set.ts";
import { exceptionsOption } from "../exceptions-option.ts";
import type { ExceptionsOption } from "../exceptions-option.ts";
import { EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { LineProblems } from "../line-problems.ts";
import { sayUnreadable } from "../logs.ts";
import { fewNames } from "../near-names.ts";
import { describeRule, loadPolicyOption } from "../noise-policy.ts";
import { say, writeData, writeLine } from "../output.ts";
import { Progress } from "../progress.ts";
import { replayInputs } from "../replay-inputs.ts";
import { count, paint } from "../table.ts";

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
  /** Bytes before the line in its log. */
  readonly offset: number;
  readonly stage: string;
  readonly level: string;
  readonly time: string;
  readonly request: RequestAttributes;
  /** What the authorizer said, and why: of RBAC the binding that let it pass. */
  readonly authorization: { readonly decision: string; readonly reason: string };
  readonly decision: StreamDecision & { readonly because: string };
  readonly detections: readonly {
    readonly id: string;
    readonly title: string;
    readonly outcome: "hit" | "unknown";
    /** A hit is no finding by itself: it counts for correlations. */
    readonly countsOnly?: true;
    /** Titles of exceptions that keep a hit from being a finding. */
    readonly exceptions?: readonly string[];
  }[];
  /** Findings of the whole log that rest on this request. */
  readonly findings: readonly {
    readonly id: string;
    readonly severity: string;
    readonly title: string;
    readonly summary: string;
  }[];
  /** Whether a sink that has this policy gets it. */
  readonly sent: "whole" | "stripped" | "as evidence of a finding" | "not";
  /** Places whose values are replaced by keyed hashes. */
  readonly redacted: readonly string[];
  readonly document: JsonValue;
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
  const found: (Omit<Explained, "findings" | "sent"> & { readonly action: StreamDecision["action"] })[] = [];
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
  const explained = found.map(({ action, document, ...event }): Explained => {
    const isEvidence = resting.length > 0 && event.detections.some(({ outcome }) => outcome === "hit");
    return { ...event, findings: resting, sent: sentAs(action, isEvidence), document };
  });
  await (options.output === "json"
    ? writeData(`${JSON.stringify(explained, undefined, 2)}\n`)
    : print(explained, policy));
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

function sentAs(action: StreamDecision["action"], isEvidence: boolean): Explained["sent"] {
  // An event that a finding rests on goes out whole, whatever the policy says.
  return isEvidence
    ? action === "keep"
      ? "whole"
      : "as evidence of a finding"
    : action === "keep"
      ? "whole"
      : action === "strip"
        ? "stripped"
        : "not";
}

function explainEvent(
  event: ReplayedEvent,
  {
    policy,
    engine,
    silent,
    redactor,
  }: {
    readonly policy: StreamPolicy;
    readonly engine: DetectionEngine;
    readonly silent: ReadonlySet<Detection>;
    readonly redactor: Redactor;
  },
): Omit<Explained, "findings" | "sent"> & { readonly action: StreamDecision["action"] } {
  const { scan, log, offset } = event;
  const original = event.line();
  const decided = policy.decide(scan);
  // As the daemon does: of what was damaged nothing proves that it is noise.
  const decision = event.isSalvaged && decided.action === "drop" ? { ...decided, action: "keep" as const } : decided;
  const kept = decision.action === "strip" ? policy.strip(scan, decision) : original;
  const document = redactor.redactLine(kept);
  const time = scan.text("stageTimestamp") ?? scan.text("requestReceivedTimestamp") ?? "";
  const delivery = { id: documentId(randomBytes(32), "explain", original), kind: "event", document, time } as const;
  return {
    log,
    offset,
    stage: scan.stage,
    level: scan.level,
    time,
    request: attributesOfScan(scan),
    authorization: authorizationOf(event.original()),
    action: decision.action,
    decision: {
      ...decision,
      because:
        decision === decided
          ? because(decision, policy)
          : "it was salvaged from a damaged line, which is never dropped",
    },
    detections: engine.evaluate(event.original()).map(({ detection, outcome }) => {
      const { id, title } = detection;
      const exceptions = outcome === "hit" ? excusing(detection, event.original()) : [];
      const countsOnly = silent.has(detection) && { countsOnly: true as const };
      return { id, title, outcome, ...countsOnly, ...(exceptions.length > 0 && { exceptions }) };
    }),
    redacted: [
      ...changedPlaces(
        JSON.parse(kept.toString("utf8")) as JsonValue,
        JSON.parse(document.toString("utf8")) as JsonValue,
        "",
      ),
    ],
    document: JSON.parse(
      ecsDocument(delivery, { cluster: "explain", namespace: "default", now: Date.now }),
    ) as JsonValue,
  };
}

function authorizationOf({ annotations = {} }: AuditEvent): Explained["authorization"] {
  return {
    decision: annotations["authorization.k8s.io/decision"] ?? "",
    reason: annotations["authorization.k8s.io/reason"] ?? "",
  };
}

function excusing(detection: Detection, event: AuditEvent): readonly string[] {
  return (detection.exceptions ?? [])
    .filter((one) => evaluateDetection({ ...detection, exceptions: [one] }, event) === "miss")
    .map(({ title }) => title);
}

/** Places at which two documents differ: `requestObject.data.password`. */
function* changedPlaces(before: JsonValue, after: JsonValue, place: string): Generator<string> {
  if (typeof before === "object" && before !== null && typeof after === "object" && after !== null) {
    for (const key of Object.keys(before)) {
      yield* changedPlaces(
        (before as JsonObject)[key] ?? null,
        (after as JsonObject)[key] ?? null,
        Array.isArray(before) ? `${place}[${key}]` : place === "" ? key : `${place}.${key}`,
      );
    }
  } else if (before !== after) {
    yield place;
  }
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
  for (const each of explained) {
    const { log, offset, stage, level, time, request, authorization } = each;
    const { decision, detections, findings, sent, redacted, document } = each;
    await writeLine(
      paint("bold", `${safeText(log, 500)} (offset ${offset}): ${stage} at level ${level}, ${safeText(time, 40)}`),
    );
    await writeLine(`  request    ${safeText(describeRequest(request), 500)}`);
    if (authorization.decision !== "") {
      const { decision: said, reason } = authorization;
      await writeLine(`  authorizer ${safeText(said, 40)}${reason === "" ? "" : `: ${safeText(reason, 1000)}`}`);
    }
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
    for (const { title, outcome, countsOnly, exceptions = [] } of detections) {
      // What must be the first of its kind in the log, or comes of several stages, may hold for an event and be no finding.
      const isFinding = exceptions.length > 0 || findings.some((finding) => finding.title === title);
      const hits =
        countsOnly === true
          ? "hits, and counts for others"
          : isFinding
            ? paint("red", "hits")
            : "holds, without a finding";
      await writeLine(
        `  detection  ${outcome === "hit" ? hits : "cannot decide, the log says too little"}: ${safeText(title)}`,
      );
      for (const exception of exceptions) {
        await writeLine(`             excused by the exception "${safeText(exception)}"`);
      }
    }
    for (const { severity, title, summary } of findings) {
      // Of a correlation the summary begins with it.
      const what = summary.startsWith(`${title}: `) ? summary : `${safeText(title)}: ${summary}`;
      await writeLine(`  finding    ${severity}: ${what}`);
    }
    await writeLine(`  sent       ${sent}`);
    for (const place of redacted) {
      await writeLine(`  redacted   ${safeText(place, 500)}`);
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
