import type { EventScan } from "../scan.ts";
import { slotOf } from "../scan.ts";
import { ByteAutomaton, MATCHED, NOTHING, patternOf } from "./byte-automaton.ts";
import type { Pattern } from "./byte-automaton.ts";
import type { NameTest } from "./credential-name.ts";
import type { FieldTable } from "./field.ts";
import { byteText, unescapeJson } from "./mapped-text.ts";
import { asksForSecrets, findUriCredentials, isCommand } from "./request-uri.ts";
import { CANDIDATE } from "./text-credentials.ts";

const DOT = 46;
const REQUEST_URI = slotOf("requestURI");
const RESOURCE = slotOf("objectRef.resource");
const SUBRESOURCE = slotOf("objectRef.subresource");

/** The one alternative of {@link CANDIDATE} that is a run: it is looked for at dots. */
const RUN = String.raw`\.[a-z0-9]{16}`;
const RUN_LENGTH = 16;
const MOST_NAMES = 1000;
const MOST_NAME_LENGTH = 64;

/**
 * What it is about is a bootstrap token, and is one only behind such a word or behind another that is looked for anyway, with what may
 * stand between the two: no end of a value, no beginning of an object or a list.
 */
const RUN_WORDS = ['token[^"]', String.raw`token"[^:,}\]]`, 'token":[^{\\[]'];

/** Kinds that make what stands beside them a Secret's. */
const SECRET_KINDS = ['[: \t\r\n]"secret"', '[: \t\r\n]"secretlist"'];
/** Resources, and a subresource, whose bodies and messages are all of secrets. */
const SECRET_RESOURCES = ["secrets", "tokenreviews"].map((name) => Buffer.from(`"${name}"`));
const TOKEN = Buffer.from('"token"');
/** Escapes that could spell a letter of a name or of a shape: all but those of `<`, `>` and `&`. */
const DISGUISES = [
  String.raw`\\/`,
  String.raw`\\u[^0]`,
  String.raw`\\u0[^0]`,
  String.raw`\\u00[^23]`,
  String.raw`\\u002[^6]`,
  String.raw`\\u003[^ceCE]`,
];
/** The beginning of a string that may be JSON itself, perhaps behind white space. */
const EMBEDDED = ['[:,{\\[ \t\r\n]"[{\\[ ]', '[:,{\\[ \t\r\n]"\\\\[ntrf]'];

/**
 * Proves of most events that there is nothing to redact, in one step a byte. The proof is by absence: every replacement that
 * `EventWalk` can find needs one of some byte sequences in the line (the name of a field that may hold a credential, the beginning
 * of a shape, a mark of secrets, a disguise), or stands in a request URI that is looked at as there. What cannot be proven is not quiet.
 */
export class QuietLine {
  readonly #automaton: ByteAutomaton;
  readonly #isName: NameTest;
  /** What is known of the names of parameters. */
  readonly #telling = new Map<string, boolean>();

  constructor(fields: FieldTable, isName: NameTest) {
    this.#isName = isName;
    const names = fields.telling().map((name) => patternOf(`${quotedName(name)}[: \t\r\n]`, true));
    const others = [...SECRET_KINDS, ...DISGUISES, ...EMBEDDED].map((source) => patternOf(source, true));
    this.#automaton = new ByteAutomaton(
      [...names, ...others, ...candidates()],
      RUN_WORDS.map((source) => patternOf(source, true)),
    );
  }

  /** Whether the event that `scan` holds has nothing to be redacted. */
  isQuiet(scan: EventScan): boolean {
    const { bytes, start, end } = scan;
    const seen = this.#automaton.look(bytes, start, end);
    return (
      seen !== MATCHED &&
      !isAbout(scan, RESOURCE, SECRET_RESOURCES[0]) &&
      !isAbout(scan, RESOURCE, SECRET_RESOURCES[1]) &&
      !isAbout(scan, SUBRESOURCE, TOKEN) &&
      (seen === NOTHING || !hasRun(bytes, start, end)) &&
      this.#isQuietUri(scan)
    );
  }

  #isQuietUri(scan: EventScan): boolean {
    const text = byteText(scan.bytes, scan.slotStart(REQUEST_URI) + 1, scan.slotEnd(REQUEST_URI) - 1);
    if (!/[%+\\]/.test(text)) {
      // It is plain text, in which the beginning of every shape was looked for.
      const question = text.indexOf("?");
      return (
        !text.includes("/secrets") && (question === -1 || !this.#holdsCredential(text.slice(question + 1).split("&")))
      );
    }
    const uri = unescapeJson(text, 0, text.length);
    return !asksForSecrets(uri) && findUriCredentials(uri, this.#isName).length === 0;
  }

  /** Whether a parameter of a query may hold a credential, by its name. */
  #holdsCredential(parameters: readonly string[]): boolean {
    return parameters.some((parameter) => {
      const equals = parameter.indexOf("=");
      const name = equals === -1 ? parameter : parameter.slice(0, equals);
      let isTelling = this.#telling.get(name);
      if (isTelling === undefined) {
        isTelling = this.#isName(name) || isCommand(name);
        // Bounded: a client chooses them.
        if (name.length < MOST_NAME_LENGTH && this.#telling.size < MOST_NAMES) {
          this.#telling.set(name, isTelling);
        }
      }
      return isTelling;
    });
  }
}

function isAbout(scan: EventScan, slot: number, value: Buffer | undefined): boolean {
  const end = scan.slotEnd(slot);
  return end !== 0 && value?.compare(scan.bytes, scan.slotStart(slot), end) === 0;
}

/** The other alternatives of {@link CANDIDATE}: read from it, so that they cannot differ. In any case: fewer classes of bytes. */
function candidates(): readonly Pattern[] {
  const sources = CANDIDATE.source.split("|");
  if (!sources.includes(RUN)) {
    throw new SyntaxError(`Cannot read the candidates: ${RUN} is not among them`);
  }
  return sources.filter((source) => source !== RUN).map((source) => patternOf(source, true));
}

function hasRun(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    if (bytes[at] === DOT) {
      let behind = at + 1;
      while (behind < end && isLowerOrDigit(bytes[behind] as number)) {
        behind++;
      }
      if (behind - at > RUN_LENGTH) {
        return true;
      }
      at = behind - 1;
    }
  }
  return false;
}

function isLowerOrDigit(byte: number): boolean {
  return (byte >= 97 && byte <= 122) || (byte >= 48 && byte <= 57);
}

function quotedName(name: string): string {
  return `"${name.replaceAll(/[^a-z0-9]/g, String.raw`\$&`)}"`;
}
