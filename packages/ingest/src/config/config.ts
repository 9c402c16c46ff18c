import { resolve } from "node:path";
import type { KeyObject } from "node:crypto";
import { own, readYaml } from "@auditsieve/audit";
import type { JsonObject, JsonValue, Problem } from "@auditsieve/audit";
import { DetectionEngine, loadDetectionFiles } from "@auditsieve/detect";
import { readCases } from "./config-cases.ts";
import type { IngestCase } from "./config-cases.ts";
import { ConfigReader } from "./config-reader.ts";
import type { ConfigReferences, Locate } from "./config-reader.ts";
import { readSink } from "./config-sinks.ts";
import type { SinkConfig } from "./config-sinks.ts";
import { placesOf, readSource } from "./config-sources.ts";
import type { SourceConfig } from "./config-sources.ts";
import type { ListenAddress } from "../metrics/metrics-server.ts";
import type { PipelineLimits } from "../pipeline/pipeline-limits.ts";
import { readPublicKey } from "../state/sealed-line.ts";

/** A configuration that can be run: everything in it is resolved and checked. */
export interface IngestConfig {
  readonly cluster: string;
  readonly stateFolder: string;
  /** Absent keys are generated in the state folder. */
  readonly redactionKey?: Buffer;
  readonly idKey?: Buffer;
  readonly sources: readonly SourceConfig[];
  readonly sinks: readonly SinkConfig[];
  readonly detections: DetectionEngine;
  readonly limits: Partial<PipelineLimits>;
  /** To whom raw lines over the limit are sealed; without it only their hashes are kept. */
  readonly quarantine?: { readonly recipient: KeyObject; readonly maxBytes?: number };
  /** To whom the documents of dead letters are sealed; without it they are redacted only. */
  readonly deadLetters?: { readonly recipient: KeyObject };
  /** Cases for `ingest test`. */
  readonly tests?: readonly IngestCase[];
  /** Where metrics and health are served; nowhere without it. */
  readonly metrics?: ListenAddress;
}

/** What {@link readConfig} gives. */
export interface ReadConfig {
  /** Undefined when a problem is an error. */
  readonly config: IngestConfig | undefined;
  /** All of them, with line and path, in the order of the file. */
  readonly problems: readonly Problem[];
  /** Where in the text something stands, or what it would stand in: `["sinks", 0, "folder"]`. */
  readonly locate: Locate;
}

/** Of a shorter one nothing would be left. */
const LEAST_LINE_BYTES = 1024;
const LIMITS = [
  "maxBatchBytes",
  "maxBatchItems",
  "maxBatchAgeMs",
  "maxLineBytes",
  "maxInFlightBytes",
  "drainMs",
] as const;

/**
 * Reads the daemon's YAML configuration. Every problem is returned at once. Texts may hold `${ENV_NAME}`; passwords and
 * keys may be `file:<path>`.
 *
 * @example
 * const { config, problems } = readConfig(`
 * cluster: prod
 * stateFolder: /var/lib/auditsieve
 * sources: [{ type: file, path: /var/log/kubernetes/audit.log }]
 * sinks: [{ type: file, folder: /var/lib/auditsieve/store }]`, references);
 */
export function readConfig(text: string, references: ConfigReferences): ReadConfig {
  const { documents, problems: syntax } = readYaml(text);
  const [document, ...others] = documents;
  if (document === undefined || others.length > 0) {
    const message = `Cannot use the configuration: it must be one YAML document, it has ${documents.length}`;
    const count: Problem = { id: "config", severity: "error", message, hint: 'Begin with "cluster: <name>"' };
    return { config: undefined, problems: syntax.length > 0 ? syntax : [count], locate: () => undefined };
  }
  const reader = new ConfigReader(document, references);
  const config = readRoot(reader, document.value, references);
  const problems = [...syntax, ...reader.problems].sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
  const isUsable = problems.every(({ severity }) => severity !== "error");
  return { config: isUsable ? config : undefined, problems, locate: (path) => document.locate(path) };
}

