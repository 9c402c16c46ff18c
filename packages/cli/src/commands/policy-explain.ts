import type { RequestAttributes } from "@auditsieve/audit";
import { safeText } from "@auditsieve/detect";
import { describeRecording, explainRequest, readRequest, usualGroups, writeRequest } from "@auditsieve/policy";
import type { AskedRequest, Explanation, RecordedBody } from "@auditsieve/policy";
import type { Argv } from "yargs";
import { EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { Failure } from "../failure.ts";
import { KUBERNETES_VERSION_OPTION } from "../kubernetes-version-option.ts";
import { loadPolicyFile } from "../load-policy-file.ts";
import type { AcceptedPolicy } from "../load-policy-file.ts";
import { writeData, writeLine } from "../output.ts";
import { inputName } from "../standard-input.ts";
import { paint } from "../table.ts";
import { wideJson } from "../json-text.ts";

/** Options of `policy explain`. */
export interface PolicyExplainOptions {
  readonly file: string;
  readonly request: readonly string[];
  /** What stands behind `--` on our own command line. */
  readonly "--"?: readonly string[];
  readonly user: string | undefined;
  readonly group: readonly string[];
  readonly failedLogin: boolean;
  readonly output: "text" | "json";
  readonly kubernetesVersion: string;
}

/** Adds the options of `policy explain`. */
export function policyExplainOptions(argv: Argv): Argv<PolicyExplainOptions> {
  return argv
    .parserConfiguration({ "greedy-arrays": false, "populate--": true, "unknown-options-as-args": true })
    .positional("file", { type: "string", demandOption: true, describe: "The policy, or - for standard input" })
    .positional("request", {
      type: "string",
      array: true,
      default: [] as string[],
      describe: "A kubectl command, or a method and a path; quoted, or behind --",
    })
    .option("user", { type: "string", describe: "Who sends it; default: someone whom no rule names" })
    .option("group", {
      type: "string",
      array: true,
      nargs: 1,
      default: [] as string[],
      describe: "A group of the user, beside those that the apiserver gives; may be repeated",
    })
    .option("failed-login", { type: "boolean", default: false, describe: "The login failed (401): there is no user" })
    .option("output", {
      choices: ["text", "json"] as const,
      default: "text",
      describe: "For people, or one JSON object",
    })
    .option("kubernetes-version", KUBERNETES_VERSION_OPTION)
    .example(`$0 policy explain policy.yaml "kubectl get secrets -A" --user alice --group ops`, "who may be looking")
    .example("$0 policy explain policy.yaml -- kubectl exec -n prod web -- sh", "unquoted, behind --")
    .example(`$0 policy explain policy.yaml "GET /api/v1/namespaces/x/secrets" --failed-login`, "a bad token")
    .epilogue(
      "Audit policies see the authenticated user only: --as in the request does not change what decides.\n" +
        "Exit 0: explained; 2: a request that cannot be understood, or an unreadable policy.",
    ) as unknown as Argv<PolicyExplainOptions>;
}

/** Says for a request which rule decides, why none before it does, and what is written. */
export async function policyExplain(options: PolicyExplainOptions): Promise<ExitCode> {
  const read = readRequest(requestWords(options));
  if (read.outcome === "refused") {
    const { message, hint } = read.problem;
    throw new Failure(message, hint === undefined ? {} : { hint });
  }
  if (options.failedLogin && (options.user !== undefined || options.group.length > 0)) {
    throw new Failure("Cannot use --failed-login with --user or --group: there is no user then", {
      hint: "Leave one of them out",
    });
  }
  const loaded = await loadPolicyFile(options.file, options.kubernetesVersion);
  const user = userOf(options, loaded);
  const explained = read.requests.map(({ request, isMain }) => ({
    isMain,
    explanation: explainRequest(loaded.policy, { ...request, user }),
  }));
  const notes = [...impersonationNotes(read.impersonated, user), ...read.notes];
  if (options.output === "json") {
    const requests = explained.map(({ isMain, explanation }) => toJson(isMain, explanation, loaded));
    await writeData(`${wideJson({ file: inputName(options.file), requests, notes })}\n`);
    return EXIT.fine;
  }
  for (const { isMain, explanation } of explained.filter((one) => one.isMain)) {
    await printExplanation(isMain, explanation, loaded);
  }
  await printOthers(explained.filter(({ isMain }) => !isMain).map(({ explanation }) => explanation));
  for (const note of notes) {
    await writeLine(`${paint("cyan", "note:")} ${safeText(note, 500)}`);
  }
  return EXIT.fine;
}

function requestWords({ request, "--": behind = [] }: PolicyExplainOptions): readonly string[] {
  const words = request.length > 0 && behind.length > 0 ? [...request, "--", ...behind] : [...request, ...behind];
  if (words.length === 0) {
    throw new Failure("Cannot explain: no request is given", {
      hint: 'For example: auditsieve policy explain policy.yaml "kubectl get secrets -A"',
    });
  }
  return words.map((word) => (inputName(word) === word ? word : "-"));
}

function userOf(options: PolicyExplainOptions, { policy }: AcceptedPolicy): RequestAttributes["user"] {
  if (options.failedLogin) {
    return undefined;
  }
  const named = new Set(policy.rules.flatMap(({ users = [] }) => users));
  const name = options.user ?? ["jane", "alice", "someone"].find((one) => !named.has(one)) ?? "no-one-in-particular";
  return { name, groups: [...new Set([...options.group, ...usualGroups(name)])] };
}

function impersonationNotes(impersonated: string | undefined, user: RequestAttributes["user"]): readonly string[] {
  return impersonated === undefined
    ? []
    : [
        `the policy does not see that ${impersonated} is impersonated: it sees ${user?.name ?? "no user"}, who has really logged in; the event carries impersonatedUser from the authorization on (not at RequestReceived)`,
      ];
}

async function printExplanation(isMain: boolean, explanation: Explanation, loaded: AcceptedPolicy): Promise<void> {
  const { decision, passed, written, request } = explanation;
  await writeLine(paint(isMain ? "bold" : "dim", safeText(titleOf(request), 500)));
  for (const { rule, field, reason } of passed) {
    await writeLine(safeText(`  ${ruleText(rule, loaded)} no: ${field}: ${reason}`, 500));
  }
  await writeLine(
    decision.rule === null
      ? "  no rule matches: nothing is written"
      : `  ${ruleText(decision.rule, loaded)} ${paint("green", "decides")}`,
  );
  const rows: readonly (readonly [string, string])[] = [
    ["level", describeRecording(decision)],
    ["stages", written.stages.join(", ") || "none"],
    ["requestObject", bodyText(written.requestObject)],
    ["responseObject", bodyText(written.responseObject)],
  ];
  for (const [name, text] of rows) {
    await writeLine(`  ${paint("dim", `${name}:`.padEnd(16))}${safeText(text, 500)}`);
  }
  await writeLine("");
}

function titleOf(request: RequestAttributes): string {
  const { user, verb, isResourceRequest, resource, subresource, apiGroup, namespace, name, path } = request;
  const line = writeRequest(request);
  const type = [resource, ...(subresource === "" ? [] : [subresource])].join("/");
  const what = isResourceRequest
    ? [type, ...(apiGroup === "" ? [] : [`of ${apiGroup}`]), ...(name === "" ? [] : [`"${name}"`])].join(" ")
    : path;
  const where = namespace === "" ? "" : ` in ${namespace}`;
  const who = user === undefined ? "after a failed login" : `by ${user.name} (${user.groups.join(", ")})`;
  return `${verb || "no verb"} ${what}${where} ${who}${line === undefined ? "" : `: ${line.method} ${line.uri}`}`;
}

function ruleText(rule: number, { policy, source }: AcceptedPolicy): string {
  return `rules[${rule}] (line ${source.locate(["rules", rule]).line}, ${policy.rules[rule]?.level}):`;
}

function bodyText({ isWritten, reason }: RecordedBody): string {
  return `${isWritten ? "written" : "not written"}: ${reason}`;
}

async function printOthers(explanations: readonly Explanation[]): Promise<void> {
  for (const { request, decision } of explanations) {
    const by = decision.rule === null ? "no rule" : `rules[${decision.rule}]`;
    await writeLine(safeText(`kubectl also sends ${titleOf(request)}`, 500));
    await writeLine(`  ${describeRecording(decision)}, by ${by}\n`);
  }
}

function toJson(isMain: AskedRequest["isMain"], explanation: Explanation, { policy, source }: AcceptedPolicy): object {
  const { request, decision, passed, written } = explanation;
  const { user, ...attributes } = request;
  const line = writeRequest(request);
  const place = (rule: number): object => ({ rule, line: source.locate(["rules", rule]).line });
  return {
    main: isMain,
    request: { ...(user === undefined ? { noUser: true } : { user: user.name, groups: user.groups }), ...attributes },
    http: line === undefined ? null : `${line.method} ${line.uri}`,
    level: decision.level,
    omitStages: decision.omitStages,
    omitManagedFields: decision.omitManagedFields,
    rule: decision.rule,
    passed: passed.map(({ rule, field, reason }) => ({
      ...place(rule),
      level: policy.rules[rule]?.level,
      field,
      reason,
    })),
    stages: written.stages,
    requestObject: { written: written.requestObject.isWritten, reason: written.requestObject.reason },
    responseObject: { written: written.responseObject.isWritten, reason: written.responseObject.reason },
  };
}
