import { errors } from "@elastic/elasticsearch";
import { isJsonObject } from "@auditsieve/audit";
import { connectionFault } from "../connection-fault.ts";
import type { ConnectionFault } from "../connection-fault.ts";
import { reasonOf } from "../errors.ts";
import type { BulkItemAnswer } from "./bulk-batcher.ts";

const PRIVILEGES_HINT =
  "The user needs create_doc, auto_configure, read and view_index_metadata on logs-kubernetes.audit_logs-*, and manage_index_templates once";
const SERVER_HINT =
  "Check the address, that the server is Elasticsearch 8.19 or 9, and caFile if it has a private authority";

/** What to do about a status. */
export const HINTS: { readonly 401: string; readonly 403: string; readonly 404: string } = {
  401: "Check apiKey, or username and password, of the sink",
  403: PRIVILEGES_HINT,
  404: "The index template is missing: give the user manage_index_templates, or install it yourself",
};

/** What is wrong with the stream or the whole cluster, though the server says it of each document. */
const STREAM_FAULTS: ReadonlySet<string> = new Set([
  "cluster_block_exception",
  "index_closed_exception",
  "index_not_found_exception",
  "security_exception",
  // The cluster has as many shards as it may have: no index can be made.
  "validation_exception",
]);

/** Whether an item was refused for what its document cannot help. */
export function isAboutTheStream({ status, errorType = "" }: BulkItemAnswer): boolean {
  return (
    status === 401 ||
    status === 403 ||
    status === 404 ||
    (status >= 400 && status !== 409 && status !== 429 && status < 500 && STREAM_FAULTS.has(errorType))
  );
}

/** What to do about an answer of this status. */
export function hintOf(status: number): string {
  return status === 401 || status === 403 || status === 404 ? HINTS[status] : SERVER_HINT;
}

/** The server's own words; the client's message has a line for each root cause. */
export function answerOf(error: unknown): string {
  const body: unknown = error instanceof errors.ResponseError ? error.body : undefined;
  const said = isJsonObject(body) && isJsonObject(body["error"]) ? body["error"] : {};
  const { type, reason } = said;
  return typeof type === "string" && typeof reason === "string" ? `${type}: ${reason}` : reasonOf(error);
}

const CONNECTION_HINTS: Readonly<Record<ConnectionFault, string>> = {
  "unknown authority": "Give the sink caFile: the certificate (PEM) of the authority that signed the server's",
  "certificate out of date": "Renew the server's certificate, or set the clock of this machine",
  "another name": "Name the server in node as its certificate does",
  "another protocol": "Check whether the server speaks http or https, and write node so",
  unreachable:
    "Check host and port of node, the address of the sink, and that Elasticsearch runs there and can be reached from here",
};

/** Whether no connection came about. */
export function isUnreachable(error: unknown): boolean {
  return error instanceof errors.ConnectionError;
}

/** What to do about a connection that did not come about. */
export function hintOfConnection(error: unknown): string {
  const fault = connectionFault(reasonOf(error));
  return fault === undefined ? SERVER_HINT : CONNECTION_HINTS[fault];
}
