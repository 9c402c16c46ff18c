import { SEVERITIES } from "@auditsieve/detect";
import type { Severity } from "@auditsieve/detect";
import { TIMELINE_FORMATS } from "@auditsieve/replay/start";
import type { TimelineFormat } from "@auditsieve/replay/start";
import type { Argv } from "yargs";
import { exceptionsOption } from "../exceptions-option.ts";
import type { ExceptionsOption } from "../exceptions-option.ts";
import type { Threads } from "../judge-thread.ts";
import { SHIPPED } from "../shipped-files.ts";

/** Options of `replay`. */
export interface ReplayCommandOptions extends ExceptionsOption {
  readonly logs: readonly string[];
  readonly since: string | undefined;
  readonly until: string | undefined;
  readonly zone: string;
  readonly actor: string | undefined;
  readonly resource: string | undefined;
  readonly namespace: string | undefined;
  readonly sourceIp: readonly string[] | undefined;
  readonly userAgent: string | undefined;
  readonly detection: string | undefined;
  readonly minLevel: Severity | undefined;
  readonly failOn: Severity | undefined;
  readonly strict: boolean;
  readonly output: "table" | "json" | "elasticsearch" | TimelineFormat;
  readonly detections: readonly string[];
  readonly compare: readonly string[] | undefined;
  readonly comparePolicy: string | undefined;
  readonly seal: string | undefined;
  readonly config: string | undefined;
  readonly sink: string | undefined;
  readonly html: string | undefined;
  readonly stories: boolean;
  readonly stateFolder: string | undefined;
  readonly history: string | undefined;
  readonly credential: string | undefined;
  readonly threads: Threads;
}

/** Adds the options of `replay`. */
export function replayOptions(argv: Argv): Argv<ReplayCommandOptions> {
  return exceptionsOption(argv)
    .positional("logs", {
      type: "string",
      array: true,
      default: [] as string[],
      describe:
        "Audit logs and folders of them: plain, .gz, .zst, EventLists, exports of EKS, GKE and AKS; - for standard input",
    })
    .option("since", {
      type: "string",
      describe: "From this time on: 2026-11-24T00:13Z, 2026-11-24, or 90m, 1d12h ago",
    })
    .option("until", { type: "string", describe: "Before this time" })
    .option("zone", {
      type: "string",
      default: "utc",
      describe: "Time zone of times without an offset: utc, local, Europe/Zurich",
    })
    .option("actor", {
      type: "string",
      describe: "Only what this user did or was impersonated for; * stands for any text",
    })
    .option("resource", { type: "string", describe: "Only about this resource: pods, pods/exec, deployments.apps" })
    .option("namespace", { type: "string", describe: "Only in this namespace; '' for what is in none" })
    .option("source-ip", {
      type: "string",
      array: true,
      describe:
        "Only from these addresses and networks: 10.0.0.7,fd00::/8; * stands for any text: '10.0.*'; may be repeated",
    })
    .option("user-agent", { type: "string", describe: "Only from this client; * stands for any text" })
    .option("detection", {
      type: "string",
      describe: "Only of this detection, by its id, title or file name; * stands for any text",
    })
    .option("min-level", { choices: SEVERITIES, describe: "Only findings at least this severe" })
    .option("fail-on", { choices: SEVERITIES, describe: "Exit 1 if a finding at least this severe is shown" })
    .option("strict", { type: "boolean", default: false, describe: "Exit 1 if a line could not be decided" })
    .option("output", {
      choices: ["table", "json", ...TIMELINE_FORMATS, "elasticsearch"] as const,
      default: "table",
      describe:
        "A timeline for people, one document, or a finding a line; elasticsearch sends them to a sink of --config",
    })
    .option("detections", {
      type: "string",
      array: true,
      default: [SHIPPED],
      describe: `Sigma files and folders of them; ${SHIPPED} stands for ours; '!PATH' leaves out of a folder`,
    })
    .option("compare", {
      type: "string",
      array: true,
      describe: "Instead of a timeline, what differs from the findings of these detections",
    })
    .option("compare-policy", {
      type: "string",
      describe:
        "Instead of a timeline, what this stream policy (a file, or a shipped name) would hide from the detections",
    })
    .option("seal", {
      type: "string",
      describe: "Add hashes of inputs, detections, options and outputs to this manifest, for `auditsieve verify`",
    })
    .option("config", {
      alias: "c",
      type: "string",
      describe: "Configuration of `auditsieve ingest`, for elasticsearch",
    })
    .option("sink", { type: "string", describe: "Which sink of it, if there are several" })
    .option("html", {
      type: "string",
      describe: "Write a report to this file: stories, timeline, ATT&CK matrix, identities and objects; loads nothing",
    })
    .option("stories", {
      type: "boolean",
      default: false,
      describe:
        "Who stands out, where their credentials came from, and where the log ends the chain; in place of the timeline",
    })
    .option("history", {
      type: "string",
      describe:
        "In place of the timeline every write to this object, with who did it and what it changed: 'deployments shop/web', 'secrets shop/*'",
    })
    .option("credential", {
      type: "string",
      describe:
        "In place of the timeline everything that this credential touched, where it came from, what it brought forth, and why it was let pass: X509SHA256=8d36…, JTI=…, or a name",
    })
    .option("state-folder", {
      type: "string",
      describe: "Remember there how far the logs are read: after an interruption the same command goes on from there",
    })
    .option("threads", {
      choices: [1, 2] as const,
      describe:
        "2 runs the detections in a thread of their own; the default where the logs are large, and the machine has two cores",
    })
    .example("$0 replay audit.log audit-*.log.gz", "what happened, in order of time")
    .example("$0 replay audit.log --html report.html", "the same as one file to read in a browser")
    .example(
      "$0 replay audit.log --actor 'system:serviceaccount:*' --min-level high",
      "what service accounts did that is severe",
    )
    .example("$0 replay audit.log --output ndjson > findings.ndjson", "a finding a line, for programs")
    .example(
      "$0 replay /var/log/kubernetes/ --since 2h --output timesketch > findings.jsonl",
      "a folder of logs as a Timesketch timeline",
    )
    .example(
      "$0 replay audit.log --exceptions exceptions.yml",
      "without what is expected here; how much that is, is said",
    )
    .example("$0 replay logs/ --history 'clusterrolebindings *'", "who bound which role to whom, and when")
    .example(
      "$0 replay logs/ --credential 'X509SHA256=5b957e94*'",
      "what has to be looked after when a certificate leaked",
    )
    .example(
      "$0 replay archive/ --html report.html --state-folder case-17.state",
      "a long one, which may be interrupted",
    )
    .example("$0 replay logs/ --compare shipped --detections new/ --min-level medium", "what new detections would find")
    .example("$0 replay logs/ --output ndjson --seal case-17.manifest > case-17.ndjson", "evidence that can be proven")
    .epilogue(
      "Findings alone exit 0, see --fail-on; 1: --fail-on or --strict; 2: wrong use, or a log that could not be read to its end (the rest is done); 3: failed while running. docs/replay.md",
    ) as unknown as Argv<ReplayCommandOptions>;
}
