import { createHmac, createSecretKey } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { createNameTest } from "./redact/credential-name.ts";
import { EventWalk, type Replacement } from "./redact/event-walk.ts";
import { FieldTable } from "./redact/field.ts";
import { findTextCredentials } from "./redact/text-credentials.ts";
import { StringHashes } from "./redact/string-hashes.ts";
import { QuietLine } from "./redact/quiet-line.ts";
import type { QuietHeads } from "./redact/quiet-line.ts";
import { sharedEngine } from "./scan-wasm/engine.ts";
import type { EventScan } from "./scan.ts";
import { splice } from "./splice.ts";
import type { Edit } from "./splice.ts";

const SHORTEST_KEY = 16;
/** One pass is enough but where a replacement makes room for another; what is not settled then is replaced whole. */
const MOST_PASSES = 8;
/** So many bytes of values are remembered with their hashes, of each so many, and what it takes beside them. */
const MOST_KNOWN = 1024 * 1024;
const LONGEST_KNOWN = 16 * 1024;
const ENTRY_BYTES = 128;
const UNDECODABLE = /^undecodable line of [0-9]+ bytes redacted:[0-9a-f]{16}$/;

/** How a {@link Redactor} is made. */
export interface RedactorOptions {
  /**
   * Secret key of the hashes, 16 bytes or more. The same value under the same key gives the same hash. A function is asked for it once,
   * when there is something to hash.
   */
  readonly key: Uint8Array | (() => Uint8Array);
  /**
   * Names of your own credentials, in any case: of fields, environment variables, flags and query parameters. They are
   * added to the built-in ones.
   */
  readonly extraNames?: readonly string[];
}

/** The one gate through which anything must go before it leaves: sinks, dead letters, logs, metrics, reports. */
export interface Redactor {
  /**
   * One audit event as JSON, without newline. Returns the same buffer when there is nothing to replace, else a new one in
   * which each secret is `redacted:<16 hex digits>` and every other byte is as it was. What is no JSON is handed to
   * `redactUndecodable`. Redacting what is redacted changes nothing.
   */
  redactLine(line: Buffer): Buffer;
  /** As `redactLine`, for the very line that `scan` holds: most have nothing to replace but strings as a whole, which this proves at a tenth of the cost. */
  redactScanned(scan: EventScan, line: Buffer): Buffer;
  /** How lines are told together of which nothing has to be redacted; undefined where that cannot be told without reading each. */
  readonly heads: QuietHeads | undefined;
  /** For torn, cut or broken lines: keeps the size and a keyed hash, nothing else. The answer is text and no JSON. */
  redactUndecodable(line: Buffer): Buffer;
  /** For words that are no event (a log line, an error's message): replaces what is a credential by its shape. */
  redactText(text: string): string;
}

/**
 * Makes a redactor: it replaces what a Kubernetes audit event holds of secrets by a keyed hash, in place.
 *
 * Replaced are: `data` and `stringData` of Secrets in bodies of any form (lists, tables, merge and JSON patches);
 * last-applied copies; tokens of TokenRequest and TokenReview; credentials in the arguments of commands, in the request
 * URI and in URLs; environment variables and headers with a credential's name; fields named after a credential; messages
 * that may quote the body of a request about secrets; and in any string JSON web tokens, PEM private keys, bearer and
 * bootstrap tokens. In ConfigMaps only shapes count, no names. A secret without a telling name, shape or place stays:
 * no redaction by pattern finds all of them.
 *
 * @example
 * const redactor = createRedactor({ key: new Uint8Array(32).fill(7) });
 * const line = Buffer.from('{"objectRef":{"resource":"secrets"},"requestObject":{"data":{"password":"aHVudGVyMg=="}}}');
 * assert.match(redactor.redactLine(line).toString(), /"password":"redacted:[0-9a-f]{16}"/);
 */
