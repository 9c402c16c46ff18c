import { createServer } from "node:net";
import { join } from "node:path";
import type { Problem } from "@auditsieve/audit";
import type { IngestConfig } from "../config/config.ts";
import { IngestError, reasonOf } from "../errors.ts";
import { checkFolder, checkSink } from "../config/create-sink.ts";
import { checkSource } from "../config/create-source.ts";
import { openCheckpoint } from "../state/checkpoint.ts";
import { lockFolders, OPEN_FOLDER_HINT, openFolders } from "../config/folder-locks.ts";

/** Tries what the configuration names: folders, logs, connections, rights. Returns every problem. */
export async function checkConfig(config: IngestConfig): Promise<readonly Problem[]> {
  const sources = config.sources.map(async (source) => {
    const found = await checkSource(source, config.detections);
    return found.map(({ error, isWaiting }): Problem => {
      const problem = problemOf("check-source", error, `source "${source.name}"`);
      const hint = "The daemon waits for it; is this the path of --audit-log-path?";
      return isWaiting ? { ...problem, severity: "warning", hint } : problem;
    });
  });
  const problems = await Promise.all([
    checkState(config),
    ...sources,
    ...config.sinks.map((sink) =>
      checkSink(sink, config.cluster).then(
        () => [],
        (error: unknown) => [problemOf("check-sink", error, `sink "${sink.name}"`)],
      ),
    ),
  ]);
  return [...checkKeys(config), ...problems.flat()];
}

/**
 * The state folder, and what only one process may have at a time. Where a daemon runs with it already (one checks before it is told
 * to reload), that one has them rightly.
 */
async function checkState(config: IngestConfig): Promise<readonly Problem[]> {
  const { stateFolder } = config;
  try {
    await checkFolder(stateFolder, "state folder");
    await openCheckpoint(join(stateFolder, "checkpoint.json"));
  } catch (error) {
    return [problemOf("check-folder", error)];
  }
  try {
    await (await lockFolders(config)).release();
  } catch (error) {
    const isOwn = error instanceof IngestError && error.path === stateFolder;
    return isOwn ? [] : [problemOf("check-folder", error)];
  }
  const open = (await openFolders(config)).map((message): Problem => ({
    id: "check-folder",
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
}

function listens({ metrics, sources }: IngestConfig): readonly Listen[] {
  const webhooks = sources.flatMap((source) =>
    source.type === "webhook" ? [{ host: source.host, port: source.port, what: `source "${source.name}"` }] : [],
  );
  return [...(metrics ? [{ ...metrics, what: "metrics" }] : []), ...webhooks];
}

async function checkListen({ host, port, what }: Listen): Promise<readonly Problem[]> {
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
        severity: "error",
        message,
        hint: "Give its listen another address or a port that is free",
      },
    ];
  }
}

/** What is kept in Kafka is sealed with a key that the other daemons must have. */
function checkKeys({ sources, idKey }: IngestConfig): readonly Problem[] {
  const isKept = sources.some((source) => source.type === "kafka" && source.stateTopic !== undefined);
  return isKept && idKey === undefined
    ? [
        {
          id: "check-keys",
          severity: "warning",
          message:
            "keys.id is not given: no other daemon, and none with another state folder, can open what this one keeps in Kafka",
          hint: "Give every daemon of the cluster the same keys.id, or the source detectionState: folder",
        },
      ]
    : [];
}

/** `where` it is, unless the error says so itself. */
function problemOf(id: string, error: unknown, where?: string): Problem {
  const hint = error instanceof IngestError ? { hint: error.hint } : {};
  const reason = reasonOf(error);
  const message = where === undefined || reason.includes(where) ? reason : `${reason} (${where})`;
  return { id, severity: "error", message, ...hint };
}
