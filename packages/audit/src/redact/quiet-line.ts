import { NEEDLE_BITS, NEEDLES, SCAN, SCAN_BYTES, sharedEngine } from "../scan-wasm/engine.ts";
import type { Engine } from "../scan-wasm/engine.ts";
import type { Edit } from "../splice.ts";
import type { Span } from "../templates/decided-by.ts";
import { slotOf } from "../scan.ts";
import type { EventScan } from "../scan.ts";
import type { NameTest } from "./credential-name.ts";
import * as field from "./field.ts";
import { KnownCopies } from "./known-copies.ts";
import type { Secret } from "./known-copies.ts";
import { byteText } from "./mapped-text.ts";
import { NAME_SETS, NEEDLE_BITS_BYTES, NEEDLES_BYTES, TOKEN_SET, URL_SET, writeNeedles } from "./needles.ts";
import { QuietUri } from "./quiet-uri.ts";
import { TellingValues } from "./telling-value.ts";
import type { SearchedLine } from "./telling-value.ts";
import { isAboutTokens, isOfSecrets, secretBodies } from "./secret-bodies.ts";
import type { SecretBodies } from "./secret-bodies.ts";
import { mayHoldUrlCredential } from "./text-credentials.ts";

/** Of which lines nothing has to be redacted if nothing is found in them by the search in the engine. */
export interface QuietHeads {
  /** Has the engine know what to look for: to be called before lines are searched, when others may have looked for something else. */
  prepare(): void;
  /**
   * The parts of the URI of the event in `scan` that must stay as they are, together with its path but for the object's name, with
   * all but digits of its query, and with `objectRef.resource` and `.subresource`; undefined where a line with such a head may have
   * to be redacted.
   */
  about(scan: EventScan): readonly Span[] | undefined;
  /**
   * The same where the bodies of such an event, or a message of its answer, may have to be redacted, but this one has neither: it holds for lines
   * that are like the one in `scan` as a whole.
   */
  aboutWhole(scan: EventScan): readonly Span[] | undefined;
  /**
   * What has to be replaced in the event in `[start, end)` of the engine's memory, counted from its beginning, which has such a head but in which
   * something was found; undefined where that cannot be told without reading it as a whole.
   */
  edits(start: number, end: number): readonly Edit[] | undefined;
}

