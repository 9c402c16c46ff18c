import type { JsonObject } from "@auditsieve/audit";
import { ReplayState } from "@auditsieve/replay";
import type { ReplayLog } from "@auditsieve/replay";
import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { createRequire } from "node:module";
import type { DetectionSet } from "../detection-set.ts";
import { Failure } from "../failure.ts";
import { say } from "../output.ts";
import { isJudging } from "../judge-thread.ts";
import type { ReplayCommandOptions } from "./replay-options.ts";

/**
 * The state folder of a replay. `note` is what was decided when it began, and holds when it goes on: the moments that relative
 * times meant, for one.
 */
export async function openState(
  folder: string,
  options: ReplayCommandOptions,
  set: DetectionSet,
  logs: readonly ReplayLog[],
  note: JsonObject,
): Promise<ReplayState> {
  const passing = logs.find(({ isRepeatable }) => isRepeatable === false);
  if (passing !== undefined) {
    throw new Failure(`Cannot use "${folder}": ${passing.name} cannot be read again from where it was`, {
      hint: "Save the log to a file first, and name that",
    });
  }
  const { version } = createRequire(import.meta.url)("../../package.json") as { readonly version: string };
  const sizes = await Promise.all(logs.map(async ({ name }) => [`"${name}"`, await sizeOf(name)] as const));
  const state = await ReplayState.open(
    folder,
    [
      ["version", `${version} on Node ${process.version}`],
      ["options", digest(deciding(options))],
      ["detections", digest(set.files)],
      ["whether detections run", String(isJudging(options))],
      ["order of the logs", digest(logs.map(({ name }) => name))],
      ...sizes,
    ],
    note,
  );
  if (state.savedAt !== undefined) {
    say(`auditsieve: going on where the replay was at ${state.savedAt}`);
  }
  return state;
}

/** What decides the findings; how they are printed may change between two attempts. */
function deciding(options: ReplayCommandOptions): JsonObject {
  const { since, until, zone, actor, resource, namespace, sourceIp, userAgent, detection, minLevel } = options;
  const { compare, comparePolicy, config, sink, output } = options;
  const selection = { since, until, zone, actor, resource, namespace, sourceIp, userAgent, detection, minLevel };
  const target = output === "elasticsearch" ? { config, sink } : {};
  return JSON.parse(JSON.stringify({ ...selection, ...target, compare, comparePolicy })) as JsonObject;
}

function digest(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 32);
}

async function sizeOf(path: string): Promise<string> {
  const info = await stat(path).catch(() => undefined);
  return info === undefined ? "missing" : `${info.size} bytes, ${info.mtimeMs}, ${info.ino}`;
}
