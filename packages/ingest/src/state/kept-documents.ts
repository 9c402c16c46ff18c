import * as nodeFiles from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { isJsonObject } from "@auditsieve/audit";
import type { JsonValue } from "@auditsieve/audit";
import { writeDurably } from "./checkpoint.ts";
import type { StateFiles } from "./checkpoint.ts";
import { reasonOf } from "../errors.ts";
import { packState, unpackState } from "./state-packing.ts";
import { writeWholeAt } from "./write-whole.ts";

const VERSION = 1;
const HEADER: Buffer = Buffer.from(`${JSON.stringify({ kind: "documents", version: VERSION })}\n`);
const MAX_LINE = 256;
const NEWLINE = 10;
/** Of one part, unpacked: more than detections remember. */
const MAX_BYTES = 256 * 1024 * 1024;
/** Of what is packed at once. */
const PART_BYTES = 1024 * 1024;
/** So much more than all that is still needed may stand in a file before another is begun. */
const SLACK_BYTES = 4 * 1024 * 1024;

/** A part of a file that belongs to a position, as the checkpoint names it. */
interface Reference {
  readonly slot: 0 | 1;
  readonly length: number;
  readonly crc32: number;
}

/**
 * The documents of events that detections hold, on the disk: most of what they remember, and none of it ever changes. A document is
 * appended once, to a file that the checkpoint names by its length and checksum, so that documents and position are one write. When
 * more than half of it is not needed any more, the other of two files is begun.
 *
 * @example
 * const kept = await openKeptDocuments("state", "audit", undefined);
 * await kept.write(new Map([["0123", "{}"]]));
 */
export class KeptDocuments {
  readonly #pathOf: (slot: number) => string;
  readonly #files: StateFiles;
  #loaded: ReadonlyMap<string, string>;
  /** Bytes of what stands in the file in use, by id. */
  #sizes: Map<string, number>;
  #slot: number;
  /** Of the file in use; 0 when there is none. */
  #length: number;
  #crc: number;

  constructor(
    pathOf: (slot: number) => string,
    files: StateFiles,
    before?: { readonly reference: Reference; readonly loaded: ReadonlyMap<string, string> },
  ) {
    this.#pathOf = pathOf;
    this.#files = files;
    this.#loaded = before?.loaded ?? new Map();
    this.#sizes = sizesOf(this.#loaded);
    this.#slot = before?.reference.slot ?? 0;
    this.#length = before?.reference.length ?? 0;
    this.#crc = before?.reference.crc32 ?? 0;
  }

  /** What an earlier run kept, by the ids of the lines, a character for each byte (latin1). Given once: it is large. */
  take(): ReadonlyMap<string, string> {
    const loaded = this.#loaded;
    this.#loaded = new Map();
    return loaded;
  }

  /** For the checkpoint; undefined when nothing was written yet. */
  get reference(): JsonValue | undefined {
    return this.#length === 0 ? undefined : { slot: this.#slot, length: this.#length, crc32: this.#crc };
  }

