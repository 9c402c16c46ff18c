import { createHash } from "node:crypto";
import * as nodeFiles from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { constants, zstdCompress, zstdDecompress } from "node:zlib";
import { isJsonObject } from "@auditsieve/audit";
import type { JsonValue } from "@auditsieve/audit";
import { writeDurably } from "./checkpoint.ts";
import type { StateFiles } from "./checkpoint.ts";
import { reasonOf } from "./errors.ts";

/** What the detections of a pipeline remember at one place of its source. */
export interface RememberedState {
  /** Of the detections, see `FindingStream.snapshot`. */
  readonly detections: JsonValue;
  /** How far each input had been read there, in bytes. */
  readonly read: Readonly<Record<string, number>>;
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

/** What is noted at a place of a source: see {@link encodeState}. */
export type Mark = string | SplitMark;

const VERSION = 1;
/** Characters of JSON. What is remembered is bounded by count; this bounds what it may come to. */
const MAX_LENGTH = 128 * 1024 * 1024;
const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/**
 * The file beside the checkpoint that holds what detections remember. The checkpoint names it by its hash, so that state and
 * position are one write: of two files the one is written that the checkpoint does not name, then the checkpoint, which names it.
 *
 * @example
 * const state = await openDetectionState("/var/lib/auditsieve", "audit", checkpoint.get("pipeline/audit"));
 * await state.write(JSON.stringify(remembered));
 */
export class DetectionState {
  /** What an earlier run remembered. */
  readonly loaded: RememberedState | undefined;
  /** Why what an earlier run remembered cannot be used. */
  readonly problem: string | undefined;
  readonly #pathOf: (slot: number) => string;
  readonly #files: StateFiles;
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
    },
  ) {
    this.#pathOf = pathOf;
    this.#files = files;
    this.#slot = before.slot;
    this.#hash = before.problem === undefined ? before.hash : undefined;
    this.loaded = before.loaded;
    this.problem = before.problem;
  }

  /**
   * Writes what {@link encodeState} gave; what the checkpoint then says is {@link DetectionState.reference}. The same text is not
   * written again; with "" nothing is kept.
   */
  async write(text: string): Promise<void> {
    if (text === this.#text) {
      return;
    }
    if (text === "") {
      this.#text = text;
      this.#hash = undefined;
      return;
    }
    const packed = await compress(text, PACKING);
    const slot = 1 - this.#slot;
    await writeDurably(this.#pathOf(slot), packed, this.#files);
    this.#slot = slot;
    this.#hash = hashOf(packed);
    this.#text = text;
  }

  /** For the checkpoint; undefined when nothing is kept. */
  get reference(): JsonValue | undefined {
    return this.#hash === undefined ? undefined : { slot: this.#slot, sha256: this.#hash };
  }
}

/** It is written again every few seconds: time matters more than a few hundred kilobytes. */
const PACKING = { chunkSize: 1024 * 1024, params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/** The text of a state; undefined when it is too long to be kept. */
export function encodeState({ detections, read }: RememberedState): string | undefined {
  const text = JSON.stringify({ version: VERSION, read, detections });
  return text.length > MAX_LENGTH ? undefined : text;
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
  if (reference === undefined) {
    return new DetectionState(pathOf, files, { slot: 0 });
  }
  const { slot, sha256 } = isJsonObject(reference) ? reference : {};
  if ((slot !== 0 && slot !== 1) || typeof sha256 !== "string") {
    return new DetectionState(pathOf, files, { slot: 0, problem: "the checkpoint does not say which file it is in" });
  }
  try {
    const packed = await nodeFiles.readFile(pathOf(slot));
    if (hashOf(packed) !== sha256) {
      throw new Error("it is not the file that the checkpoint names");
    }
    const loaded = decodeState(
      JSON.parse((await decompress(packed, { maxOutputLength: 4 * MAX_LENGTH })).toString("utf8")),
    );
    return new DetectionState(pathOf, files, { slot, hash: sha256, loaded });
  } catch (error) {
    return new DetectionState(pathOf, files, { slot, problem: `"${pathOf(slot)}" cannot be used: ${reasonOf(error)}` });
  }
}

function decodeState(value: unknown): RememberedState {
  if (!isJsonObject(value)) {
    throw new Error("it is no JSON object");
  }
  const { version, read, detections } = value;
  if (version !== VERSION) {
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