/** Reads the whole document. */
export function readRoot(
  reader: ConfigReader,
  value: JsonValue,
  references: ConfigReferences,
): IngestConfig | undefined {
  const root = reader.object(
    value,
    [],
    [
      "cluster",
      "stateFolder",
      "keys",
      "sources",
      "sinks",
      "detections",
      "exceptions",
      "limits",
      "metrics",
      "quarantine",
      "deadLetters",
      "tests",
    ],
  );
  if (root === undefined) {
    return undefined;
  }
  const cluster = reader.text(root, "cluster", []);
  const stateFolder = reader.text(root, "stateFolder", []);
  const keys = own(root, "keys") === undefined ? {} : reader.object(own(root, "keys"), ["keys"], ["redaction", "id"]);
  const redactionKey = readKey(reader, keys ?? {}, "redaction");
  const idKey = readKey(reader, keys ?? {}, "id");
  const sources = reader.list(root, "sources", []).flatMap((one, i) => readSource(reader, one, i) ?? []);
  const sinks = reader.list(root, "sinks", []).flatMap((one, i) => readSink(reader, one, i, references) ?? []);
  forbidTwice(
    reader,
    "sources",
    "name",
    sources.map(({ name }) => name),
  );
  forbidSamePlace(reader, sources);
  forbidTwice(
    reader,
    "sinks",
    "name",
    sinks.map(({ name }) => name),
  );
  const folders = sinks.map((sink, i) => ("folder" in sink ? resolve(sink.folder) : `${i}`));
  forbidTwice(reader, "sinks", "folder", folders);
  if (stateFolder !== undefined && folders.includes(resolve(stateFolder))) {
    const i = folders.indexOf(resolve(stateFolder));
    const hint = "Give it a folder of its own; it may lie beside the stateFolder or in it";
    reader.problem(["sinks", i, "folder"], `sinks[${i}] has the stateFolder as its folder`, hint);
  }
  const limits = readLimits(reader, own(root, "limits"));
  const metrics = readListen(reader, own(root, "metrics"));
  const quarantine = readQuarantine(reader, own(root, "quarantine"));
  const deadLetters = readDeadLetters(reader, own(root, "deadLetters"));
  const tests = readCases(reader, root, sinks);
  const detections = readDetections(reader, root, references);
  if (cluster === undefined || stateFolder === undefined) {
    return undefined;
  }
  return {
    cluster,
    stateFolder,
    ...(redactionKey && { redactionKey }),
    ...(idKey && { idKey }),
    sources,
    sinks,
    detections,
    limits,
    ...(metrics && { metrics }),
    ...(quarantine && { quarantine }),
    ...(deadLetters && { deadLetters }),
    ...(tests.length > 0 && { tests }),
  };
}

function readKey(reader: ConfigReader, keys: JsonObject, name: "redaction" | "id"): Buffer | undefined {
  const text = reader.secret(keys, name, ["keys"]);
  if (text === undefined) {
    return undefined;
  }
  return text.length >= 32
    ? Buffer.from(text)
    : reader.problem(
        ["keys", name],
        `keys.${name} has ${text.length} characters, fewer than 32`,
        "Make one with: openssl rand -hex 32",
      );
}

function forbidSamePlace(reader: ConfigReader, sources: readonly SourceConfig[]): void {
  const first = new Map<string, number>();
  sources.forEach((source, i) => {
    for (const place of placesOf(source)) {
      const other = first.get(place);
      if (other !== undefined) {
        const [what, hint] =
          place === "-" ? ["input", "Only one source can read it"] : ["path", "Give each its own path"];
        reader.problem(["sources", i], `sources[${i}] has the same ${what} as sources[${other}]`, hint);
      }
      first.set(place, other ?? i);
    }
  });
}

function forbidTwice(reader: ConfigReader, list: string, key: string, values: readonly string[]): void {
  values.forEach((value, i) => {
    if (values.indexOf(value) < i) {
      reader.problem(
        [list, i],
        `${list}[${i}] has the same ${key} as ${list}[${values.indexOf(value)}]`,
        `Give each its own ${key}`,
      );
    }
  });
}

function readLimits(reader: ConfigReader, value: JsonValue | undefined): Partial<PipelineLimits> {
  const limits = value === undefined ? {} : reader.object(value, ["limits"], LIMITS);
  return Object.fromEntries(
    LIMITS.flatMap((key) => {
      const count =
        limits &&
        (key.endsWith("Ms")
          ? reader.wait(limits, key, ["limits"])
          : reader.count(limits, key, ["limits"], key === "maxLineBytes" ? LEAST_LINE_BYTES : 1));
      return count === undefined ? [] : [[key, count]];
    }),
  );
}

