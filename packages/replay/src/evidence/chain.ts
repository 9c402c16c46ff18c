import { createHash } from "node:crypto";
import { isJsonObject, own } from "@auditsieve/audit";
import type { JsonObject, JsonValue } from "@auditsieve/audit";

/** The first link of a manifest follows on nothing. */
export const NO_LINK: string = "0".repeat(64);

/** A record of a manifest, tied to the one before it. */
export interface Link {
  readonly record: JsonObject;
  /** Hash of the link before. */
  readonly previous: string;
  /** SHA-256 over `previous` and the record. */
  readonly hash: string;
}

/** Ties a record to the link before it. */
export function linkRecord(record: JsonObject, previous: string): Link {
  return { record, previous, hash: hashOf(record, previous) };
}

/** One line of a manifest. */
export function writeLink({ record, previous, hash }: Link): string {
  return `${JSON.stringify({ ...record, previous, hash })}\n`;
}

/** A line of a manifest read again, or what is wrong with it. */
export type ReadLink = { readonly ok: true; readonly link: Link } | { readonly ok: false; readonly problem: string };

/** Reads a line that must follow on `previous`. */
export function readLink(line: string, previous: string): ReadLink {
  const value = parse(line);
  if (!isJsonObject(value)) {
    return { ok: false, problem: "it is no JSON object" };
  }
  const { previous: before, hash, ...record } = value;
  if (typeof before !== "string" || typeof hash !== "string" || typeof own(record, "kind") !== "string") {
    return { ok: false, problem: "it has no kind, previous and hash" };
  }
  if (before !== previous) {
    return { ok: false, problem: "it does not follow on the line before it: a line is missing, added or moved" };
  }
  if (hash !== hashOf(record, before)) {
    return { ok: false, problem: "its hash is not that of what it says: it was changed" };
  }
  const link = { record, previous: before, hash };
  // A key that stands twice, or another way to write the same, could show a reader something else.
  return writeLink(link) === `${line}\n`
    ? { ok: true, link }
    : { ok: false, problem: "it is not written as it was sealed" };
}

/** The keys stand in the order in which they were written, and come back in it. */
function hashOf(record: JsonObject, previous: string): string {
  return createHash("sha256").update(previous).update("\n").update(JSON.stringify(record)).digest("hex");
}

function parse(line: string): JsonValue | undefined {
  try {
    return JSON.parse(line) as JsonValue;
  } catch {
    return undefined;
  }
}