export function createRedactor({ key, extraNames = [] }: RedactorOptions): Redactor {
  let secret = typeof key === "function" ? undefined : secretOf(key);
  const fields = new FieldTable(extraNames);
  const isName = createNameTest(extraNames);
  const walk = new EventWalk(fields, isName);
  let quiet: QuietLine | "never" | undefined;
  const quietLine = (): QuietLine | undefined => {
    quiet ??= isPlain(extraNames) ? new QuietLine(fields, isName, extraNames) : "never";
    return quiet === "never" ? undefined : quiet;
  };
  const hash = (bytes: Buffer): string => {
    secret ??= secretOf(typeof key === "function" ? key() : key);
    return `redacted:${createHmac("sha256", secret).update(bytes).digest("hex").slice(0, 16)}`;
  };
  // Bodies repeat themselves: what was asked for is what is answered, and each time that somebody reads it.
  const known = new Map<string, string>();
  let knownSize = 0;
  const substitute = (value: string): string => {
    const before = known.get(value);
    if (before !== undefined) return before;
    const bytes = Buffer.from(value, "latin1");
    const fresh = hash(bytes);
    if (bytes.length > LONGEST_KNOWN) return fresh;
    knownSize += bytes.length + ENTRY_BYTES;
    if (knownSize > MOST_KNOWN) {
      known.clear();
      knownSize = bytes.length + ENTRY_BYTES;
    }
    // Not the value itself: a piece of a text holds all of that.
    known.set(bytes.toString("latin1"), fresh);
    return fresh;
  };

  const redactUndecodable = (line: Buffer): Buffer => {
    if (line.length === 0 || (line.length < 80 && UNDECODABLE.test(line.toString("latin1")))) return line;
    return Buffer.from(`undecodable line of ${line.length} bytes ${hash(line)}`);
  };

  const redactLine = (line: Buffer): Buffer => {
    let current = line;
    for (let pass = 0; pass < MOST_PASSES; pass += 1) {
      const found = walk.find(current);
      if (found === undefined) return redactUndecodable(line);
      if (found.length === 0) return current;
      const edits = found.map((each) => toEdit(each, substitute));
      current = splice(current, 0, current.length, edits);
    }
    return redactUndecodable(line);
  };

  const hashes = new StringHashes(hash);
  const redactHeld = (scan: EventScan, line: Buffer, isWhole: boolean): Buffer => {
    const heads = quietLine();
    const secrets = heads?.secrets(scan);
    if (heads === undefined || secrets === undefined) return redactLine(line);
    if (secrets.length === 0) return line;
    if (!isWhole && line.compare(scan.bytes, scan.start, scan.end) !== 0) return redactLine(line);
    const edits = hashes.edits(line, secrets, heads.copies);
    return edits.length === 0 ? line : splice(line, 0, line.length, edits);
  };

  /** What came of the line that was redacted last: the event of a finding is shown first and then kept. */
  let last: { readonly scan: EventScan; readonly scans: number; readonly redacted: Buffer | undefined } | undefined;
  const redactScanned = (scan: EventScan, line: Buffer): Buffer => {
    // From the line something may have been cut.
    const isWhole =
      line.length === scan.end - scan.start &&
      line.buffer === scan.bytes.buffer &&
      line.byteOffset === scan.bytes.byteOffset + scan.start;
    if (isWhole && last?.scan === scan && last.scans === scan.scans) return last.redacted ?? line;
    const redacted = redactHeld(scan, line, isWhole);
    if (isWhole) last = { scan, scans: scan.scans, redacted: redacted === line ? undefined : redacted };
    return redacted;
  };

  const redactText = (text: string): string => {
    let current = Buffer.from(text).toString("latin1");
    for (let pass = 0; pass < MOST_PASSES; pass += 1) {
      const spans = findTextCredentials(current);
      if (spans.length === 0) return pass === 0 ? text : Buffer.from(current, "latin1").toString();
      let redacted = "";
      let at = 0;
      for (const { start, end } of spans) {
        redacted += current.slice(at, start) + substitute(current.slice(start, end));
        at = end;
      }
      current = redacted + current.slice(at);
    }
    return hash(Buffer.from(text));
  };

  return {
    redactLine,
    redactScanned,
    get heads() {
      const heads = quietLine();
      return heads && quietHeads(heads, hashes);
    },
    redactUndecodable,
    redactText,
  };
}

function quietHeads(heads: QuietLine, hashes: StringHashes): QuietHeads {
  const { memory } = sharedEngine();
  return {
    prepare: () => heads.prepare(),
    about: (scan) => heads.about(scan),
    aboutWhole: (scan) => heads.aboutWhole(scan),
    edits: (start, end) => {
      const line = memory.subarray(start, end);
      const secrets = heads.secretsIn(start, end);
      return secrets && hashes.edits(line, secrets, heads.copies);
    },
  };
}

function secretOf(key: Uint8Array): KeyObject {
  if (key.length < SHORTEST_KEY) {
    throw new RangeError(
      `Cannot make a redactor: the key has ${key.length} bytes, fewer than ${SHORTEST_KEY}; give it random bytes from a secret store`,
    );
  }
  return createSecretKey(key);
}

/** Whether all names are of characters that JSON does not escape: only such can be looked for in the bytes of a line. */
function isPlain(names: readonly string[]): boolean {
  return names.every((name) => /^[\w.:@$+-]*$/.test(name));
}

function toEdit({ start, end, value, quote }: Replacement, substitute: (value: string) => string): Edit {
  return { start, end, by: Buffer.from(quote + substitute(value) + quote) };
}