function readListen(reader: ConfigReader, value: JsonValue | undefined): ListenAddress | undefined {
  const metrics = value === undefined ? undefined : reader.object(value, ["metrics"], ["listen"]);
  const listen = metrics && reader.text(metrics, "listen", ["metrics"]);
  if (listen === undefined) {
    return undefined;
  }
  const [, host, port] = /^(\[[0-9a-fA-F:]+\]|[^:]+):(\d{1,5})$/.exec(listen) ?? [];
  return host !== undefined && Number(port) < 65_536
    ? { host: host.replace(/^\[|\]$/g, ""), port: Number(port) }
    : reader.problem(["metrics", "listen"], "metrics.listen is no address and port", 'For example "127.0.0.1:9598"');
}

function readQuarantine(reader: ConfigReader, value: JsonValue | undefined): IngestConfig["quarantine"] {
  const at = ["quarantine"];
  const given = value === undefined ? undefined : reader.object(value, at, ["publicKey", "maxBytes"]);
  const pem = given && reader.secret(given, "publicKey", at);
  const maxBytes = given && reader.count(given, "maxBytes", at);
  if (given === undefined) {
    return undefined;
  }
  const recipient = readRecipient(reader, pem, "quarantine");
  return recipient && { recipient, ...(maxBytes !== undefined && { maxBytes }) };
}

function readDeadLetters(reader: ConfigReader, value: JsonValue | undefined): IngestConfig["deadLetters"] {
  const at = ["deadLetters"];
  const given = value === undefined ? undefined : reader.object(value, at, ["publicKey"]);
  const pem = given && reader.secret(given, "publicKey", at);
  const recipient = given && readRecipient(reader, pem, "deadLetters");
  return recipient && { recipient };
}

function readRecipient(
  reader: ConfigReader,
  pem: string | undefined,
  key: "quarantine" | "deadLetters",
): KeyObject | undefined {
  return (
    (pem === undefined ? undefined : readPublicKey(pem)) ??
    reader.problem(
      [key],
      `${key}.publicKey is no X25519 public key in PEM`,
      "openssl genpkey -algorithm X25519 -out private.pem; openssl pkey -in private.pem -pubout -out public.pem; then file:public.pem",
    )
  );
}

function readPaths(
  reader: ConfigReader,
  root: JsonObject,
  key: "detections" | "exceptions",
  hint: string,
): readonly string[] | undefined {
  const value = own(root, key);
  const list: readonly JsonValue[] | undefined = Array.isArray(value) ? value : undefined;
  const paths = list?.filter((one) => typeof one === "string");
  if (value !== undefined && (paths === undefined || paths.length !== list?.length)) {
    reader.problem([key], `${key} must be a list of paths`, hint);
  } else if (paths?.includes("") === true) {
    reader.problem([key], `a path of ${key} is empty`, 'What begins with a ! needs quotes: "!rules/broken.yml"');
  }
  return paths;
}

function readDetections(reader: ConfigReader, root: JsonObject, references: ConfigReferences): DetectionEngine {
  const paths = readPaths(reader, root, "detections", "Leave it out for the shipped detections");
  const tuning = readPaths(reader, root, "exceptions", "Name exceptions files: docs/exceptions.md") ?? [];
  const ready = paths === undefined && tuning.length === 0 ? references.loadedDetections?.() : undefined;
  if (ready !== undefined) {
    return new DetectionEngine(ready);
  }
  try {
    const texts = references.detections(paths);
    const ofFolders = new Set(texts.flatMap(({ file, isOfFolder }) => (isOfFolder === true ? [file] : [])));
    const loaded = loadDetectionFiles(texts, {
      exceptions: tuning.map((file) => ({ file, text: references.readFile(file) })),
    });
    const engine = new DetectionEngine(loaded.detections);
    for (const { file, severity, message, hint, line } of [...loaded.problems, ...engine.linked.problems]) {
      reader.problem(
        [tuning.includes(file) ? "exceptions" : "detections"],
        `${file}${line === undefined ? "" : `:${line}`}: ${message}`,
        severity === "error" && ofFolders.has(file)
          ? `${hint === undefined ? "Mend it" : hint}; or leave the file out: "!${file}" among the detections`
          : hint,
        severity,
      );
    }
    return engine;
  } catch (error) {
    reader.problem(
      ["detections"],
      `the detections or their exceptions cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      "Check the paths",
    );
    return new DetectionEngine([]);
  }
}
