import { readFile, open } from "node:fs/promises";
import type { JsonObject } from "@auditsieve/audit";
import { linkRecord, NO_LINK, writeLink } from "./chain.ts";
import type { Link } from "./chain.ts";
import type { Digest } from "./hash-file.ts";
import { readManifest } from "./verify-manifest.ts";

/** A file of a sealed replay. */
export interface SealedFile extends Digest {
  /** As it was named; `standard input` and `standard output` are no files. */
  readonly name: string;
  readonly problem?: string;
}

/** What a sealed replay was. */
export interface SealedReplay {
  readonly tool: { readonly name: string; readonly version: string };
  readonly time: string;
  readonly options: JsonObject;
  /** Detections by file, with the hash of each. */
  readonly detections: readonly SealedFile[];
  readonly inputs: readonly SealedFile[];
  readonly outputs: readonly SealedFile[];
  /** What was found, in numbers. */
  readonly summary: JsonObject;
}

/**
 * Appends a replay to a manifest, one record a line, each tied to the line before it by its hash; a file that holds no whole
 * manifest is refused. Gives the hash of the last line: who keeps it elsewhere proves that the manifest was not made anew.
 *
 * @example
 * const root = await sealReplay("case-17.manifest", replay);
 */
export async function sealReplay(path: string, replay: SealedReplay): Promise<string> {
  const links = linksOf(replay, await lastHash(path));
  const file = await open(path, "a", 0o600);
  try {
    const { size } = await file.stat();
    try {
      await file.writeFile(links.map(writeLink).join(""));
      await file.sync();
    } catch (error) {
      // A manifest that was cut off proves nothing any more, not even what stood in it before.
      await file.truncate(size).catch(() => {});
      throw error;
    }
  } finally {
    await file.close();
  }
  return links.at(-1)?.hash ?? NO_LINK;
}

/** Throws if a replay cannot be added to this file: there is none, or it holds a sound manifest. */
export async function checkManifest(path: string): Promise<void> {
  await lastHash(path);
}

/** What the next replay follows on. */
async function lastHash(path: string): Promise<string> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") {
      return "";
    }
    throw error;
  });
  const { links, problems } = readManifest(text);
  const [problem] = problems;
  if (problem !== undefined) {
    throw new ManifestError(problem);
  }
  return links.at(-1)?.hash ?? NO_LINK;
}

/** A file that is no manifest, or no whole one. */
export class ManifestError extends Error {
  override readonly name = "ManifestError";
}

/** The end counts the lines: a manifest that was cut off has none. */
function linksOf(
  { tool, time, options, detections, inputs, outputs, summary }: SealedReplay,
  previous: string,
): readonly Link[] {
  const begin = { kind: "auditsieve.replay", format: 1, tool, time, options };
  const records: JsonObject[] = [
    begin,
    ...fileRecords("detection", detections),
    ...fileRecords("input", inputs),
    ...fileRecords("output", outputs),
  ];
  records.push({ kind: "end", records: records.length + 1, summary });
  const links: Link[] = [];
  for (const record of records) {
    links.push(linkRecord(record, links.at(-1)?.hash ?? previous));
  }
  return links;
}

function fileRecords(kind: string, files: readonly SealedFile[]): readonly JsonObject[] {
  return files.map((file) => ({ kind, ...file }));
}
