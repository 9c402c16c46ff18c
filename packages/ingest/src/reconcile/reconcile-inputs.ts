import { stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { createRedactor, LineFramer } from "@auditsieve/audit";
import { AckWindow } from "../pipeline/ack-window.ts";
import type { Checkpoint } from "../state/checkpoint.ts";
import type { SourceConfig } from "../config/config-sources.ts";
import type { IngestConfig } from "../config/config.ts";
import { contentOf } from "../sinks/document-content.ts";
import { IngestError } from "../errors.ts";
import { LineHandler } from "../pipeline/line-handler.ts";
import type { SinkFeed } from "../pipeline/outlet.ts";
import type { NoiseReceipt } from "../receipts/receipt-book.ts";
import type { Delivery } from "../sink.ts";
import { beginsLike, headOfArchive } from "../sources/file-identity.ts";
import { openCanonicalLog } from "../sources/canonical-log.ts";
import { openLog } from "../sources/log-file.ts";
import { activeLogs, expandPatterns, isPattern } from "../sources/log-patterns.ts";
import { listRotated } from "../sources/rotated-files.ts";
import { lostOf } from "../sources/rotation-watch.ts";
import type { LostFiles } from "../sources/rotation-watch.ts";
import { decodeSpoolPosition, inputOf, spoolSegments } from "../sources/spool.ts";
import { decodePosition, inputName } from "../sources/tail-position.ts";
import { Ledger } from "../receipts/tally-ledger.ts";
import { SinkCounter } from "../receipts/tally.ts";

/** Where a line stands, for people: the file as it is named now. */
export interface Place {
  readonly source: string;
  readonly file: string;
  readonly offset: number;
}

/** What a sink must have of one line. */
export interface Expected extends Place {
  readonly id: string;
  readonly kind: Delivery["kind"];
  readonly time: string;
  /** Hash of the document, see `contentOf`. */
  readonly content: string;
  /** auditID and stage: what is still alike when a document was changed. */
  readonly likeness: string;
  /** The checkpoint has not passed it: it may be there or not. */
  readonly isPending: boolean;
  /** It is there, or there as a whole, only if a finding rested on it: which depends on what the daemon remembered. */
  readonly isOnlyEvidence: boolean;
}

/** What one sink must have of all inputs. */
export interface ExpectedAtSink {
  readonly lines: number;
  readonly dropped: number;
  readonly expected: readonly Expected[];
  /** Of whole events in undecidable lines, which are in `expected` as what they are. */
  readonly salvaged: readonly Expected[];
  /** Ids and contents of events that are there because a finding rests on them. */
  readonly evidence: ReadonlySet<string>;
  /** Lines that receipts must account for, by rule, actor, verb and resource. */
  readonly receipts: ReadonlyMap<string, { readonly count: number; readonly pending: number; readonly place: Place }>;
}

/** One log to be read again: all of it is acknowledged up to `ackedTo`. */
interface InputFile {
  readonly file: string;
  readonly input: string;
  readonly open: () => AsyncIterable<Buffer>;
  readonly ackedTo: number;
}

/** A log of which files were lost. */
export interface LostLog extends LostFiles {
  readonly source: string;
  readonly file: string;
}

/** auditID and stage of an event, "" of anything else. */
export function likenessOf(kind: Delivery["kind"], document: Uint8Array): string {
  if (kind !== "event") {
    return "";
  }
  try {
    const { auditID, stage } = JSON.parse(Buffer.from(document).toString("utf8")) as Record<string, unknown>;
    return JSON.stringify([auditID, stage]);
  } catch {
    return "";
  }
}

/** What tells one class of dropped lines from another. */
export function receiptKey({ rule, actor, verb, resource }: NoiseReceipt): string {
  return JSON.stringify([rule, actor, verb, resource]);
}

/** Reads all inputs again and decides anew what each sink must have: with the same code as the daemon, but never its counters. */
export async function readInputs(
  config: IngestConfig,
  keys: { readonly id: Buffer; readonly redaction: Buffer },
  checkpoint: Checkpoint,
): Promise<{
  readonly atSinks: readonly ExpectedAtSink[];
  readonly skipped: readonly string[];
  readonly lost: readonly LostLog[];
}> {
  const gathered = config.sinks.map((sink) => new SinkExpectation(sink.name));
  const skipped: string[] = [];
  for (const source of config.sources) {
    const files = await inputsOf(source, checkpoint, config.stateFolder);
    if (source.type === "webhook") {
      skipped.push(
        `Source "${source.name}" is read from its spool: bodies that every sink has are kept there no longer than their segment`,
      );
    }
    if (files === undefined) {
      skipped.push(`Source "${source.name}" cannot be read again: ${source.type}`);
      continue;
    }
    for (const sink of gathered) {
      sink.begin(source.name);
    }
    await readFiles(files, source.name, config, keys, gathered);
  }
  const lost = await Promise.all(config.sources.map((source) => lostLogs(source, checkpoint)));
  return { atSinks: gathered.map((sink) => sink.result()), skipped, lost: lost.flat() };
}

/** Stands for a sink that is only asked about. */
function noSink(name: string): SinkFeed["sink"] {
  return { name, write: async () => [], close: async () => undefined };
}

async function readFiles(
  files: readonly InputFile[],
  source: string,
  config: IngestConfig,
  keys: { readonly id: Buffer; readonly redaction: Buffer },
  gathered: readonly SinkExpectation[],
): Promise<void> {
  const ledger = new Ledger();
  const handler = new LineHandler({
    source,
    outlets: config.sinks.map(({ name, feed, policy }, i) => ({
      to: { sink: noSink(name), feed, ...(policy && { policy }) },
      counter: new SinkCounter(name, ledger),
      add: ({ delivery, offset, countedAs, isOnlyEvidence = false }) => {
        if (countedAs === "lines") {
          gathered[i]?.line(delivery, offset, isOnlyEvidence);
        } else if (countedAs === "salvaged") {
          gathered[i]?.salvage(delivery, offset, isOnlyEvidence);
        } else if (delivery.kind === "event") {
          gathered[i]?.besides(delivery);
        } else if (countedAs === "receipts") {
          gathered[i]?.receipt(JSON.parse(delivery.document.toString("utf8")) as NoiseReceipt);
        }
      },
    })),
    window: new AckWindow(),
    ledger,
    receipts: true,
    // Lines before and behind the acknowledged position must not share a receipt.
    cutAfter: (input, offset) => {
      const ackedTo = files.find((file) => file.input === input)?.ackedTo ?? Infinity;
      return ackedTo > offset ? ackedTo : Infinity;
    },
    quarantine: () => undefined,
    cluster: config.cluster,
    idKey: keys.id,
    redactor: createRedactor({ key: keys.redaction }),
    detections: config.detections,
  });
  for (const { file, input, open, ackedTo } of files) {
    const framer = new LineFramer(handler, {
      ...(config.limits.maxLineBytes !== undefined && { maxLineBytes: config.limits.maxLineBytes }),
    });
    gathered.forEach((sink) => sink.file(file, ackedTo));
    framer.reset(0);
    handler.begin(input, 0);
    for await (const bytes of open()) {
      framer.write(bytes);
    }
    if (ackedTo === Infinity) {
      framer.end();
    }
    handler.finish();
  }
  gathered.forEach((sink) => sink.count(handler.counts().lines));
}

/** Bytes of a source's plain files that are not acknowledged; undefined where it cannot be told. */
export async function unreadBytes(
  source: SourceConfig,
  checkpoint: Checkpoint,
  stateFolder: string,
): Promise<number | undefined> {
  const files = await inputsOf(source, checkpoint, stateFolder);
  if (files === undefined) {
    return undefined;
  }
  const sizes = files.map(async ({ file, ackedTo }) => {
    const isPacked = /\.(?:gz|zst)$/.test(file);
    return isPacked || ackedTo === Infinity ? 0 : Math.max(0, (await stat(file)).size - ackedTo);
  });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** The logs of a source, oldest first; undefined when it cannot be read a second time. */
async function inputsOf(
  source: SourceConfig,
  checkpoint: Checkpoint,
  stateFolder: string,
): Promise<readonly InputFile[] | undefined> {
  if (source.type === "file") {
    const isOne = source.paths.length === 1 && !isPattern(source.paths[0] ?? "");
    const logs = await activeLogs(source.paths);
    const all = logs.map((path) => tailInputs(path, isOne ? source.name : `${source.name}/${path}`, isOne, checkpoint));
    return (await Promise.all(all)).flat();
  }
  if (source.type === "archive") {
    const position = checkpoint.get(`source/${source.name}`);
    const acked = position as { readonly input?: string; readonly offset?: number } | undefined;
    const paths = await expandPatterns(source.paths);
    const current = paths.findIndex((path, i) => `${i}:${path}` === acked?.input);
    return paths.map((path, i) => ({
      file: path,
      input: `${i}:${path}`,
      open: () => openCanonicalLog(path),
      ackedTo: i < current ? Infinity : i === current ? (acked?.offset ?? 0) : 0,
    }));
  }
  if (source.type === "webhook") {
    const released = decodeSpoolPosition(checkpoint.get(`source/${source.name}`));
    const [number, offset] = [released?.number ?? 0, released?.offset ?? 0];
    return (await spoolSegments(source.spoolFolder ?? join(stateFolder, "spool", source.name))).map((segment) => ({
      file: segment.path,
      input: inputOf(segment.number),
      open: () => openLog(segment.path),
      ackedTo: segment.number < number ? Infinity : segment.number === number ? offset : 0,
    }));
  }
  return undefined;
}

async function lostLogs(source: SourceConfig, checkpoint: Checkpoint): Promise<readonly LostLog[]> {
  if (source.type !== "file") {
    return [];
  }
  const isOne = source.paths.length === 1 && !isPattern(source.paths[0] ?? "");
  const logs = isOne ? source.paths : await activeLogs(source.paths);
  return logs.map((file) => ({
    source: source.name,
    file,
    ...lostOf(checkpoint, isOne ? source.name : `${source.name}/${file}`),
  }));
}

async function tailInputs(
  path: string,
  section: string,
  isOne: boolean,
  checkpoint: Checkpoint,
): Promise<readonly InputFile[]> {
  const position = decodePosition(checkpoint.get(`source/${section}`), section);
  const rotated = (await listRotated(path)).map(({ name, plain, gzip }) => ({ name, file: plain ?? gzip ?? name }));
  const hasActive = await stat(path).then(
    () => true,
    () => false,
  );
  const files = [...rotated, ...(hasActive ? [{ name: basename(path), file: path }] : [])];
  const heads = await Promise.all(files.map(({ file }) => headOfArchive(file)));
  const reached =
    position === undefined || position.offset === 0
      ? -1
      : files.findLastIndex((_, i) => beginsLike(heads[i] ?? Buffer.alloc(0), position.head));
  return files.map(({ name, file }, i) => {
    const isKnown = position?.known.includes(name) === true;
    return {
      file,
      input: inputName(isOne ? basename(path) : path, (position?.generation ?? 0) + i - Math.max(reached, 0)),
      open: () => openLog(file),
      ackedTo:
        reached === -1
          ? isKnown
            ? Infinity
            : 0
          : i < reached
            ? Infinity
            : i === reached
              ? (position?.offset ?? 0)
              : 0,
    };
  });
}

/** Gathers what one sink must have. */
class SinkExpectation {
  readonly #sink: string;
  readonly #expected: Expected[] = [];
  readonly #salvaged: Expected[] = [];
  readonly #receipts = new Map<string, { count: number; pending: number; readonly place: Place }>();
  readonly #evidence = new Set<string>();
  #source = "";
  #file = "";
  #ackedTo = 0;
  #lines = 0;
  #dropped = 0;

  constructor(sink: string) {
    this.#sink = sink;
  }

  begin(source: string): void {
    this.#source = source;
  }

  file(file: string, ackedTo: number): void {
    this.#file = file;
    this.#ackedTo = ackedTo;
  }

  line(delivery: Delivery, offset: number, isOnlyEvidence: boolean): void {
    this.#expected.push(this.#wanted(delivery, offset, isOnlyEvidence));
  }

  salvage(delivery: Delivery, offset: number, isOnlyEvidence: boolean): void {
    this.#salvaged.push(this.#wanted(delivery, offset, isOnlyEvidence));
  }

  besides({ id, kind, document }: Delivery): void {
    this.#evidence.add(id).add(contentOf(kind, document));
  }

  receipt(receipt: NoiseReceipt): void {
    const key = receiptKey(receipt);
    const known = this.#receipts.get(key) ?? { count: 0, pending: 0, place: this.#place(receipt.from) };
    this.#receipts.set(key, known);
    this.#dropped += receipt.count;
    if (receipt.from >= this.#ackedTo) {
      known.pending += receipt.count;
    } else {
      known.count += receipt.count;
    }
  }

  count(lines: number): void {
    this.#lines += lines;
  }

  result(): ExpectedAtSink {
    if (this.#lines !== this.#expected.length + this.#dropped) {
      throw new IngestError(
        "unreadable",
        `Cannot reconcile sink "${this.#sink}": the inputs changed while they were read`,
        {
          hint: "Run it again",
        },
      );
    }
    return {
      lines: this.#lines,
      dropped: this.#dropped,
      expected: this.#expected,
      salvaged: this.#salvaged,
      evidence: this.#evidence,
      receipts: this.#receipts,
    };
  }

  #wanted({ id, kind, document, time }: Delivery, offset: number, isOnlyEvidence: boolean): Expected {
    return {
      ...this.#place(offset),
      id,
      kind,
      time,
      content: contentOf(kind, document),
      likeness: likenessOf(kind, document),
      isPending: offset >= this.#ackedTo,
      isOnlyEvidence,
    };
  }

  #place(offset: number): Place {
    return { source: this.#source, file: this.#file, offset };
  }
}
