import { checkSink, createLogger, createSink } from "@auditsieve/ingest";
import type { Delivery, IngestConfig, Sink, SinkConfig } from "@auditsieve/ingest";
import { safeText } from "@auditsieve/detect/safe-text";
import { findingJson } from "@auditsieve/detect";
import type { Finding } from "@auditsieve/detect";
import { EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { Failure } from "../failure.ts";
import { loadConfig } from "../load-config.ts";
import { say } from "../output.ts";
import { count } from "../table.ts";

/** Where findings are sent: the daemon's own configuration, and one of its sinks. */
export interface SendTarget {
  readonly config: IngestConfig;
  readonly sink: SinkConfig;
}

const BATCH = 500;
const SHOWN = 5;

/** The Elasticsearch sink of a configuration, by name if there are several; problems, that it is not reached too, are said before a log is read. */
export async function sendTarget(file: string | undefined, name: string | undefined): Promise<SendTarget> {
  if (file === undefined) {
    throw new Failure("Cannot send findings to Elasticsearch: no configuration was named", {
      hint: "--config auditsieve.yaml, as of `auditsieve ingest`: its sinks say where and with which credentials",
    });
  }
  const config = await loadConfig(file);
  if (config === undefined) {
    throw new Failure(`Cannot use the configuration "${file}"`, { hint: "Its problems are said above" });
  }
  const known = config.sinks.filter(({ type }) => type === "elasticsearch");
  const sinks = known.filter((sink) => name === undefined || sink.name === name);
  const [sink, ...others] = sinks;
  if (sink === undefined || others.length > 0) {
    throw new Failure(
      `Cannot choose a sink of "${file}": ${sinks.length} of type elasticsearch${name === undefined ? "" : ` are called "${name}"`}`,
      {
        hint:
          known.length === 0
            ? "Add one to its sinks"
            : `Name one with --sink: ${known.map((one) => safeText(one.name)).join(", ")}`,
      },
    );
  }
  await checkSink(sink, config.cluster);
  return { config, sink };
}

/** Sends findings; a finding that the daemon has sent already is the same document. */
export async function sendFindings(
  { config, sink: wanted }: SendTarget,
  findings: Iterable<Finding>,
): Promise<ExitCode> {
  const logger = createLogger({ destination: process.stderr, level: "warn" });
  const sink = await createSink(wanted, { cluster: config.cluster, logger });
  try {
    let refused = 0;
    let sent = 0;
    for (const batch of batches(findings)) {
      refused += await sendBatch(sink, batch, refused);
      sent += batch.length;
    }
    say(`auditsieve: ${count(sent - refused)} findings are in sink "${safeText(wanted.name)}"`);
    return refused === 0 ? EXIT.fine : EXIT.failed;
  } finally {
    await sink.close();
  }
}

function* batches(findings: Iterable<Finding>): Generator<readonly Delivery[], void> {
  let batch: Delivery[] = [];
  for (const finding of findings) {
    batch.push(deliveryOf(finding));
    if (batch.length === BATCH) {
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) {
    yield batch;
  }
}

function deliveryOf(finding: Finding): Delivery {
  const document = Buffer.from(findingJson(finding));
  return { id: finding.id, kind: "finding", document, time: finding.time, mayBeStored: true };
}

async function sendBatch(sink: Sink, batch: readonly Delivery[], refusedBefore: number): Promise<number> {
  const results = await sink.write(batch, new AbortController().signal);
  let refused = 0;
  for (const [i, result] of results.entries()) {
    if (result.status === "refused") {
      refused++;
      if (refusedBefore + refused <= SHOWN) {
        say(`auditsieve: Cannot store finding ${batch[i]?.id}: ${safeText(result.detail ?? result.reason, 500)}`);
      }
    }
  }
  return refused;
}
