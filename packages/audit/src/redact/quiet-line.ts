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
import { NAME_SETS, NEEDLE_BITS_BYTES, NEEDLES_BYTES, URL_SET, writeNeedles } from "./needles.ts";
import { QuietUri } from "./quiet-uri.ts";
import { TellingValues } from "./telling-value.ts";
import type { SearchedLine } from "./telling-value.ts";
import { isAboutTokens, isBare, isOfSecrets, mayShowSecrets, secretBodies } from "./secret-bodies.ts";
import type { SecretBodies } from "./secret-bodies.ts";
import { isHarmlessKind, isShape, LONGEST_NAME, LONGEST_SHAPE, tellingKey } from "./suspect.ts";
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

const SHORT_LINE = 4096;
const NOTHING = 0xffff_ffff;
const NO_SECRETS: readonly Secret[] = [];
const URI = slotOf("requestURI");
const RESOURCE = slotOf("objectRef.resource");
const PLAIN_RESOURCE = 1;
const PLAIN_URI = 2;
/** Whose needles the engine looks for: there is one for all. */
let loaded: Buffer | undefined;

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
        if (!isHarmlessKind(near, at - before, this.#fields, beside?.areOfSecrets === true)) {
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
      const key = (sets & NAME_SETS) === 0 ? undefined : tellingKey(near, at - before, this.#fields);
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

/** As it stands between its quotes. */
function uriOf(scan: EventScan): string {
  return byteText(scan.bytes, scan.slotStart(URI) + 1, scan.slotEnd(URI) - 1);
}
