import { readYaml } from "@auditsieve/audit";
import { prepareDetections, revivedDetections } from "@auditsieve/detect";
import type { Detection, PreparedDetection } from "@auditsieve/detect";
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import { readDetectionTexts } from "./shipped.ts";
import { PROFILES } from "./shipped-files.ts";

/** What scripts/build-start.mjs writes beside the bundled command. */
interface PreparedFile {
  /** Names of the texts that the detections were made of, with how many bytes each has. */
  readonly texts: readonly (readonly [name: string, bytes: number])[];
  readonly detections: readonly PreparedDetection[];
}

/** Made with the bundle, of the same sources; there is none beside those. */
const FILE = new URL("start-detections.json", import.meta.url);

/**
 * The shipped detections as the build has prepared them; undefined where it has not, or where a text of theirs is not the one that
 * it was made of, byte for byte.
 */
export function preparedDetections(file: string | URL = FILE): readonly Detection[] | undefined {
  if (!existsSync(file)) {
    return undefined;
  }
  const bytes = readFileSync(file);
  const end = bytes.indexOf("\n");
  const { texts, detections } = JSON.parse(bytes.toString("latin1", 0, end)) as PreparedFile;
  return areShipped(texts, bytes.subarray(end + 1)) ? revivedDetections(detections) : undefined;
}

/** The file that {@link preparedDetections} reads: a line of JSON, and the texts that it was made of. */
export function preparedText(): string {
  const sources = readDetectionTexts().map(({ file, text, documents }) => ({
    file,
    documents: documents ?? readYaml(text).documents.map(({ value }) => value),
  }));
  const texts = namesOfShipped().map((name) => [name, readFileSync(join(DETECTIONS, name), "utf8")] as const);
  const prepared: PreparedFile = {
    texts: texts.map(([name, text]) => [name, Buffer.byteLength(text)]),
    detections: prepareDetections(sources),
  };
  return `${inAscii(JSON.stringify(prepared))}\n${texts.map(([, text]) => text).join("")}`;
}

/** One letter of another kind would have V8 hold all with two bytes a letter, and read it in twice the time. */
function inAscii(json: string): string {
  return json.replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Whether the shipped texts are these and no others. Hashing them would load Node's cryptography, which takes longer than all of this. */
function areShipped(texts: PreparedFile["texts"], bytes: Buffer): boolean {
  const names = namesOfShipped();
  if (names.length !== texts.length) {
    return false;
  }
  // All in a row, so that one comparison does: a byte more is asked of each, which the next one overwrites.
  const room = Buffer.allocUnsafe(bytes.length + 1);
  let from = 0;
  return (
    texts.every(([name, length], index) => {
      const start = from;
      from += length;
      return name === names[index] && from <= bytes.length && readInto(room, start, length + 1, name) === length;
    }) && bytes.equals(room.subarray(0, from))
  );
}

/** How many bytes of the text are in the room now. */
function readInto(room: Buffer, from: number, most: number, name: string): number {
  // Not joined: Node looks at each letter of a path then, 300 times, until V8 thinks that worth compiling.
  const descriptor = openSync(`${DETECTIONS}/${name}`, "r");
  try {
    return readSync(descriptor, room, from, most, null);
  } finally {
    closeSync(descriptor);
  }
}

const DETECTIONS = join(PROFILES, "detections");

/** Of all texts of detections. Node's own recursion loads twenty modules. */
function namesOfShipped(folder = ""): readonly string[] {
  const entries = readdirSync(`${DETECTIONS}/${folder}`, { withFileTypes: true });
  return entries
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const name = folder === "" ? entry.name : `${folder}/${entry.name}`;
      return entry.isDirectory() ? namesOfShipped(name) : name.endsWith(".yml") ? [name] : [];
    });
}
