import * as nodeFiles from "node:fs/promises";
import { endianness } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { isJsonObject } from "@auditsieve/audit";
import type { JsonValue } from "@auditsieve/audit";
import { AuditIdMemory, AUDIT_ID_SLOTS } from "./audit-id-memory.ts";
import { addTold } from "./audit-id-watch.ts";
import type { AuditIdRecord } from "./audit-id-watch.ts";
import { writeDurably } from "../state/checkpoint.ts";
import type { StateFiles } from "../state/checkpoint.ts";
import { writeWholeAt } from "../state/write-whole.ts";
import { reasonOf } from "../errors.ts";

const VERSION = 1;
const RECORD_BYTES = 12;
const WORDS = 3;
const MAX_HEADER = 256;
const NEWLINE = 10;

/** A part of the journal that belongs to a position, as the checkpoint names it. */
interface Reference {
  readonly slot: 0 | 1;
  readonly length: number;
  readonly crc32: number;
  readonly told: readonly string[];
}

/**
 * The auditIDs that a watch has seen, on the disk: a file of 12 bytes an event, which the checkpoint names by its length and
 * checksum, so that memory and position are one write. Before it holds as many events as are remembered, the other of two files is
 * begun with the whole table (1.5 MB): an event costs 24 bytes, and a checkpoint one short append.
 */
export class AuditIdJournal implements AuditIdRecord {
  /** Why what an earlier run remembered cannot be used. */
  readonly problem: string | undefined;
  readonly #pathOf: (slot: number) => string;
  readonly #files: StateFiles;
  /** As of the position that was written last. */
  readonly #memory: AuditIdMemory;
  readonly #told: Set<string>;
  #slot: number;
  /** Of the file in use; 0 when there is none. */
  #length: number;
  #crc: number;
  #records: number;
  /** Of lines that are not written: what was noted, and how many bytes of lines there were until then. */
  #noted = new Uint32Array(WORDS * 1024);
  #totals = new Float64Array(1024);
  #count = 0;
  #waiting: { readonly request: string; readonly total: number }[] = [];
  #total = 0;

  constructor(
    pathOf: (slot: number) => string,
    files: StateFiles,
    before: {
      readonly reference?: Reference;
      readonly memory?: AuditIdMemory;
      readonly records?: number;
      readonly problem?: string;
    },
  ) {
    const { reference, memory, records = 0, problem } = before;
    this.#pathOf = pathOf;
    this.#files = files;
    this.problem = problem;
    this.#memory = memory ?? new AuditIdMemory();
    this.#told = new Set(reference?.told);
    this.#slot = reference?.slot ?? 0;
    this.#length = reference?.length ?? 0;
    this.#crc = reference?.crc32 ?? 0;
    this.#records = records;
  }

  get bytes(): Buffer {
    return this.#memory.bytes;
  }

  get told(): Iterable<string> {
    return this.#told;
  }

