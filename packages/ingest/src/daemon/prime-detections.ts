import { join } from "node:path";
import type { Readable } from "node:stream";
import { createRedactor, isJsonObject, readEventLines } from "@auditsieve/audit";
import type { EventLines, OversizeLine } from "@auditsieve/audit";
import { openCheckpoint } from "../state/checkpoint.ts";
import type { Checkpoint } from "../state/checkpoint.ts";
import type { IngestConfig } from "../config/config.ts";
import { encodeState, openDetectionState } from "../state/detection-state.ts";
import { fileError, IngestError } from "../errors.ts";
import type { EvidenceEvent } from "../lines/evidence-event.ts";
import { LineDeliveries } from "../lines/line-deliveries.ts";
import { LineDetections } from "../detections/line-detections.ts";
import { LineTail, reducedEvent } from "../detections/reduced-event.ts";
import { scanHead } from "../detections/scan-head.ts";
import { openCanonicalLog } from "../logs/canonical-log.ts";
import { lockState } from "../state/state-lock.ts";
import { makeFolder } from "../state/make-folder.ts";

/** Options of {@link primeDetections}. */
export interface PrimeOptions {
  /** Told how many bytes were read. */
  readonly onBytes?: (bytes: number) => void;
}

/** What was read of the old logs. */
export interface Primed {
  readonly lines: number;
  readonly undecidable: number;
  /** Sources whose detections begin with what was learned. */
  readonly sources: readonly string[];
}

/**
 * Teaches the detections from old logs (plain, gzip, zstd, any envelope; in the order of their time) what is not new any more:
 * values for first-seen detections, pods, grants, credentials. Nothing is found or delivered, and what correlations count is not
 * kept. Written only when all logs were read and held an event; the daemon then starts with it. Rejects where a source remembers something already.
 *
 * @example
 * const { lines } = await primeDetections(config, ["audit-2026-11-01.log.gz", "audit-2026-11-02.log.gz"]);
 */
export async function primeDetections(
  config: IngestConfig,
  logs: readonly (string | Readable)[],
  { onBytes }: PrimeOptions = {},
): Promise<Primed> {
  const { stateFolder } = config;
  await makeFolder(stateFolder).catch((error: unknown) => {
    throw fileError("create state folder", stateFolder, error);
  });
  const lock = await lockState(stateFolder);
  try {
    const checkpoint = await openCheckpoint(join(stateFolder, "checkpoint.json"));
    const names = config.sources.flatMap(({ name, type }) => (type === "stdin" ? [] : [name]));
    refuseKnown(names, checkpoint);
    const learner = new Learner(config);
    for (const log of logs) {
      await learnFrom(log, learner, onBytes);
    }
    const { lines, undecidable } = learner;
    if (learner.events === 0) {
      throw new IngestError(
        "unreadable",
        `Cannot prime the detections: none of ${lines} ${lines === 1 ? "line" : "lines"} is an audit event`,
        { hint: "Name audit logs of this cluster. Nothing was learned" },
      );
    }
    await keep(config, names, checkpoint, learner);
    return { lines, undecidable, sources: names };
  } finally {
    await lock.release();
  }
}

async function learnFrom(log: string | Readable, learner: Learner, onBytes: PrimeOptions["onBytes"]): Promise<void> {
  try {
    for await (const bytes of openCanonicalLog(log)) {
      learner.write(bytes);
      onBytes?.(bytes.length);
    }
  } catch (error) {
    if (!(error instanceof IngestError)) {
      throw error;
    }
    const { code, message, path, cause } = error;
    throw new IngestError(code, message, {
      hint: "Nothing was learned: name whole logs, and files one by one",
      cause,
      ...(path !== undefined && { path }),
    });
  }
  learner.end();
}

function refuseKnown(names: readonly string[], checkpoint: Checkpoint): void {
  const known = names.filter((name) => {
    const saved = checkpoint.get(`pipeline/${name}`);
    return isJsonObject(saved) && saved["detections"] !== undefined;
  });
  if (names.length === 0 || known.length > 0) {
    throw new IngestError(
      "unreadable",
      names.length === 0
        ? "Cannot prime the detections: the configuration has no source that keeps what they remember"
        : `Cannot prime the detections: those of source ${known.map((name) => `"${name}"`).join(", ")} remember something already, and older events after newer ones would mislead them`,
      { hint: "Prime before the first start, or move the state folder away; standard input keeps nothing" },
    );
  }
}

async function keep(
  { stateFolder }: IngestConfig,
  names: readonly string[],
  checkpoint: Checkpoint,
  learner: Learner,
): Promise<void> {
  const learned = encodeState({ detections: learner.learned(), read: {} });
  if (learned === undefined) {
    throw new IngestError("unreadable", "Cannot prime the detections: what they would remember is too large", {
      hint: "Prime from fewer logs",
    });
  }
  for (const name of names) {
    const state = await openDetectionState(stateFolder, name, undefined);
    await state.write(learned);
    const saved = checkpoint.get(`pipeline/${name}`);
    const { reference } = state;
    checkpoint.put(`pipeline/${name}`, {
      ...(isJsonObject(saved) ? saved : {}),
      ...(reference !== undefined && { detections: reference }),
    });
  }
  await checkpoint.save();
}

/** Shows lines to the detections as the daemon does, and nothing else. */
class Learner {
  lines = 0;
  undecidable = 0;
  /** Those that were decidable, and what was salvaged of others. */
  events = 0;
  readonly #log: EventLines;
  readonly #tail = new LineTail();
  readonly #head: ReturnType<typeof scanHead>;
  readonly #evidence = new Map<string, EvidenceEvent>();
  readonly #detections: LineDetections;
  readonly #deliveries: LineDeliveries;

  constructor({ detections, limits: { maxLineBytes }, redactionKey }: IngestConfig) {
    // Redacts only what would be found, which nobody sees.
    const redactor = createRedactor({ key: redactionKey ?? Buffer.alloc(32) });
    this.#detections = new LineDetections({ engine: detections, redactor, evidence: this.#evidence });
    this.#deliveries = new LineDeliveries({ source: "", redactor });
    this.#log = readEventLines(
      {
        event: () => {
          this.lines++;
          this.#learn();
        },
        undecidable: () => {
          this.lines++;
          this.undecidable++;
        },
        salvaged: () => this.#learn(),
        oversize: (line) => this.#oversize(line),
        oversizePart: (bytes, start, end) => this.#tail.push(bytes, start, end),
      },
      { maxLineBytes },
    );
    this.#head = scanHead(this.#log.scan);
  }

  write(bytes: Buffer): void {
    this.#log.write(bytes);
  }

  /** A log has ended. */
  end(): void {
    this.#log.end();
    this.#log.reset();
  }

  learned(): Iterable<string> {
    this.#detections.flush();
    return this.#detections.learnedParts();
  }

  #oversize(line: OversizeLine): void {
    this.lines++;
    const event = reducedEvent(line, this.#tail.take());
    if (event !== undefined && this.#log.scan.scan(event, 0, event.length)) {
      this.#learn();
    } else {
      this.undecidable++;
    }
  }

  /** Takes the event that the scan holds. */
  #learn(): void {
    this.events++;
    const { scan } = this.#log;
    const event = scan.bytes.subarray(scan.start, scan.end);
    this.#detections.detect({
      scan,
      head: this.#head,
      bytes: () => event,
      copy: () => Buffer.from(event),
      identity: () => "",
      deliveries: this.#deliveries,
    });
    this.#evidence.clear();
  }
}
