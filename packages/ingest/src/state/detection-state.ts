import { createHash } from "node:crypto";
import * as nodeFiles from "node:fs/promises";
import { join } from "node:path";
import { isJsonObject } from "@auditsieve/audit";
import type { JsonValue } from "@auditsieve/audit";
import { writeDurably } from "./checkpoint.ts";
import type { StateFiles } from "./checkpoint.ts";
import { reasonOf } from "../errors.ts";
import { openKeptDocuments } from "./kept-documents.ts";
import type { KeptDocuments } from "./kept-documents.ts";
import { PackedText, packWhole, unpackState } from "./state-packing.ts";

/** What the detections of a pipeline remember at one place of its source. */
export interface RememberedState {
  /** Of the detections, see `FindingStream.snapshot`. */
  readonly detections: JsonValue;
  /** How far each input had been read there, in bytes. */
  readonly read: Readonly<Record<string, number>>;
  /** The documents that the detections name by the ids of their lines; those that they hold themselves are not among them. */
  readonly documents?: Documents;
}

/** Documents by the ids of their lines, a character for each byte (latin1). */
export type Documents = ReadonlyMap<string, string>;

/** What is to be kept of what detections remember. */
export interface StateToKeep extends Pick<RememberedState, "read" | "documents"> {
  /** Its JSON, in parts. */
  readonly detections: Iterable<string>;
}

/** What is remembered at one place of a source. */
export interface WholeMark {
  /** As {@link encodeState} gives it. */
  readonly state: PackedText;
  /** The documents that it names, for as long as they are not written: most of them the detections will have forgotten long before the next mark. */
  documents: Documents;
}

/** What the detections of one input remember. */
export interface InputState {
  /** As {@link encodeInputState} gives it; "" where that is too long to be kept. */
  readonly packed: Buffer | "";
  /** Behind the last line of the input that is in it. */
  readonly end: number;
}

/** What is remembered at one place of a source whose inputs are remembered apart. */
export interface SplitMark {
  /** What all inputs share, as {@link encodeState} gives it; "" where that is too long to be kept. */
  readonly shared: PackedText | "";
  readonly inputs: ReadonlyMap<string, InputState>;
}

/** What is noted at a place of a source; "" where it is too much to be kept. */
export type Mark = "" | WholeMark | SplitMark;

const VERSION = 2;
/** Holds its documents itself, as what goes elsewhere still does. */
const VERSION_WITH_DOCUMENTS = 1;
/** Characters of JSON. What is remembered is bounded by count; this bounds what it may come to. */
const MAX_LENGTH = 128 * 1024 * 1024;
/** What is written with a state that names none. */
export const NO_DOCUMENTS: Documents = new Map();

/**
 * The file beside the checkpoint that holds what detections remember. The checkpoint names it by its hash, so that state and
 * position are one write: of two files the one is written that the checkpoint does not name, then the checkpoint, which names it.
 *
 * @example
 * const state = await openDetectionState("state", "audit", checkpoint.get("pipeline/audit"));
 * await state.write(encodeState({ detections: [JSON.stringify(remembered)], read: { "audit.log": 17 } }) ?? "");
 */
export class DetectionState {
  /** Why what an earlier run remembered cannot be used. */
  readonly problem: string | undefined;
  readonly #pathOf: (slot: number) => string;
  readonly #files: StateFiles;
  readonly #documents: KeptDocuments;
  #loaded: RememberedState | undefined;
  #slot: number;
  /** Of the file in use. */
  #file: { readonly sha256: string; readonly parts?: readonly number[] } | undefined;
  #written: PackedText | "" | undefined;

  constructor(
    pathOf: (slot: number) => string,
    files: StateFiles,
    before: {
      readonly slot: number;
      readonly file?: { readonly sha256: string; readonly parts?: readonly number[] };
      readonly loaded?: RememberedState;
      readonly problem?: string;
      readonly documents: KeptDocuments;
    },
  ) {
    this.#documents = before.documents;
    this.#pathOf = pathOf;
    this.#files = files;
    this.#slot = before.slot;
    this.#file = before.problem === undefined ? before.file : undefined;
    this.#loaded = before.loaded;
    this.problem = before.problem;
  }

  /** What an earlier run remembered, given once: it is large, and nobody needs it any more than once. */
  take(): RememberedState | undefined {
    const loaded = this.#loaded;
    this.#loaded = undefined;
    return loaded;
  }