  /** For the checkpoint; undefined when nothing was written yet. */
  get reference(): JsonValue | undefined {
    return this.#length === 0
      ? undefined
      : { slot: this.#slot, length: this.#length, crc32: this.#crc, told: [...this.#told] };
  }

  /** The line in hand is the one with which there are so many bytes of lines. */
  begin(total: number): void {
    this.#total = total;
  }

  noted(low: number, high: number, content: number): void {
    const at = this.#count++;
    if (at === this.#totals.length) {
      const [noted, totals] = [new Uint32Array(2 * this.#noted.length), new Float64Array(2 * at)];
      noted.set(this.#noted);
      totals.set(this.#totals);
      [this.#noted, this.#totals] = [noted, totals];
    }
    this.#noted[WORDS * at] = low;
    this.#noted[WORDS * at + 1] = high;
    this.#noted[WORDS * at + 2] = content;
    this.#totals[at] = this.#total;
  }

  wasTold(request: string): void {
    this.#waiting.push({ request, total: this.#total });
  }

  /** Makes durable what was noted up to a position; what the checkpoint then says is {@link AuditIdJournal.reference}. */
  async write(total: number): Promise<void> {
    const count = this.#countUntil(total);
    const records = Buffer.from(this.#noted.slice(0, WORDS * count).buffer);
    if (count > 0 && (this.#length === 0 || this.#records + count > AUDIT_ID_SLOTS)) {
      await this.#begin(records, count);
    } else if (count > 0) {
      await this.#append(records);
      this.#crc = crc32(records, this.#crc);
      this.#length += records.length;
      this.#records += count;
      noteAll(this.#memory, records);
    }
    this.#noted.copyWithin(0, WORDS * count, WORDS * this.#count);
    this.#totals.copyWithin(0, count, this.#count);
    this.#count -= count;
    const told = this.#waiting.filter((one) => one.total <= total);
    told.forEach(({ request }) => addTold(this.#told, request));
    this.#waiting = this.#waiting.slice(told.length);
  }

  #countUntil(total: number): number {
    let count = 0;
    while (count < this.#count && (this.#totals[count] as number) <= total) {
      count++;
    }
    return count;
  }

  async #append(records: Buffer): Promise<void> {
    const file = await this.#files.open(this.#pathOf(this.#slot), "r+");
    try {
      await writeWholeAt(file, records, this.#length);
      await file.datasync();
    } finally {
      await file.close();
    }
  }

  /** Begins the other file, with a table of what was before where there was something. */
  async #begin(records: Buffer, count: number): Promise<void> {
    const hasTable = this.#records + count > AUDIT_ID_SLOTS;
    const next = new AuditIdMemory();
    next.load(this.#memory.bytes);
    noteAll(next, records);
    const content = Buffer.concat([headerOf(hasTable), hasTable ? next.bytes : records]);
    const slot = 1 - this.#slot;
    await writeDurably(this.#pathOf(slot), content, this.#files);
    this.#memory.load(next.bytes);
    this.#slot = slot;
    this.#length = content.length;
    this.#crc = crc32(content);
    this.#records = hasTable ? 0 : count;
  }
}

/** Opens the journal that `reference` of the checkpoint names. Never fails: what cannot be used is a `problem`, and nothing is loaded. */
export async function openAuditIdJournal(
  folder: string,
  source: string,
  reference: JsonValue | undefined,
  files: StateFiles = nodeFiles,
): Promise<AuditIdJournal> {
  const pathOf = (slot: number): string => join(folder, `audit-ids-${source}.${slot}`);
  if (reference === undefined) {
    return new AuditIdJournal(pathOf, files, {});
  }
  const named = decodeReference(reference);
  if (named === undefined) {
    return new AuditIdJournal(pathOf, files, { problem: "the checkpoint does not say which auditIDs were seen" });
  }
  const path = pathOf(named.slot);
  try {
    return new AuditIdJournal(pathOf, files, {
      reference: named,
      ...decodeFile(await nodeFiles.readFile(path), named),
    });
  } catch (error) {
    return new AuditIdJournal(pathOf, files, { problem: `"${path}" cannot be used: ${reasonOf(error)}` });
  }
}

function headerOf(hasTable: boolean): Buffer {
  const header = { kind: "audit-ids", version: VERSION, order: endianness(), slots: AUDIT_ID_SLOTS, hasTable };
  return Buffer.from(`${JSON.stringify(header)}\n`);
}

function decodeFile(
  file: Buffer,
  { length, crc32: sum }: Reference,
): { readonly memory: AuditIdMemory; readonly records: number } {
  const content = file.subarray(0, length);
  if (content.length < length || crc32(content) !== sum) {
    throw new Error("it is not what the checkpoint names");
  }
  const end = content.subarray(0, MAX_HEADER).indexOf(NEWLINE) + 1;
  const hasTable = content.subarray(0, end).equals(headerOf(true));
  if (!hasTable && !content.subarray(0, end).equals(headerOf(false))) {
    throw new Error(`it has another form than version ${VERSION}, which this program knows`);
  }
  const memory = new AuditIdMemory();
  const table = hasTable ? memory.bytes.length : 0;
  if (hasTable && !memory.load(content.subarray(end, end + table))) {
    throw new Error("it is cut off");
  }
  const records = content.subarray(end + table);
  noteAll(memory, records);
  return { memory, records: records.length / RECORD_BYTES };
}

function noteAll(memory: AuditIdMemory, records: Buffer): void {
  const words = new Uint32Array(records.length / Uint32Array.BYTES_PER_ELEMENT);
  new Uint8Array(words.buffer).set(records.subarray(0, words.byteLength));
  for (let at = 0; at + WORDS <= words.length; at += WORDS) {
    memory.note(words[at] as number, words[at + 1] as number, words[at + 2] as number);
  }
}

function decodeReference(value: JsonValue): Reference | undefined {
  if (!isJsonObject(value)) {
    return undefined;
  }
  const { slot, length, crc32: sum, told } = value;
  return (slot === 0 || slot === 1) && typeof length === "number" && typeof sum === "number" && Array.isArray(told)
    ? { slot, length, crc32: sum, told: (told as readonly JsonValue[]).filter((one) => typeof one === "string") }
    : undefined;
}
