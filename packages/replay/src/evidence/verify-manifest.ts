import { own } from "@auditsieve/audit";
import type { JsonObject } from "@auditsieve/audit";
import { isAbsolute, join } from "node:path";
import { NO_LINK, readLink } from "./chain.ts";
import type { Link } from "./chain.ts";
import { hashFile } from "./hash-file.ts";

/** A manifest as it stands in a file. */
export interface ReadManifest {
  readonly links: readonly Link[];
  /** What is wrong with the chain, in the order of the lines. */
  readonly problems: readonly string[];
}

/** What was found about one file that a manifest names. */
export interface CheckedFile {
  readonly kind: "input" | "output" | "detection";
  readonly name: string;
  readonly state: "same" | "changed" | "missing" | "unreadable" | "not-checked";
  /** What is wrong, or why it could not be checked. */
  readonly detail?: string;
}

/** The outcome of {@link verifyManifest}. */
export interface VerifiedManifest {
  readonly isProven: boolean;
  readonly replays: number;
  /** Hash of the last line, to compare with one that was kept elsewhere. */
  readonly root: string;
  readonly problems: readonly string[];
  readonly files: readonly CheckedFile[];
}

/** How {@link verifyManifest} checks. */
export interface VerifyOptions {
  /** Folder that relative names are looked up in. */
  readonly base: string;
  /** The hash of the last line, as it was kept elsewhere. */
  readonly root?: string;
  /** Where what came in by standard input was kept, if it was: of one replay, where there are several. */
  readonly standardInput?: string;
  /** Where the data of standard output was kept, if it was: of one replay, where there are several. */
  readonly standardOutput?: string;
}

const STREAMS: ReadonlySet<string> = new Set(["standard input", "standard output"]);

/** Reads a manifest and checks its chain. */
export function readManifest(text: string): ReadManifest {
  const links: Link[] = [];
  const problems: string[] = [];
  const lines = text.split("\n");
  const rest = lines.pop() ?? "";
  if (rest !== "") {
    problems.push(`Line ${lines.length + 1} has no end: the manifest was cut off`);
  }
  let begun = 0;
  let isOpen = false;
  for (const [index, line] of lines.entries()) {
    const read = readLink(line, links.at(-1)?.hash ?? NO_LINK);
    if (!read.ok) {
      // What follows a broken line proves nothing.
      return { links, problems: [...problems, `Line ${index + 1} of the manifest is not sound: ${read.problem}`] };
    }
    const kind = kindOf(read.link);
    if (isOpen !== (kind !== "auditsieve.replay")) {
      problems.push(`Line ${index + 1} of the manifest stands outside a replay, or begins one inside another`);
    }
    isOpen = kind !== "end";
    begun = kind === "auditsieve.replay" ? index : begun;
    if (kind === "end" && own(read.link.record, "records") !== index - begun + 1) {
      problems.push(`Line ${index + 1} of the manifest counts other lines than there are`);
    }
    links.push(read.link);
  }
  if (isOpen) {
    problems.push("The manifest has no end: lines are missing");
  }
  return { links, problems };
}

/**
 * Proves a sealed replay: that the manifest is whole, and that every file it names is what it was.
 *
 * @example
 * const { isProven, files } = await verifyManifest(await readFile("case-17.manifest", "utf8"), { base: "." });
 */
export async function verifyManifest(text: string, options: VerifyOptions): Promise<VerifiedManifest> {
  const { links, problems: broken } = readManifest(text);
  const root = links.at(-1)?.hash ?? NO_LINK;
  const problems = [
    ...broken,
    ...(links.length === 0 && broken.length === 0 ? ["The manifest is empty"] : []),
    ...(options.root === undefined || options.root === root
      ? []
      : [
          `The hash of the last line is ${root}, not the one that was kept: the manifest was made anew, cut or added to`,
        ]),
  ];
  const checked: CheckedFile[] = [];
  for (const link of links) {
    const kind = kindOf(link);
    if (kind === "input" || kind === "output" || kind === "detection") {
      checked.push(await checkFile(kind, link, options));
    }
  }
  const files = checked.map((file) => ofOneReplay(file, checked));
  const isProven = problems.length === 0 && files.every(({ state }) => state === "same" || state === "not-checked");
  return {
    isProven,
    replays: links.filter((link) => kindOf(link) === "auditsieve.replay").length,
    root,
    problems,
    files,
  };
}

async function checkFile(kind: CheckedFile["kind"], { record }: Link, options: VerifyOptions): Promise<CheckedFile> {
  const name = textOf(record, "name");
  const path =
    name === "standard output" ? options.standardOutput : name === "standard input" ? options.standardInput : name;
  if (path === undefined || kind === "detection") {
    const detail = kind === "detection" ? "its hash is on record" : "it was no file; its hash is on record";
    return { kind, name, state: "not-checked", detail };
  }
  try {
    const { bytes, sha256 } = await hashFile(isAbsolute(path) ? path : join(options.base, path));
    const sealed = { bytes: own(record, "bytes"), sha256: own(record, "sha256") };
    return sealed.sha256 === sha256 && sealed.bytes === bytes
      ? { kind, name, state: "same" }
      : {
          kind,
          name,
          state: "changed",
          detail: `sealed with SHA-256 ${textOf(record, "sha256")}, now ${bytes} bytes with ${sha256}`,
        };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    return code === "ENOENT"
      ? { kind, name, state: "missing" }
      : { kind, name, state: "unreadable", detail: String(code ?? error) };
  }
}

/** What is kept of standard input or output is of one replay: where it is the one of another, nothing is known of this one. */
function ofOneReplay(file: CheckedFile, all: readonly CheckedFile[]): CheckedFile {
  const { kind, name, state } = file;
  const isOfAnother =
    STREAMS.has(name) && state === "changed" && all.some((other) => other.name === name && other.state === "same");
  return isOfAnother ? { kind, name, state: "not-checked", detail: "the file given is that of another replay" } : file;
}

function kindOf({ record }: Link): string {
  return textOf(record, "kind");
}

function textOf(record: JsonObject, key: string): string {
  const value = own(record, key);
  return typeof value === "string" ? value : "";
}