/** What makes a suspect one that the walk must look at, whatever it is about. */
const SHAPE = new RegExp(
  [
    /(?<=[Aa][Uu][Tt][Hh][Oo])[Rr][Ii][Zz][Aa][Tt][Ii][Oo][Nn][^."]/,
    /(?<="S)ecret/,
    // A token's first part and the dot behind it; of how long a part may be nothing is known.
    /eyJ(?:[\w-]{0,2000}\.|[\w-]{2001})/,
    /[:,[ \t\r\n]"(?:[ {[]|\\[nrtf])/,
    /(?<=github_p)at_/,
    /(?<=Z)XlK/,
    /(?<=s)ha256~/,
    /(?<=PRIVATE )KEY/,
    /(?<=g)h[opsru]_/,
    /xox[abeoprs]-/,
    /(?<=h)vs\./,
    /(?<=g)lpat-/,
    /[Bb][Ee][Aa][Rr][Ee][Rr]/,
    /\\\//,
    /(?<=LS0t)LS1CRUdJTi/,
    /(?<=[Bb])[Aa][Ss][Ii][Cc][ \\]/,
    /\\u00(?!26|3[CcEe])/,
  ]
    .map(({ source }) => source)
    .join("|"),
  "y",
);
/** `ken` or `bea` before the dot of a bootstrap token, and how near at most: half as far again where all that may be escaped is. */
const BOOTSTRAP = /(?:(?<=[Tt][Oo])[Kk][Ee][Nn]|[Bb][Ee][Aa][Rr][Ee][Rr])[^]{0,96}?\.[a-z0-9]{16}/y;
const MEANINGFUL: ReadonlySet<number> = new Set([
  field.VALUE,
  field.STRING_DATA,
  field.WHOLE,
  field.CREDENTIAL,
  field.ARGUMENTS,
]);
/** Longer than any name that means something. */
const LONGEST_NAME = 64;
/** As many characters behind a suspect tell whether it is a shape. */
const LONGEST_SHAPE = 2048;
const SHORT_LINE = 4096;
/** Behind the quote and the S. */
const SECRET = 'ecret"';
/** One or a list of them. */
const SECRETS = "ecret";
const STRINGS_ONLY = /^\{"[\w.$-]+":"[^"\\{}[\]]*"(?:,"[\w.$-]+":"[^"\\{}[\]]*")*\}$/;
const NAME_OF_STRING = /[{,]"([\w.$-]+)":"/g;
const REFERRING: ReadonlySet<number> = new Set([field.PLAIN, field.KIND, field.NAME]);
const NOTHING = 0xffff_ffff;
const NO_SECRETS: readonly Secret[] = [];
const QUOTE = '"';
const URI = slotOf("requestURI");
const RESOURCE = slotOf("objectRef.resource");
const STATUS = slotOf("responseStatus");
const ANNOTATIONS = slotOf("annotations");
const MESSAGE = /message|\\/i;
/** Escapes that spell another letter, and texts that may be JSON, are found by the search as well. */
const DATA = /"data"/i;
const EMPTY = "{}";
/** Without what is empty: an object in which nothing stands but texts and numbers. */
const FLAT = /^\{[^{}[\]]*\}$/;
const PLAIN_RESOURCE = 1;
const PLAIN_URI = 2;
/** Whose needles the engine looks for: there is one for all. */
let loaded: Buffer | undefined;
/** Behind a key; the end stands for more blanks than were cut out with it. */
const COLON = /\s*(?::|$)/y;

/**
 * Proves of most events that there is nothing to redact. The proof is by absence: every replacement that `EventWalk` can find needs one
 * of some byte sequences in the line (the name of a field that may hold a credential, the beginning of a shape, a mark of secrets, an
 * escape that may hide a letter), or stands in a request URI that is looked at as there. Of some names
 * what the walk makes of their values can be told at once ({@link TellingValues}). What cannot be proven is left to the walk.
 */
export class QuietLine implements Omit<QuietHeads, "edits"> {
  /** Those of the lines that were searched; their numbers hold until it is prepared anew. */
  readonly copies: KnownCopies = new KnownCopies();
  readonly #fields: field.FieldTable;
  readonly #engine: Engine;
  readonly #uris: QuietUri;
  readonly #values: TellingValues;
  readonly #needles = Buffer.alloc(NEEDLES_BYTES);
  readonly #bits = Buffer.alloc(NEEDLE_BITS_BYTES);

  /** `extraNames`: names of `fields` beside the built-in ones; ASCII only. */
  constructor(fields: field.FieldTable, isName: NameTest, extraNames: readonly string[] = []) {
    this.#fields = fields;
    this.#uris = new QuietUri(isName);
    this.#values = new TellingValues(isName);
    this.#engine = sharedEngine();
    writeNeedles(this.#needles, this.#bits, extraNames);
  }

  /**
   * The strings in the event that `scan` holds which are all that has to be redacted, each as a whole, without their quotes and counted
   * from where the event begins: none for most events. Undefined where that cannot be told.
   */
  secrets(scan: EventScan): readonly Secret[] | undefined {
    const { bytes, start, end } = scan;
    if (end - start > SCAN_BYTES) {
      return undefined;
    }
    this.prepare();
    const { memory, exports } = this.#engine;
    if (!this.#engine.holds(scan)) {
      bytes.copy(memory, SCAN, start, end);
      memory[SCAN + end - start] = 0;
      this.#engine.loaded(scan);
    }
    const resourceEnd = scan.slotEnd(RESOURCE);
    const plain = exports.plainHead(
      scan.slotStart(URI) - start,
      scan.slotEnd(URI) - start,
      resourceEnd === 0 ? 0 : scan.slotStart(RESOURCE) - start,
      resourceEnd === 0 ? 0 : resourceEnd - start,
    );
    const uri = (plain & PLAIN_URI) === 0 ? byteText(bytes, scan.slotStart(URI) + 1, scan.slotEnd(URI) - 1) : "";
    const areOfSecrets = (plain & PLAIN_RESOURCE) === 0 && isOfSecrets(scan);
    const isTold = areOfSecrets || ((plain & PLAIN_RESOURCE) === 0 && isAboutTokens(scan));
    const mayAskForSecrets = !areOfSecrets && this.#uris.mayAskForSecrets(uri);
    if ((mayAskForSecrets && mayShowSecrets(scan)) || (uri !== "" && !this.#uris.isQuiet(uri))) {
      return undefined;
    }
    const line = new ScannedLine(scan);
    if (!isTold) {
      return this.#search(line);
    }
    const bodies = secretBodies(scan, areOfSecrets, line, this.#values);
    return bodies && this.#searchBeside(bodies, line);
  }

  /** As {@link secrets}, of the line in `[start, end)` of the engine's memory, an event of which {@link about} or {@link aboutWhole} says what it rests on. */
  secretsIn(start: number, end: number): readonly Secret[] | undefined {
    this.prepare();
    return this.#search(new LineInMemory(this.#engine.memory, start, end));
  }

  prepare(): void {
    if (loaded !== this.#needles) {
      loaded = this.#needles;
      this.#engine.memory.set(loaded, NEEDLES);
      this.#engine.memory.set(this.#bits, NEEDLE_BITS);
      this.#engine.exports.forgetHarmless();
      this.copies.forget();
    }
  }

  about(scan: EventScan): readonly Span[] | undefined {
    return isOfSecrets(scan) || isAboutTokens(scan) || this.#uris.mayAskForSecrets(uriOf(scan))
      ? undefined
      : this.#keptParts(scan);
  }

  aboutWhole(scan: EventScan): readonly Span[] | undefined {
    return isBare(scan) ? this.#keptParts(scan) : undefined;
  }

  #keptParts(scan: EventScan): readonly Span[] | undefined {
    const raw = uriOf(scan);
    if (
      !this.#uris.isQuiet(raw) ||
      byteText(scan.bytes, scan.slotStart(RESOURCE), scan.slotEnd(RESOURCE)).includes("\\")
    ) {
      return undefined;
    }
    const start = scan.slotStart(URI) + 1;
    return this.#uris.keptParts(raw)?.map((part) => ({ start: start + part.start, end: start + part.end }));
  }

  #search(line: SearchedLine): readonly Secret[] | undefined {
    const { base, length } = line;
    return this.copies.find(base, base + length) ?? this.#searchClosely(line);
  }

  /** With what else has to be replaced. */
  #searchBeside(bodies: SecretBodies, line: SearchedLine): readonly Secret[] | undefined {
    const found = this.#searchClosely(line, bodies);
    return (
      found && (bodies.secrets.length === 0 ? found : [...found, ...bodies.secrets].sort((a, b) => a.start - b.start))
    );
  }

  #searchClosely(line: SearchedLine, beside?: SecretBodies): readonly Secret[] | undefined {
    const { base, length } = line;
    const { exports, memory } = this.#engine;
    /** What stands around the last suspect: to make a text of all of a long line costs more than to search it. */
    let near = "";
    let before = 0;
    let nearEnd = 0;
    let secrets: Secret[] | undefined;
    /** Strings with URLs have been looked at up to here. */
    let seen = 0;
    for (let from = 0; ;) {
      const found = exports.nextSuspect(base + from, base + length) >>> 0;
      if (found === NOTHING) {
        return secrets ?? NO_SECRETS;
      }
      const at = from + (found >>> 8);
      const sets = found & 255;
      const known = beside?.secretAt(at);
      from = known?.end ?? at + 1;
      if (known !== undefined) {
        continue;
      }
      if (nearEnd < length && nearEnd < at + LONGEST_SHAPE) {
        before = length <= SHORT_LINE ? 0 : Math.max(0, at - LONGEST_NAME);
        nearEnd = length <= SHORT_LINE ? length : Math.min(length, at + 2 * LONGEST_SHAPE);
        near = byteText(memory, base + before, base + nearEnd);
      }
      if (isShape(near, at - before, sets)) {
        const isKnown =
          beside?.areOfSecrets === true
            ? near.startsWith(SECRETS, at - before)
            : near.startsWith(SECRET, at - before) && this.#isReference(near, at - before);
        if (!isKnown) {
          return undefined;
        }
        continue;
      }
      if (beside?.isInMember(at) === true) {
        if ((sets & URL_SET) !== 0 && near.startsWith("://", at - before)) {
          return undefined;
        }
        continue;
      }
      const key = (sets & NAME_SETS) === 0 ? undefined : this.#tellingKey(near, at - before);
      if (key !== undefined) {
        const meaning = this.#fields.of(near.slice(key.start + 1, key.end - 1));
        const value = this.#values.of(meaning, { start: before + key.start, end: before + key.end }, line);
        if (value === undefined) {
          return undefined;
        }
        if (value.secret !== undefined) {
          if (meaning === field.WHOLE) {
            this.copies.learn(base + at, base + length);
          }
          secrets ??= [];
          secrets.push(value.secret);
        }
        from = value.from;
        continue;
      }
      if ((sets & URL_SET) !== 0 && at >= seen && near.startsWith("://", at - before)) {
        const string = this.#values.stringAround(at, line);
        if (string === undefined) {
          return undefined;
        }
        seen = string.end;
        const text = byteText(memory, base + string.start, base + string.end);
        if (mayHoldUrlCredential(text) || (text.includes("clusters") && text.includes("users"))) {
          return undefined;
        }
      }
      exports.noteHarmless(base + at);
    }
  }

  /** Whether what the kind Secret stands in is an object of strings that none but a Secret's data would be hidden in: a reference. */
  #isReference(text: string, at: number): boolean {
    const object = text.slice(Math.max(0, text.lastIndexOf("{", at)), text.indexOf("}", at) + 1);
    return (
      STRINGS_ONLY.test(object) &&
      [...object.matchAll(NAME_OF_STRING)].every((match) => REFERRING.has(this.#fields.of(match[1] as string)))
    );
  }

  /** The string around the place, with its quotes, if it is a key that means something. */
  #tellingKey(text: string, at: number): Span | undefined {
    const from = Math.max(0, at - LONGEST_NAME);
    const near = text.slice(from, at + 2 * LONGEST_NAME);
    const start = near.lastIndexOf(QUOTE, at - from);
    const end = near.indexOf(QUOTE, at - from + 1);
    if (start < 0 || end < 0) {
      return undefined;
    }
    COLON.lastIndex = end + 1;
    return COLON.test(near) && MEANINGFUL.has(this.#fields.of(near.slice(start + 1, end)))
      ? { start: from + start, end: from + end + 1 }
      : undefined;
  }
}

/** The line at SCAN. */
class ScannedLine implements SearchedLine {
  readonly base = SCAN;
  readonly length: number;
  readonly #scan: EventScan;

  constructor(scan: EventScan) {
    this.#scan = scan;
    this.length = scan.end - scan.start;
  }

  mayHoldConfigMap(): boolean {
    const { bytes, start, end } = this.#scan;
    return this.#scan.text("objectRef.resource") === "configmaps" || bytes.subarray(start, end).includes("ConfigMap");
  }
}

/** A line that nobody has scanned, with a resource that is spelled without escapes. */
class LineInMemory implements SearchedLine {
  readonly base: number;
  readonly length: number;
  readonly #memory: Buffer;

  constructor(memory: Buffer, start: number, end: number) {
    this.#memory = memory;
    this.base = start;
    this.length = end - start;
  }

  mayHoldConfigMap(): boolean {
    const bytes = this.#memory.subarray(this.base, this.base + this.length);
    return bytes.includes("configmaps") || bytes.includes("ConfigMap");
  }
}

function isShape(text: string, at: number, sets: number): boolean {
  SHAPE.lastIndex = at;
  BOOTSTRAP.lastIndex = at;
  return SHAPE.test(text) || ((sets & TOKEN_SET) !== 0 && BOOTSTRAP.test(text));
}

/** As it stands between its quotes. */
function uriOf(scan: EventScan): string {
  return byteText(scan.bytes, scan.slotStart(URI) + 1, scan.slotEnd(URI) - 1);
}

/** Whether an event about secrets has more of them to show than its head. */
function mayShowSecrets(scan: EventScan): boolean {
  return (
    scan.has("requestObject") ||
    scan.has("responseObject") ||
    // A message may quote what was sent, and an annotation be named as what holds secrets in a Secret.
    MESSAGE.test(byteText(scan.bytes, scan.slotStart(STATUS), scan.slotEnd(STATUS))) ||
    DATA.test(byteText(scan.bytes, scan.slotStart(ANNOTATIONS), scan.slotEnd(ANNOTATIONS)))
  );
}

/**
 * Whether an event about secrets or tokens has no more to show than its head, and no line that differs from it only in texts has: the keys in its
 * annotations and in its answer are the same then, but not those in what these hold.
 */
function isBare(scan: EventScan): boolean {
  return !mayShowSecrets(scan) && [STATUS, ANNOTATIONS].every((slot) => isFlat(scan, slot));
}

function isFlat(scan: EventScan, slot: number): boolean {
  const text = byteText(scan.bytes, scan.slotStart(slot), scan.slotEnd(slot));
  return text === "" || FLAT.test(text.replaceAll(EMPTY, ""));
}
