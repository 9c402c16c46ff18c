import { isJsonObject } from "@auditsieve/audit";
import type { JsonObject, JsonValue, RequestAttributes } from "@auditsieve/audit";
import { evaluate, loadPolicy } from "@auditsieve/policy";
import { createInterface } from "node:readline";
import type { Argv } from "yargs";
import { EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { say, sayProblem, writeLine } from "../output.ts";
import { readText } from "../read-text.ts";
import { jsonText } from "../json-text.ts";

/** Options of `policy eval`. */
export interface PolicyEvalOptions {
  readonly file: string;
}

/** Adds the options of `policy eval`. */
export function policyEvalOptions(argv: Argv): Argv<PolicyEvalOptions> {
  return argv
    .positional("file", { type: "string", demandOption: true, describe: "The policy; requests come by standard input" })
    .example(
      `echo '{"user":"ann","verb":"list","resource":"secrets","isResourceRequest":true}' | $0 policy eval p.yaml`,
      "level, stages and rule for each request on standard input",
    );
}

/** Decides each request on stdin, a line each; a line that is no request gives `{"error": ...}` in its place. */
export async function policyEval({ file }: PolicyEvalOptions): Promise<ExitCode> {
  const loaded = loadPolicy(await readText(file, "policy"));
  if (loaded.outcome === "refused") {
    sayProblem({ id: "policy-refused", severity: "error", message: loaded.error, ...loaded.position }, file);
    return EXIT.unusable;
  }
  let exit: ExitCode = EXIT.fine;
  let number = 0;
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    number++;
    if (line.trim() === "") {
      continue;
    }
    const request = readRequest(line);
    if (typeof request === "string") {
      exit = EXIT.unusable;
      say(`auditsieve: standard input:${number}: Cannot read the request: ${request}`);
      await writeLine(jsonText({ error: request }));
      continue;
    }
    const { level, omitStages, omitManagedFields, rule } = evaluate(loaded.policy, request);
    await writeLine(jsonText({ level, omitStages, omitManagedFields, rule }));
  }
  return exit;
}

/** The attributes of a request, or what is wrong with it. */
function readRequest(line: string): RequestAttributes | string {
  let value: JsonValue;
  try {
    value = JSON.parse(line) as JsonValue;
  } catch {
    return "it is no JSON";
  }
  if (!isJsonObject(value)) {
    return "it is no JSON object";
  }
  const problem = wrongField(value);
  if (problem !== undefined) {
    return problem;
  }
  const text = (key: string): string => (value[key] as string | null | undefined) ?? "";
  const groups = (value["groups"] as readonly string[] | null | undefined) ?? [];
  const resource = text("resource");
  return {
    user: value["noUser"] === true ? undefined : { name: text("user"), groups },
    verb: text("verb"),
    isResourceRequest: (value["isResourceRequest"] as boolean | undefined) ?? resource !== "",
    apiGroup: text("apiGroup"),
    apiVersion: text("apiVersion"),
    resource,
    subresource: text("subresource"),
    namespace: text("namespace"),
    name: text("name"),
    path: text("path"),
  };
}

const TEXTS = ["user", "verb", "apiGroup", "apiVersion", "resource", "subresource", "namespace", "name", "path"];
const FLAGS = ["isResourceRequest", "noUser"];

/** Other keys are left alone: who feeds requests may carry an id along. */
function wrongField(request: JsonObject): string | undefined {
  for (const [key, value] of Object.entries(request)) {
    if (TEXTS.includes(key) && typeof value !== "string" && value !== null) {
      return `${key} must be a string`;
    }
    if (FLAGS.includes(key) && typeof value !== "boolean") {
      return `${key} must be true or false`;
    }
    const isNames = Array.isArray(value) && value.every((each) => typeof each === "string");
    if (key === "groups" && value !== null && !isNames) {
      return "groups must be a list of strings";
    }
  }
  return undefined;
}
