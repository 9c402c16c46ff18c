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
import { packState, unpackState } from "./state-packing.ts";

/** What the detections of a pipeline remember at one place of its source. */
export interface RememberedState {
  /** Of the detections, see `FindingStream.snapshot`. */
  readonly detections: JsonValue;
  /** How far each input had been read there, in bytes. */
  readonly read: Readonly<Record<string, number>>;
  /** The documents that the detections name by the ids of their lines; those that they hold themselves are not among them. */
  readonly documents?: ReadonlyMap<string, Buffer>;
}

/** What is remembered at one place of a source. */
export interface WholeMark {
  /** As {@link encodeState} gives it. */
  readonly text: string;
  /** The documents that it names. */
  readonly documents: ReadonlyMap<string, Buffer>;
}

/** What the detections of one input remember, as text; "" where that is too long to be kept. */
export interface InputState {
  readonly text: string;
  /** Behind the last line of the input that is in it. */
  readonly end: number;
}

/** What is remembered at one place of a source whose inputs are remembered apart. */
export interface SplitMark {
  /** What all inputs share, as {@link encodeState} gives it. */
  readonly shared: string;
  readonly inputs: ReadonlyMap<string, InputState>;
}

/** What is noted at a place of a source; "" where it is too much to be kept. */
export type Mark = "" | WholeMark | SplitMark;

const VERSION = 2;
/** Holds its documents itself, as what goes elsewhere still does. */
const VERSION_WITH_DOCUMENTS = 1;
/** Characters of JSON. What is remembered is bounded by count; this bounds what it may come to. */
const MAX_LENGTH = 128 * 1024 * 1024;
const NO_DOCUMENTS: ReadonlyMap<string, Buffer> = new Map();

/**
 * The file beside the checkpoint that holds what detections remember. The checkpoint names it by its hash, so that state and
 * position are one write: of two files the one is written that the checkpoint does not name, then the checkpoint, which names it.
 *
 * @example
 * const state = await openDetectionState("state", "audit", checkpoint.get("pipeline/audit"));
 * await state.write(JSON.stringify(remembered));
 */
export class DetectionState {
  /** What an earlier run remembered. */
  readonly loaded: RememberedState | undefined;
  /** Why what an earlier run remembered cannot be used. */
  readonly problem: string | undefined;
  readonly #pathOf: (slot: number) => string;
  readonly #files: StateFiles;
  readonly #documents: KeptDocuments;
  #slot: number;
  #hash: string | undefined;
  #text: string | undefined;

  constructor(
    pathOf: (slot: number) => string,
    files: StateFiles,
    before: {
      readonly slot: number;
      readonly hash?: string;
      readonly loaded?: RememberedState;
      readonly problem?: string;
      readonly documents: KeptDocuments;
    },
  ) {
    this.#documents = before.documents;
    this.#pathOf = pathOf;
    this.#files = files;
    this.#slot = before.slot;
    this.#hash = before.problem === undefined ? before.hash : undefined;
    this.loaded = before.loaded;
    this.problem = before.problem;
  }

  /**
   * Writes what {@link encodeState} gave, and the documents that it names; what the checkpoint then says is
   * {@link DetectionState.reference}. The same text is not written again; with "" nothing is kept.
   */
  async write(text: string, documents: ReadonlyMap<string, Buffer> = NO_DOCUMENTS): Promise<void> {
    if (text === this.#text) {
      return;
    }
    if (text === "") {
      this.#text = text;
      this.#hash = undefined;
      return;
    }
    await this.#documents.write(documents);
    const packed = await packState(text);
    const slot = 1 - this.#slot;
    await writeDurably(this.#pathOf(slot), packed, this.#files);
    this.#slot = slot;
    this.#hash = hashOf(packed);
    this.#text = text;
  }

  /** For the checkpoint; undefined when nothing is kept. */
  get reference(): JsonValue | undefined {
    const { reference } = this.#documents;
    return this.#hash === undefined
      ? undefined
      : { slot: this.#slot, sha256: this.#hash, ...(reference !== undefined && { documents: reference }) };
  }
}

/** The text of a state, without the documents that it names; undefined when it is too long to be kept. */
export function encodeState({ detections, read, documents }: RememberedState): string | undefined {
  const version = documents === undefined ? VERSION_WITH_DOCUMENTS : VERSION;
  const text = JSON.stringify({ version, read, detections });
  return text.length > MAX_LENGTH ? undefined : text;
}

/** What is noted of a state at its place; undefined when it is too long to be kept. */
export function encodeMark(state: RememberedState): WholeMark | undefined {
  const text = encodeState(state);
  return text === undefined ? undefined : { text, documents: state.documents ?? NO_DOCUMENTS };
}

/** The text of what one input's detections remember; undefined when it is too long to be kept. */
export function encodeInputState(detections: JsonValue): string | undefined {
  const text = JSON.stringify(detections);
  return text.length > MAX_LENGTH ? undefined : text;
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
  const { slot, sha256, documents: named } = isJsonObject(reference) ? reference : {};
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
    const state = decodeState(JSON.parse((await unpackState(packed, 4 * MAX_LENGTH)).toString("utf8")));
    const loaded = { ...state, documents: documents.loaded };
    return new DetectionState(pathOf, files, { slot, hash: sha256, loaded, documents });
  } catch (error) {
    const problem = `"${pathOf(slot)}" cannot be used: ${reasonOf(error)}`;
    return new DetectionState(pathOf, files, { slot, problem, documents: none });
  }
}

function decodeState(value: unknown): RememberedState {
  if (!isJsonObject(value)) {
    throw new Error("it is no JSON object");
  }
  const { version, read, detections } = value;
  if (version !== VERSION && version !== VERSION_WITH_DOCUMENTS) {
    throw new Error(`it has version ${JSON.stringify(version)}, this program knows ${VERSION}`);
  }
  const ends = isJsonObject(read) ? Object.entries(read) : [];
  return {
    detections: detections ?? null,
    read: Object.fromEntries(ends.filter((entry): entry is [string, number] => typeof entry[1] === "number")),
  };
}

function hashOf(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
