import { existsSync } from "node:fs";
import { join } from "node:path";
import type { IngestConfig } from "../config/config.ts";
import { IngestError } from "../errors.ts";
import { openCheckpoint } from "../state/checkpoint.ts";
import { stateKey } from "../state/state-keys.ts";
import { readDeadLetters } from "./dead-letters.ts";
import type { LostLog } from "./lost-log.ts";
import { readInputs } from "./reconcile-inputs.ts";
import { readSinkBack } from "./reconcile-sinks.ts";
import type { Discrepancy, ReconciledSink, Reconciliation, ReconcileOptions } from "./reconciliation.ts";
import { SinkComparison } from "./sink-comparison.ts";
import type { Keeping } from "./sink-comparison.ts";

/**
 * Proves conservation without trusting anything that the daemon counted: reads the inputs again, decides anew what each sink
 * must have, and compares that with what sinks and dead letters hold. The checkpoint only says how far the daemon has come.
 * Wants the configuration that the daemon ran with: another policy expects other documents.
 *
 * @example
 * const { discrepancies } = await reconcile(config, { since: "2026-11-24T00:00:00Z" });
 */
export async function reconcile(config: IngestConfig, options: ReconcileOptions = {}): Promise<Reconciliation> {
  const keys = {
    id: config.idKey ?? (await existingKey(config.stateFolder, "id")),
    redaction: config.redactionKey ?? (await existingKey(config.stateFolder, "redaction")),
  };
  const checkpoint = await openCheckpoint(join(config.stateFolder, "checkpoint.json"));
  const letters = await readDeadLetters(join(config.stateFolder, "dead-letter.ndjson"), keys.id);
  const { atSinks, skipped, lost } = await readInputs(config, keys, checkpoint);
  const notChecked = [...skipped];
  const sinks: ReconciledSink[] = [];
  const discrepancies: Discrepancy[] = [...letters.damaged, ...lostOfSources(lost, options)];
  for (const [i, sink] of config.sinks.entries()) {
    const content = await readSinkBack(sink, config.cluster);
    const wanted = atSinks[i];
    if (content === undefined || wanted === undefined) {
      notChecked.push(`Sink "${sink.name}" cannot be read back: ${sink.type}`);
      continue;
    }
    notChecked.push(...content.notChecked);
    const comparison = new SinkComparison(sink.name, KEEPING[sink.type], content, letters.bySink.get(sink.name));
    sinks.push(comparison.run(wanted, options));
    discrepancies.push(...comparison.discrepancies);
  }
  return { sinks, discrepancies, notChecked };
}

const KEEPING: Readonly<Record<IngestConfig["sinks"][number]["type"], Keeping>> = {
  elasticsearch: { hasIds: true, mayRepeat: false, isEach: false },
  kafka: { hasIds: true, mayRepeat: true, isEach: true },
  file: { hasIds: false, mayRepeat: true, isEach: true },
  store: { hasIds: false, mayRepeat: true, isEach: false },
  stdout: { hasIds: false, mayRepeat: true, isEach: true },
};

/** Files that the daemon found gone before it had read them: nothing can show any more what stood in them. */
function lostOfSources(lost: readonly LostLog[], { since }: ReconcileOptions): readonly Discrepancy[] {
  return lost
    .filter(({ files, last }) => files > 0 && (since === undefined || last >= since))
    .map(({ source, file, files, bytes, last, message }) => ({
      kind: "lost",
      severity: "error",
      sink: "every sink",
      source,
      file,
      offset: 0,
      message:
        message ??
        `${files} rotated file(s) were deleted before they were read, the last noticed at ${last}: ${bytes} bytes are lost, as far as known`,
    }));
}

async function existingKey(folder: string, name: "id" | "redaction"): Promise<Buffer> {
  const path = join(folder, `${name}.key`);
  if (!existsSync(path)) {
    throw new IngestError("missing", `Cannot reconcile: "${path}" is missing, and without it no id can be told`, {
      path,
      hint: "Run it where the daemon ran, with the same stateFolder, or give keys in the configuration",
    });
  }
  return (await stateKey(folder, name)).key;
}