  /**
   * Writes what {@link encodeState} gave, and the documents that it names; what the checkpoint then says is
   * {@link DetectionState.reference}. The same is not written again; with "" nothing is kept.
   */
  async write(state: PackedText | "", documents: Documents = NO_DOCUMENTS): Promise<void> {
    if (state === this.#written) {
      return;
    }
    if (state === "") {
      this.#written = state;
      this.#file = undefined;
      return;
    }
    await this.#documents.write(documents);
    const { parts } = state;
    const packed = Buffer.concat(parts);
    const slot = 1 - this.#slot;
    await writeDurably(this.#pathOf(slot), packed, this.#files);
    this.#slot = slot;
    this.#file = { sha256: hashOf(packed), parts: parts.map(({ length }) => length) };
    this.#written = state;
  }

  /** For the checkpoint; undefined when nothing is kept. */
  get reference(): JsonValue | undefined {
    const { reference } = this.#documents;
    return this.#file === undefined
      ? undefined
      : { slot: this.#slot, ...this.#file, ...(reference !== undefined && { documents: reference }) };
  }
}

/** The text of a state, without the documents that it names; undefined when it is too long to be kept. */
export function encodeState(state: StateToKeep): PackedText | undefined {
  return PackedText.of(textOf(state), MAX_LENGTH);
}

function* textOf({ detections, read, documents }: StateToKeep): Generator<string, void> {
  const version = documents === undefined ? VERSION_WITH_DOCUMENTS : VERSION;
  yield `{"version":${version},"read":${JSON.stringify(read)},"detections":`;
  yield* detections;
  yield "}";
}

/** What is noted of a state at its place; undefined when it is too long to be kept. */
export function encodeMark(toKeep: StateToKeep): WholeMark | undefined {
  const state = encodeState(toKeep);
  return state && { state, documents: toKeep.documents ?? NO_DOCUMENTS };
}

/** What one input's detections remember, as packed JSON; undefined when it is too long to be kept. */
export function encodeInputState(detections: Iterable<string>): Buffer | undefined {
  return packWhole(detections, MAX_LENGTH);
}

/** Opens the state that `reference` of the checkpoint names. Never fails: what cannot be used is a `problem`, and nothing is loaded. */
export async function openDetectionState(
  folder: string,
  source: string,
  reference: JsonValue | undefined,
  files: StateFiles = nodeFiles,
): Promise<DetectionState> {
  const pathOf = (slot: number): string => join(folder, `detections-${source}.${slot}.zst`);
  const none = await openKeptDocuments(folder, source, undefined, files);
  if (reference === undefined) {
    return new DetectionState(pathOf, files, { slot: 0, documents: none });
  }
  const { slot, sha256, parts: lengths, documents: named } = isJsonObject(reference) ? reference : {};
  if ((slot !== 0 && slot !== 1) || typeof sha256 !== "string") {
    const problem = "the checkpoint does not say which file it is in";
    return new DetectionState(pathOf, files, { slot: 0, problem, documents: none });
  }
  try {
    const documents = await openKeptDocuments(folder, source, named, files);
    const packed = await nodeFiles.readFile(pathOf(slot));
    if (hashOf(packed) !== sha256) {
      throw new Error("it is not the file that the checkpoint names");
    }
    // A file of the version before is one part.
    const parts = lengthsOf(lengths);
    const text = await textIn(packed, parts ?? [packed.length]);
    const loaded = { ...decodeState(JSON.parse(text)), documents: documents.take() };
    return new DetectionState(pathOf, files, { slot, file: { sha256, ...(parts && { parts }) }, loaded, documents });
  } catch (error) {
    const problem = `"${pathOf(slot)}" cannot be used: ${reasonOf(error)}`;
    return new DetectionState(pathOf, files, { slot, problem, documents: none });
  }
}

function lengthsOf(written: JsonValue | undefined): readonly number[] | undefined {
  return Array.isArray(written)
    ? (written as readonly JsonValue[]).map((length) => (typeof length === "number" ? length : Number.NaN))
    : undefined;
}

async function textIn(packed: Buffer, lengths: readonly number[]): Promise<string> {
  const blocks: Buffer[] = [];
  let at = 0;
  for (const length of lengths) {
    blocks.push(await unpackState(packed.subarray(at, at + length), 4 * MAX_LENGTH));
    at += length;
  }
  return Buffer.concat(blocks).toString("utf8");
}

function decodeState(value: unknown): RememberedState {
  if (!isJsonObject(value)) {
    throw new Error("it is no JSON object");
  }
  const { version, read, detections } = value;
  if (version !== VERSION && version !== VERSION_WITH_DOCUMENTS) {
    throw new Error(`it has version ${JSON.stringify(version)}, this program knows ${VERSION}`);
  }
  if (!isJsonObject(read) || !Object.values(read).every((end) => typeof end === "number")) {
    throw new Error("it does not say how far each input was read");
  }
  return { detections: detections ?? null, read: read as Readonly<Record<string, number>> };
}

function hashOf(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
