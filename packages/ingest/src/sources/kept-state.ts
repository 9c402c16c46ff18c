import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { zstdDecompress } from "node:zlib";
import { isJsonObject } from "@auditsieve/audit";
import type { JsonValue } from "@auditsieve/audit";
import type { StateSeal } from "./state-seal.ts";

/** What the detections of a partition remember at one of its offsets. */
export interface KeptState {
  /** Offset at which the bytes of the partition were counted from 0. */
  readonly base: bigint;
  /** The first offset that is not in it. */
  readonly next: bigint;
  /** Behind the last line that is in it, in bytes since `base`. */
  readonly end: number;
  /** JSON, packed with zstd as one frame; "" where it was too large to be kept. */
  readonly packed: Buffer | "";
}

/** The small record that says which others are the state. */
export interface Head extends Omit<KeptState, "packed"> {
  /** Which of its writer's two places the chunks are in, how many there are, and their hash; undefined where nothing is kept. */
  readonly body: { readonly slot: number; readonly chunks: number; readonly sha256: string } | undefined;
}

const VERSION = 1;
/** Brokers take about 1 MB by default. */
const CHUNK_BYTES = 512 * 1024;
const MAX_TEXT_BYTES = 512 * 1024 * 1024;
const decompress = promisify(zstdDecompress);

export function headKey(writer: string): string {
  return `${writer}/head`;
}

export function chunkKey(writer: string, slot: number, chunk: number): string {
  return `${writer}/${slot}/${chunk}`;
}

/** Name under which the state of a slot is sealed; its chunks are pieces of it. */
function bodyName(writer: string, slot: number): string {
  return `${writer}/${slot}`;
}

/** The chunks of a packed state, sealed, and what the head says of them. */
export function writeBody(
  seal: StateSeal,
  writer: string,
  slot: number,
  packed: Buffer,
): { readonly chunks: readonly Buffer[]; readonly sha256: string } {
  const sealed = seal.seal(bodyName(writer, slot), packed);
  const chunks = Array.from({ length: Math.ceil(sealed.length / CHUNK_BYTES) }, (_, i) =>
    sealed.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES),
  );
  return { chunks, sha256: hashOf(sealed) };
}

/** The state whose chunks the head names; `undefined` where they are not all there or not those. */
export async function readBody(
  seal: StateSeal,
  writer: string,
  { slot, chunks, sha256 }: NonNullable<Head["body"]>,
  valueOf: (key: string) => Buffer | undefined,
): Promise<JsonValue | undefined> {
  const parts = Array.from({ length: chunks }, (_, i) => valueOf(chunkKey(writer, slot, i)));
  const sealed = Buffer.concat(parts.filter((part) => part !== undefined));
  const packed = hashOf(sealed) === sha256 ? seal.open(bodyName(writer, slot), sealed) : undefined;
  return packed === undefined
    ? undefined
    : (JSON.parse((await decompress(packed, { maxOutputLength: MAX_TEXT_BYTES })).toString("utf8")) as JsonValue);
}

export function writeHead(seal: StateSeal, writer: string, { base, next, end, body }: Head): Buffer {
  const text = JSON.stringify({ version: VERSION, base: String(base), next: String(next), end, body: body ?? null });
  return seal.seal(headKey(writer), Buffer.from(text));
}

/** Why a head cannot be used, in words for an operator; else what it says. */
export function readHead(seal: StateSeal, writer: string, value: Buffer): Head | string {
  const opened = seal.open(headKey(writer), value);
  if (opened === undefined) {
    return "it was sealed with another key (all daemons of a group need the same keys.id), or changed";
  }
  const head = JSON.parse(opened.toString("utf8")) as JsonValue;
  const { version, base, next, end, body } = isJsonObject(head) ? head : {};
  if (version !== VERSION) {
    return `it has version ${JSON.stringify(version)}, this program knows ${VERSION}`;
  }
  if (typeof base !== "string" || typeof next !== "string" || typeof end !== "number") {
    return "it does not say where it ends";
  }
  const { slot, chunks, sha256 } = isJsonObject(body) ? body : {};
  const isWhole = typeof slot === "number" && typeof chunks === "number" && typeof sha256 === "string";
  return {
    base: BigInt(base),
    next: BigInt(next),
    end,
    body: isWhole ? { slot, chunks, sha256 } : undefined,
  };
}

function hashOf(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
