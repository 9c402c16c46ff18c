import { EVENT_KEYS, FINDING_KEY } from "./envelope/list-keys.ts";
import { isJsonObject, parsedJson } from "./json/json.ts";
import type { JsonValue } from "./json/json.ts";
import type { EventScan } from "./scan.ts";

/** More of a line is not looked at. */
const MOST_BYTES = 256 * 1024;
const MOST_VALUES = 10_000;
const MOST_DEPTH = 8;
/** So many lines of those that are no events are told of, and a few more. */
const MOST_HINTS = 8;
/** Keys that may stand in a command: a log must not choose what a person is told to run. */
const SAFE_KEY = /^[A-Za-z_@][\w@.-]{0,63}$/;
const SIMPLE_KEY = /^[A-Za-z_]\w*$/;
const EVENT = '{"kind":"Event","apiVersion":"audit.k8s.io/';
/** Text of one line without a bracket: no NUL of a crash, and no torn event. */
const PREFIX = /^[\t\u0020-\u007A\u007C-\uFFFF]*$/;
const FINDING_START = `"${FINDING_KEY}":{"id":`;
/** How terminals are told of colours. */
// oxlint-disable-next-line no-control-regex -- these are what is looked for
const COLOUR = /\u001B\[[0-9;]*[mK]/;
/** How container runtimes begin each line of a container's log; P: it goes on with the next one. */
const CONTAINER_LINE = /^\S{20,40} (?:stdout|stderr) [FP] \{/;
const CONTAINER_CURE = `awk '{f=$3; sub(/^[^ ]+ [^ ]+ [^ ]+ /,""); printf "%s%s",$0,(f=="P"?"":"\\n")}'`;
const CSV_CURE = `python3 -c 'import csv,sys; csv.field_size_limit(10**9); [print(c) for r in csv.reader(sys.stdin) for c in r if c.startswith("{")]'`;

/**
 * How to take the events out of what the line looks to be wrapped in, which `scan` has just called undecidable: a log shipper's, a search
 * engine's, a container runtime's. Undefined where it looks like nothing known. For the first few lines that are told of: it may parse the
 * line. Nothing of the line but plain keys is in it.
 *
 * @example
 * const scan = new EventScan();
 * const line = Buffer.from('{"_source":{"auditID":"1","stage":"Panic","verb":"get"}}');
 * scan.scan(line, 0, line.length);
 * assert.match(wrapperHint(scan) ?? "", /jq -c '\._source'/);
 */
export function wrapperHint(scan: EventScan): string | undefined {
  const { bytes, start, end } = scan;
  const packed = packedHint(scan);
  if (packed !== undefined) {
    return packed;
  }
  const text = bytes.toString("utf8", start, Math.min(end, start + MOST_BYTES)).trim();
  if (CONTAINER_LINE.test(text)) {
    return cure("It is the log of a container, as its runtime keeps it", CONTAINER_CURE);
  }
  const at = text.indexOf(EVENT);
  if (text.startsWith("\u001E")) {
    return cure("Each line begins with a record separator", "tr -d '\\036'");
  }
  if (at > 0 && PREFIX.test(text.slice(0, at))) {
    return cure("Something stands before the event on its line", "sed 's/^[^{]*//'");
  }
  if (COLOUR.test(text) && text.includes("auditID")) {
    return cure("The log is coloured for a terminal", String.raw`sed 's/\x1b\[[0-9;]*[mK]//g'`);
  }
  if (text.endsWith("},") && isEvent(text.slice(0, -1))) {
    return cure("It is a line of a list, with a comma behind the event", "sed 's/,$//'");
  }
  if (text.includes('""auditID""') && text.includes('""kind""')) {
    return cure("It is a table (CSV)", CSV_CURE);
  }
  if (text.startsWith("H4sI")) {
    return cure("It is an archive in base64", "base64 -d");
  }
  if (/^<(?:!doctype|html|\?xml)/i.test(text)) {
    return "It is a web page or XML: perhaps what was downloaded is not the log but a request to sign in";
  }
  if (isFinding(text)) {
    return "It is a finding of auditsieve: name the log that it was found in, its events stand there; with a log beside it, leave its file out";
  }
  const path = pathOf(text);
  return path && cure("The event stands in a document of another program", `jq ${path.option} '${path.text}'`);
}

/** How the parts of archives begin; no text has such bytes. */
const PARTS = [
  { format: "gzip", magic: Buffer.of(0x1f, 0x8b, 0x08) },
  { format: "zstd", magic: Buffer.of(0x28, 0xb5, 0x2f, 0xfd) },
] as const;

function packedHint({ bytes, start, end }: EventScan): string | undefined {
  const line = bytes.subarray(start, end);
  const part = PARTS.find(({ magic }) => line.includes(magic));
  return (
    part &&
    `An archive (${part.format}) stands among the lines, and is not unpacked here: write what begins with this line into a file of its own (tail -c +N; N is the offset and one) and read that`
  );
}

/** {@link wrapperHint} of the first few lines: a log in which no line is an event is not parsed for it. Of an archive among the lines always. */
export class WrapperHints {
  #left = MOST_HINTS;

  /** Of the line that `scan` has just called undecidable. */
  next(scan: EventScan): string | undefined {
    return this.#left-- > 0 ? wrapperHint(scan) : packedHint(scan);
  }
}

function isFinding(text: string): boolean {
  const value = text.includes(FINDING_START) ? parsedJson(text) : undefined;
  return isJsonObject(value) && FINDING_KEY in value && "auditIDs" in value;
}

function isEvent(text: string): boolean {
  return isEventLike(parsedJson(text));
}

function isEventLike(value: JsonValue | undefined): boolean {
  return isJsonObject(value) && Object.keys(value).filter((key) => EVENT_KEYS.has(key)).length > 1;
}

function cure(what: string, command: string): string {
  return `${what}: pipe the log through ${command}`;
}

/** A value in a document, and how jq comes to it. */
interface Inside {
  readonly value: JsonValue;
  readonly path: string;
  readonly depth: number;
}

/** Where the event stands in a JSON text, as jq is told it. */
function pathOf(text: string): { readonly option: "-c" | "-r" | "-j"; readonly text: string } | undefined {
  const waiting: Inside[] = [{ value: parsedJson(text) ?? null, path: "", depth: 0 }];
  // It grows while it is gone through.
  for (const inside of waiting) {
    const { value, path } = inside;
    if (typeof value === "string" && /^\s*\{/.test(value) && value.includes('"auditID"')) {
      // What brings its line break along, or goes on in the next document, is joined as it is.
      return { option: value.endsWith("}") ? "-r" : "-j", text: path || "." };
    }
    if (isEventLike(value)) {
      return path === "" ? undefined : { option: "-c", text: path };
    }
    addMembers(waiting, inside);
  }
  return undefined;
}

function addMembers(waiting: Inside[], { value, path, depth }: Inside): void {
  if (depth === MOST_DEPTH) {
    return;
  }
  for (const [step, inner] of stepsInto(value)) {
    if (waiting.length >= MOST_VALUES) {
      return;
    }
    const from = path === "" && !step.startsWith(".") ? "." : path;
    waiting.push({ value: inner, path: `${from}${step}`, depth: depth + 1 });
  }
}

function* stepsInto(value: JsonValue): Generator<readonly [string, JsonValue], void> {
  if (Array.isArray(value)) {
    const isPair = [2, 3].includes(value.length) && value.every((each) => typeof each === "string");
    for (const [i, inner] of (value as readonly JsonValue[]).entries()) {
      // Of a list of one kind all; of a pair, such as a time and a line, the one.
      yield [isPair ? `[${i}]` : "[]", inner];
    }
  } else if (isJsonObject(value)) {
    for (const key of Object.keys(value)) {
      if (SAFE_KEY.test(key)) {
        yield [SIMPLE_KEY.test(key) ? `.${key}` : `["${key}"]`, value[key] as JsonValue];
      }
    }
  }
}
