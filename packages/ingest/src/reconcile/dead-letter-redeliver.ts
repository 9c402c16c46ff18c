import type { KeyObject } from "node:crypto";
import { rename, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import { isJsonObject } from "@auditsieve/audit";
import { syncFolder } from "../state/checkpoint.ts";
import type { IngestConfig } from "../config/config.ts";
import { fileError, IngestError, systemCode } from "../errors.ts";
import { linesOf } from "./reconcile-sinks.ts";
import { readPrivateKey } from "../state/sealed-line.ts";
import type { Delivery, Sink } from "../sink.ts";
import { stateKey } from "../state/state-keys.ts";
import { lockFolders } from "../config/folder-locks.ts";
import { createSink } from "../config/create-sink.ts";
import type { SinkContext } from "../config/create-sink.ts";
import { letterLine, openSideLogs } from "../sinks/dead-letter.ts";
import type { DeadLetter, SideLogs } from "../sinks/dead-letter.ts";
import { NdjsonFile } from "../logs/ndjson-file.ts";
import { openDocument } from "../sinks/sealed-letter.ts";

/** What became of the dead letters. */
export interface Redelivered {
  readonly stored: number;
  /** Refused again: in the dead letters anew, with the new reason. */
  readonly refused: number;
  /** Of sinks that the configuration does not have, damaged, or sealed to another key: left as they are. */
  readonly left: number;
}

/** What sinks need, and what opens letters that are sealed. */
export interface RedeliverContext extends SinkContext {
  readonly privateKey?: KeyObject | undefined;
}

const BATCH = 500;
const KINDS: ReadonlySet<unknown> = new Set<Delivery["kind"]>(["event", "finding", "undecidable", "receipt"]);

/**
 * Delivers the dead letters of a state folder again, each to the sink that refused it and under its id, so that none can be stored
 * twice. A crash in between loses none: what was begun is gone on with the next time. The daemon must not run meanwhile.
 *
 * @example
 * const { stored, refused } = await redeliverDeadLetters(config, { cluster: config.cluster, logger }, signal);
 */
export async function redeliverDeadLetters(
  config: IngestConfig,
  { privateKey, ...context }: RedeliverContext,
  signal: AbortSignal,
): Promise<Redelivered> {
  const lock = await lockFolders(config);
  const path = join(config.stateFolder, "dead-letter.ndjson");
  const begun = join(config.stateFolder, "dead-letter.redelivering.ndjson");
  const sinks = new Map<string, Sink>();
  try {
    if (!(await isThere(begun)) && !(await moveAside(path, begun))) {
      return { stored: 0, refused: 0, left: 0 };
    }
    for (const sink of config.sinks) {
      sinks.set(sink.name, await createSink(sink, context));
    }
    const idKey = config.idKey ?? (await stateKey(config.stateFolder, "id")).key;
    const sideLogs = openSideLogs({
      deadLetter: path,
      quarantine: join(config.stateFolder, "quarantine.ndjson"),
      seal: config.deadLetters && { ...config.deadLetters, idKey },
    });
    const leftovers = new NdjsonFile({ path: `${path}.left` });
    try {
      const result = await redeliverAll(begun, { sinks, sideLogs, leftovers, privateKey }, signal);
      await unlink(begun);
      await syncFolder(config.stateFolder);
      return result;
    } finally {
      await Promise.allSettled([sideLogs.close(), leftovers.close()]);
    }
  } finally {
    await Promise.allSettled([...sinks.values()].map((sink) => sink.close()));
    await lock.release();
  }
}

async function redeliverAll(
  begun: string,
  {
    sinks,
    sideLogs,
    leftovers,
    privateKey,
  }: {
    readonly sinks: ReadonlyMap<string, Sink>;
    readonly sideLogs: SideLogs;
    readonly leftovers: NdjsonFile;
    readonly privateKey: KeyObject | undefined;
  },
  signal: AbortSignal,
): Promise<Redelivered> {
  const waiting = new Map<string, DeadLetter[]>();
  const counts = { stored: 0, refused: 0, left: 0 };
  const send = async (name: string): Promise<void> => {
    const letters = waiting.get(name) ?? [];
    waiting.delete(name);
    const results =
      (await sinks.get(name)?.write(
        letters.map(({ delivery }) => delivery),
        signal,
      )) ?? [];
    const again = letters.flatMap((letter, i): readonly DeadLetter[] => {
      const result = results[i];
      return result?.status === "refused" ? [{ ...letter, reason: result.reason }] : [];
    });
    if (again.length > 0) {
      await sideLogs.deadLetter(again);
    }
    counts.refused += again.length;
    counts.stored += letters.length - again.length;
  };
  for await (const { line } of linesOf(begun)) {
    const letter = await openDeadLetter(line, privateKey);
    if (letter === undefined || !sinks.has(letter.sink)) {
      await leftovers.append([line]);
      counts.left++;
      continue;
    }
    const letters = waiting.get(letter.sink) ?? [];
    waiting.set(letter.sink, letters);
    letters.push(letter);
    if (letters.length >= BATCH) {
      await send(letter.sink);
    }
  }
  for (const name of waiting.keys()) {
    await send(name);
  }
  return counts;
}

const MARKER = '"document":';

/**
 * A line of the dead letter file; undefined when it is damaged, or sealed to another key. Rejects when it is sealed and there is no
 * key. The document stays as its bytes are.
 */
export async function openDeadLetter(line: Buffer, privateKey: KeyObject | undefined): Promise<DeadLetter | undefined> {
  let letter: unknown;
  try {
    letter = JSON.parse(line.toString("utf8"));
  } catch {
    return undefined;
  }
  if (!isJsonObject(letter)) {
    return undefined;
  }
  const { id, kind, time, sink, reason, source, input, offset, sealed } = letter;
  const texts = [id, time, sink, reason, source, input];
  if (!texts.every((text) => typeof text === "string") || !KINDS.has(kind) || typeof offset !== "number") {
    return undefined;
  }
  const place = {
    offset,
    ...({ sink, reason, source, input } as Pick<DeadLetter, "sink" | "reason" | "source" | "input">),
  };
  const deliver = (document: Buffer): Delivery => ({ id, kind, time, document, mayBeStored: true }) as Delivery;
  if (typeof sealed !== "string") {
    const marker = line.indexOf(MARKER);
    return marker === -1
      ? undefined
      : { delivery: deliver(Buffer.from(line.subarray(marker + MARKER.length, line.length - 1))), ...place };
  }
  if (privateKey === undefined) {
    throw new IngestError(
      "missing",
      "Cannot open dead letters: their documents are sealed, and there is no private key",
      {
        hint: "Give the private key whose public half is deadLetters.publicKey: --private-key FILE",
      },
    );
  }
  try {
    const { document, detail } = await openDocument(sealed, id as string, privateKey);
    return { delivery: deliver(document), ...place, ...(detail !== undefined && { detail }) };
  } catch {
    return undefined;
  }
}

/**
 * The dead letters of a state folder with their documents, a line each as an unsealed daemon would have written it; undefined for one
 * that cannot be opened.
 */
export async function* openDeadLetters(stateFolder: string, keyFile: string): AsyncGenerator<Buffer | undefined, void> {
  const privateKey = await readPrivateKey(keyFile);
  for await (const { line } of linesOf(join(stateFolder, "dead-letter.ndjson"))) {
    const letter = await openDeadLetter(line, privateKey);
    yield letter && letterLine(letter);
  }
}

async function moveAside(path: string, begun: string): Promise<boolean> {
  try {
    await rename(path, begun);
    return true;
  } catch (error) {
    if (systemCode(error) === "ENOENT") {
      return false;
    }
    throw fileError("move dead letters aside", path, error);
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
