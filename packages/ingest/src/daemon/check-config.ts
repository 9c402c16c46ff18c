import { createServer } from "node:net";
import { join } from "node:path";
import type { Problem } from "@auditsieve/audit";
import type { IngestConfig } from "../config/config.ts";
import { pathText } from "../config/config-reader.ts";
import type { Locate } from "../config/config-reader.ts";
import type { SourceConfig } from "../config/config-sources.ts";
import { IngestError, reasonOf } from "../errors.ts";
import { checkPatience } from "../config/answered.ts";
import { checkFolder, checkSink } from "../config/create-sink.ts";
import { checkSource } from "../config/create-source.ts";
import { openCheckpoint } from "../state/checkpoint.ts";
import { lockFolders, OPEN_FOLDER_HINT, openFolders, placeOfFolder } from "../config/folder-locks.ts";

/** A problem with the path of what has it. */
interface Found extends Omit<Problem, "path" | "line" | "column"> {
  readonly at: readonly (string | number)[];
}

/**
 * Tries what the configuration names: folders, logs, connections, rights. Returns every problem, in the order of the file.
 *
 * @param locate - of the text that the configuration was read from.
 * @param patience - servers are asked, all at once, until it aborts. Default: after ten seconds.
 */
export async function checkConfig(
  config: IngestConfig,
  locate: Locate = () => undefined,
  patience: AbortSignal = checkPatience(),
): Promise<readonly Problem[]> {
  const sources = config.sources.map((source, i) => checkOneSource(config, source, ["sources", i], patience));
  const sinks = config.sinks.map((sink, i) =>
    checkSink(sink, config.cluster, patience).then(
      () => [],
      (error: unknown) => {
        const at = "folder" in sink ? ["sinks", i, "folder"] : ["sinks", i];
        return [problemOf("check-sink", at, error, `sink "${sink.name}"`)];
      },
    ),
  );
  const found = [checkKeys(config), ...(await Promise.all([checkState(config), ...sources, ...sinks]))];
  return found
    .flat()
    .map(({ at, ...problem }): Problem => ({ ...problem, path: pathText(at), ...locate(at) }))
    .sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
}

async function checkOneSource(
  { detections }: IngestConfig,
  source: SourceConfig,
  at: Found["at"],
  patience: AbortSignal,
): Promise<readonly Found[]> {
  const found = await checkSource(source, detections, patience);
  return found.map(({ error, isWaiting }) => {
    const problem = problemOf("check-source", [...at, ...keyOf(source, error)], error, `source "${source.name}"`);
    const hint = "The daemon waits for it; is this the path of --audit-log-path?";
    return isWaiting ? { ...problem, severity: "warning", ...(error.code === "missing" && { hint }) } : problem;
  });
}

/** Under which key of a source stands the path that an error is about. */
function keyOf(source: SourceConfig, { path }: IngestError): Found["at"] {
  if (source.type === "webhook") {
    return ["spoolFolder"];
  }
  const i = "paths" in source && path !== undefined ? source.paths.indexOf(path) : -1;
  const isOne = "paths" in source && source.paths.length === 1;
  return isOne ? ["path"] : i === -1 ? [] : ["paths", i];
}

/**
 * The state folder, and what only one process may have at a time. Where a daemon runs with it already (one checks before it is told
 * to reload), that one has them rightly.
 */
async function checkState(config: IngestConfig): Promise<readonly Found[]> {
  const { stateFolder } = config;
  try {
    await checkFolder(stateFolder, "state folder");
    await openCheckpoint(join(stateFolder, "checkpoint.json"));
  } catch (error) {
    return [problemOf("check-folder", ["stateFolder"], error)];
  }
  try {
    await (await lockFolders(config)).release();
  } catch (error) {
    const folder = error instanceof IngestError ? error.path : undefined;
    return folder === stateFolder ? [] : [problemOf("check-folder", placeOfFolder(config, folder), error)];
  }
  const open = (await openFolders(config)).map(({ message, at }): Found => ({
    id: "check-folder",
    at,
    severity: "warning",
    message,
    hint: OPEN_FOLDER_HINT,
  }));
  const problems = await Promise.all(listens(config).map((address) => checkListen(address)));
  return [...open, ...problems.flat()];
}

interface Listen {
  readonly host: string;
  readonly port: number;
  /** Who listens there. */
  readonly what: string;
  readonly at: Found["at"];
}

function listens({ metrics, sources }: IngestConfig): readonly Listen[] {
  const webhooks = sources.flatMap((source, i) =>
    source.type === "webhook"
      ? [{ host: source.host, port: source.port, what: `source "${source.name}"`, at: ["sources", i, "listen"] }]
      : [],
  );
  return [...(metrics ? [{ ...metrics, what: "metrics", at: ["metrics", "listen"] }] : []), ...webhooks];
}

async function checkListen({ host, port, what, at }: Listen): Promise<readonly Found[]> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, host, resolve);
    });
    await new Promise((resolve) => server.close(resolve));
    return [];
  } catch (error) {
    const message = `Cannot listen on ${host}:${port} for ${what}: ${reasonOf(error)}`;
    return [
      {
        id: "check-listen",
        at,
        severity: "error",
        message,
        hint: "Give its listen another address or a port that is free",
      },
    ];
  }
}

/** What is kept in Kafka is sealed with a key that the other daemons must have. */
function checkKeys({ sources, idKey }: IngestConfig): readonly Found[] {
  const kept = sources.findIndex((source) => source.type === "kafka" && source.stateTopic !== undefined);
  return kept !== -1 && idKey === undefined
    ? [
        {
          id: "check-keys",
          at: ["sources", kept],
          severity: "warning",
          message:
            "keys.id is not given: no other daemon, and none with another state folder, can open what this one keeps in Kafka",
          hint: "Give every daemon of the cluster the same keys.id, or the source detectionState: folder",
        },
      ]
    : [];
}

/** `where` it is, unless the error says so itself. */
function problemOf(id: string, at: Found["at"], error: unknown, where?: string): Found {
  const hint = error instanceof IngestError ? { hint: error.hint } : {};
  const reason = reasonOf(error);
  const message = where === undefined || reason.includes(where) ? reason : `${reason} (${where})`;
  return { id, at, severity: "error", message, ...hint };
}
