import { stat } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Checkpoint } from "../state/checkpoint.ts";
import type { SourceConfig } from "../config/config-sources.ts";
import type { IngestConfig } from "../config/config.ts";
import { beginsLike, headOfArchive } from "../sources/file-identity.ts";
import { openCanonicalLog } from "../logs/canonical-log.ts";
import { openLog } from "../logs/log-file.ts";
import { activeLogs, expandPatterns, isPattern } from "../sources/log-patterns.ts";
import { listRotated, rotatedSince } from "../sources/rotated-files.ts";
import { lostOf } from "../sources/rotation-watch.ts";
import { sinkMark } from "../config/sink-marks.ts";
import { decodeSpoolPosition, inputOf, spoolSegments } from "../sources/spool.ts";
import { decodePosition, inputName } from "../sources/tail-position.ts";
import { linesToSinks } from "./lines-to-sinks.ts";
import type { Keys } from "./lines-to-sinks.ts";
import type { LostLog } from "./lost-log.ts";
import { SinkExpectation } from "./sink-expectation.ts";
import type { ExpectedAtSink } from "./sink-expectation.ts";

/** Of each file of a source, where each sink began to get it. */
type Since = (file: string) => readonly number[];

/** One log to be read again: all of it is acknowledged up to `ackedTo`. */
interface InputFile {
  readonly file: string;
  readonly input: string;
  readonly open: () => AsyncIterable<Buffer>;
  readonly ackedTo: number;
  /** Rotated before the daemon's first start: it reads none of those. */
  readonly isEarlier?: boolean;
}

/** Reads all inputs again and decides anew what each sink must have: with the same code as the daemon, but never its counters. */
export async function readInputs(
  config: IngestConfig,
  keys: Keys,
  checkpoint: Checkpoint,
): Promise<{
  readonly atSinks: readonly ExpectedAtSink[];
  readonly skipped: readonly string[];
  readonly lost: readonly LostLog[];
}> {
  const gathered = config.sinks.map((sink) => new SinkExpectation(sink.name));
  const skipped: string[] = [...unmarked(config, checkpoint)];
  const lostRecords: LostLog[] = [];
  for (const source of config.sources) {
    if (source.type === "kafka") {
      gathered.forEach((sink) => sink.begin(source.name));
      const { readKafkaInput } = await import("./reconcile-kafka.ts");
      const marks = config.sinks.map((sink) => sinkMark(checkpoint, source.name, sink));
      const read = await readKafkaInput(source, config, keys, gathered, marks);
      skipped.push(...read.notChecked);
      lostRecords.push(...read.lost);
      continue;
    }
    const all = await inputsOf(source, checkpoint, config.stateFolder);
    const files = all?.filter(({ isEarlier }) => isEarlier !== true);
    const earlier = (all?.length ?? 0) - (files?.length ?? 0);
    if (earlier > 0) {
      skipped.push(
        `${earlier} files of source "${source.name}" were rotated before the daemon's first start, which reads none of those`,
      );
    }
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
    const since = await sinceOf(source, files, config, checkpoint);
    await readFiles(files, source.name, config, keys, gathered, since);
  }
  const lost = await Promise.all(config.sources.map((source) => lostLogs(source, checkpoint)));
  return { atSinks: gathered.map((sink) => sink.result()), skipped, lost: [...lost.flat(), ...lostRecords] };
}

async function readFiles(
  files: readonly InputFile[],
  source: string,
  config: IngestConfig,
  keys: Keys,
  gathered: readonly SinkExpectation[],
  since: Since,
): Promise<void> {
  const handler = linesToSinks(source, config, keys, gathered, (input, offset) => {
    const found = files.find((file) => file.input === input);
    const cuts = found === undefined ? [] : [found.ackedTo, ...since(found.file)];
    return Math.min(Infinity, ...cuts.filter((cut) => cut > offset));
  });
  for (const { file, input, open, ackedTo } of files) {
    const begins = since(file);
    gathered.forEach((sink, i) => sink.input({ file, input, ackedTo, since: begins[i] ?? 0 }));
    handler.begin(input, 0);
    const log = handler.read(input, 0);
    for await (const bytes of open()) {
      log.write(bytes);
    }
    if (ackedTo === Infinity) {
      log.end();
    }
    handler.finish();
  }
  gathered.forEach((sink) => sink.count(handler.counts().lines));
}

/** The source's position of then is looked up in the files of now, as that of now is. */
async function sinceOf(
  source: SourceConfig,
  files: readonly InputFile[],
  { sinks, stateFolder }: IngestConfig,
  checkpoint: Checkpoint,
): Promise<Since> {
  const bySink = await Promise.all(
    sinks.map(async (sink): Promise<ReadonlyMap<string, number>> => {
      const mark = sinkMark(checkpoint, source.name, sink);
      const then =
        mark.kind === "never"
          ? files
          : mark.kind === "position"
            ? ((await inputsOf(source, mark.checkpoint, stateFolder)) ?? [])
            : [];
      return new Map(then.map(({ file, ackedTo }) => [file, ackedTo]));
    }),
  );
  return (file) => bySink.map((begins) => begins.get(file) ?? 0);
}

/** Sinks of which the checkpoint does not say since when they get a source, or says that they never did. */
function unmarked({ sources, sinks }: IngestConfig, checkpoint: Checkpoint): readonly string[] {
  const hasRun = ({ name, type }: SourceConfig): boolean =>
    type !== "stdin" && checkpoint.get(`pipeline/${name}`) !== undefined;
  return sources.filter(hasRun).flatMap((source) =>
    sinks.flatMap((sink) => {
      const names = `sink "${sink.name}" gets source "${source.name}"`;
      switch (sinkMark(checkpoint, source.name, sink).kind) {
        case "unknown":
          return [
            `Since when ${names} is not known, as the checkpoint was begun by an earlier version: lines from before count as missing; leave them out with --since`,
          ];
        case "never":
          return [
            `Whether ${names}: the daemon has not run with it as the configuration has it (name, place, feed, policy). Give the one that the daemon runs with`,
          ];
        case "beginning":
        case "position":
        default:
          return [];
      }
    }),
  );
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
  const listed = await listRotated(path);
  const rotated = listed.map(({ name, plain, gzip }) => ({ name, file: plain ?? gzip ?? name }));
  const hasActive = await stat(path).then(
    () => true,
    () => false,
  );
  const files = [...rotated, ...(hasActive ? [{ name: basename(path), file: path }] : [])];
  const heads = await Promise.all(files.map(({ file }) => headOfArchive(file)));
  const { generation = 0, offset = 0, known = [] } = position ?? {};
  const passed = listed.length - rotatedSince(listed, known).length;
  const reached =
    position === undefined || offset === 0
      ? -1
      : files.findLastIndex((_, i) => beginsLike(heads[i] ?? Buffer.alloc(0), position.head));
  // The file of the position, or what comes after it where that is gone.
  const current = reached === -1 ? passed : reached;
  const isGone = reached === -1 && offset > 0;
  return files.map(({ file }, i) => {
    const number = generation + i - current + (isGone && i >= current ? 1 : 0);
    return {
      file,
      input: inputName(isOne ? basename(path) : path, number),
      open: () => openLog(file),
      ackedTo: i < current ? Infinity : i === reached ? offset : 0,
      isEarlier: number < 0,
    };
  });
}
