import { readFile } from "node:fs/promises";
import type { AuditEvent } from "@auditsieve/audit";
import { startApiserver } from "../../../test/engines/apiserver/apiserver.ts";
import type { RunningApiserver } from "../../../test/engines/apiserver/apiserver.ts";
import type { ApiClient } from "../../../test/engines/apiserver/api-client.ts";
import { SCRIPT, USERS } from "./apiserver-script.suite.ts";
import type { Step } from "./apiserver-script.suite.ts";

/** Tells the script's requests from what the apiserver asks itself. */
export const AUDIT_ID_PREFIX = "script-";

/** A run of the script under one policy. */
export interface ScriptRun {
  /** The lines that the script's requests left in the log, each with its newline. */
  readonly lines: readonly string[];
  /** HTTP status by step. */
  readonly statuses: ReadonlyMap<string, number>;
  readonly minutes: { readonly start: number; readonly script: number; readonly stop: number };
}

/** Starts an apiserver with the policy and an empty etcd, sends it the script, stops it, and reads what it wrote. */
export async function runScript(policyText: string): Promise<ScriptRun> {
  const started = performance.now();
  const server = await startApiserver({ policyText, users: USERS });
  try {
    const ready = performance.now();
    const statuses = await send(server);
    const sent = performance.now();
    await server.stop();
    const log = await readFile(server.auditLog, "utf8").catch(() => "");
    const lines = log.split(/(?<=\n)/).filter((line) => auditIdOf(line).startsWith(AUDIT_ID_PREFIX));
    const [start, script, stop] = [ready - started, sent - ready, performance.now() - sent].map((ms) => ms / 60_000);
    return { lines, statuses, minutes: { start: start ?? 0, script: script ?? 0, stop: stop ?? 0 } };
  } finally {
    await server.remove();
  }
}

/** Only the requests are compared, so a step is sent whatever became of the one before. */
async function send(server: RunningApiserver): Promise<ReadonlyMap<string, number>> {
  const statuses = new Map<string, number>();
  const versions = new Map<string, string>();
  let minted = "none-was-made";
  for (const step of SCRIPT) {
    const { method, path, headers } = step;
    const body = method === "PUT" ? withVersion(step.body, versions.get(path)) : step.body;
    const answer = await clientOf(server, step, minted).request(method, path, {
      ...(body === undefined ? {} : { body }),
      headers: { "User-Agent": "script/1", ...headers, "Audit-ID": AUDIT_ID_PREFIX + step.name },
    });
    statuses.set(step.name, answer.status);
    const { status, metadata } = parse(answer.text);
    minted = (step.name === "mint-token" ? status?.token : undefined) ?? minted;
    if (metadata?.resourceVersion !== undefined) {
      versions.set(method === "POST" ? `${path}/${metadata.name}` : path, metadata.resourceVersion);
    }
  }
  return statuses;
}

interface Answer {
  readonly status?: { readonly token?: string };
  readonly metadata?: { readonly name?: string; readonly resourceVersion?: string };
}

/** A watch is several documents, a stream or a word none: such answers name no version. */
function parse(text: string): Answer {
  try {
    return JSON.parse(text) as Answer;
  } catch {
    return {};
  }
}

/** Some kinds are only replaced by who knows their version. */
function withVersion(body: unknown, resourceVersion: string | undefined): unknown {
  const { metadata, ...rest } = body as { readonly metadata: object };
  return resourceVersion === undefined ? body : { ...rest, metadata: { ...metadata, resourceVersion } };
}

function clientOf(server: RunningApiserver, { as }: Step, minted: string): ApiClient {
  switch (as) {
    case "nobody":
      return server.client();
    case "bad-token":
      return server.client({ token: "not-a-token" });
    case "minted":
      return server.client({ token: minted });
    default:
      return server.client({ user: as });
  }
}

function auditIdOf(line: string): string {
  return line.trim() === "" ? "" : (JSON.parse(line) as AuditEvent).auditID;
}