  /** Makes all of these durable, a character for each byte (latin1); others may be forgotten. */
  async write(documents: ReadonlyMap<string, string>): Promise<void> {
    const fresh = [...documents].filter(([id]) => !this.#sizes.has(id));
    const needed = sum(documents.values(), ({ length }) => length);
    const held = sum(this.#sizes.values(), (size) => size) + sum(fresh, ([, { length }]) => length);
    if (this.#length === 0 ? fresh.length > 0 : held > 2 * needed + SLACK_BYTES) {
      await this.#begin(documents);
    } else if (fresh.length > 0) {
      await this.#append(await partsOf(fresh));
      fresh.forEach(([id, { length }]) => this.#sizes.set(id, length));
    }
  }

  async #append(part: Buffer): Promise<void> {
    const file = await this.#files.open(this.#pathOf(this.#slot), "r+");
    try {
      await writeWholeAt(file, part, this.#length);
      await file.datasync();
    } finally {
      await file.close();
    }
    this.#crc = crc32(part, this.#crc);
    this.#length += part.length;
  }

  /** Begins the other file: the checkpoint may still name this one. */
  async #begin(documents: ReadonlyMap<string, string>): Promise<void> {
    const content = Buffer.concat([HEADER, await partsOf([...documents])]);
    const slot = 1 - this.#slot;
    await writeDurably(this.#pathOf(slot), content, this.#files);
    this.#slot = slot;
    this.#length = content.length;
    this.#crc = crc32(content);
    this.#sizes = sizesOf(documents);
  }
}

/** Opens the file that `reference` of the checkpoint names. Rejects with what is wrong with it. */
export async function openKeptDocuments(
  folder: string,
  source: string,
  reference: JsonValue | undefined,
  files: StateFiles = nodeFiles,
): Promise<KeptDocuments> {
  const pathOf = (slot: number): string => join(folder, `documents-${source}.${slot}`);
  if (reference === undefined) {
    return new KeptDocuments(pathOf, files);
  }
  const named = decodeReference(reference);
  const path = pathOf(named.slot);
  try {
    const content = (await nodeFiles.readFile(path)).subarray(0, named.length);
    if (content.length < named.length || crc32(content) !== named.crc32) {
      throw new Error("it is not what the checkpoint names");
    }
    return new KeptDocuments(pathOf, files, { reference: named, loaded: await documentsIn(content) });
  } catch (error) {
    throw new Error(`"${path}" cannot be used: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

/** Some documents, in parts: a line with the packed length, then, packed, for each its id and length on a line, and its bytes. */
async function partsOf(documents: readonly (readonly [string, string])[]): Promise<Buffer> {
  const parts: Buffer[] = [];
  let part = "";
  for (const [i, [id, document]] of documents.entries()) {
    part += `${JSON.stringify([id, document.length])}\n${document}`;
    if (part.length >= PART_BYTES || i === documents.length - 1) {
      const packed = await packState(Buffer.from(part, "latin1"));
      parts.push(Buffer.from(`${packed.length}\n`), packed);
      part = "";
    }
  }
  return Buffer.concat(parts);
}

async function documentsIn(content: Buffer): Promise<ReadonlyMap<string, string>> {
  if (!content.subarray(0, HEADER.length).equals(HEADER)) {
    throw new Error(`it has another form than version ${VERSION}, which this program knows`);
  }
  const documents = new Map<string, string>();
  for (let at = HEADER.length; at < content.length;) {
    const [length, from] = readLine(content, at);
    if (typeof length !== "number" || from + length > content.length) {
      throw new Error("it is cut off");
    }
    at = from + length;
    const part = await unpackState(content.subarray(from, at), MAX_BYTES);
    for (let next = 0; next < part.length;) {
      const [entry, begin] = readLine(part, next);
      const [id, bytes] = Array.isArray(entry) ? (entry as readonly JsonValue[]) : [];
      if (typeof id !== "string" || typeof bytes !== "number" || begin + bytes > part.length) {
        throw new Error("it is cut off");
      }
      next = begin + bytes;
      documents.set(id, part.toString("latin1", begin, next));
    }
  }
  return documents;
}

/** The value on the line at `at`, and where the next one begins. */
function readLine(bytes: Buffer, at: number): readonly [JsonValue, number] {
  const end = bytes.subarray(at, at + MAX_LINE).indexOf(NEWLINE);
  if (end === -1) {
    throw new Error("it is cut off");
  }
  return [JSON.parse(bytes.toString("utf8", at, at + end)) as JsonValue, at + end + 1];
}

function decodeReference(value: JsonValue): Reference {
  const { slot, length, crc32: checksum } = isJsonObject(value) ? value : {};
  if ((slot !== 0 && slot !== 1) || typeof length !== "number" || typeof checksum !== "number") {
    throw new Error("the checkpoint does not say which documents were held");
  }
  return { slot, length, crc32: checksum };
}

function sizesOf(documents: ReadonlyMap<string, string>): Map<string, number> {
  return new Map([...documents].map(([id, { length }]) => [id, length]));
}

function sum<T>(values: Iterable<T>, of: (value: T) => number): number {
  let total = 0;
  for (const value of values) {
    total += of(value);
  }
  return total;
}
