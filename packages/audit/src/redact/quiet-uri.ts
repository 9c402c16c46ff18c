import type { NameTest } from "./credential-name.ts";
import { unescapeJson } from "./mapped-text.ts";
import type { Span } from "./mapped-text.ts";
import { asksForSecrets, findUriCredentials, isCommand, isPathOfSecrets } from "./request-uri.ts";
import { mayHoldCredential } from "./text-credentials.ts";

const ENCODED = /[%+\\]/;
/** As Go writes it in a string of JSON. */
const AMPERSAND = String.raw`\u0026`;
/** With what stands between, so that no byte is left out. */
const BETWEEN_PARAMETERS = /(&|\\u0026)/;
const LONGEST_KNOWN = 128;
const LONGEST_URI = 1024;
const MOST_KNOWN = 1000;

/**
 * Tells request URIs in which nothing has to be redacted. Plain text is left to the search of the whole line for the beginnings of
 * shapes. Remembers what was found of the names and values of parameters: they come again with every request of a client.
 */
export class QuietUri {
  readonly #isName: NameTest;
  /** Whether a parameter of this name may hold a credential. */
  readonly #telling = new Map<string, boolean>();
  /** Whether nothing is in this encoded parameter. */
  readonly #quiet = new Map<string, boolean>();

  /** Whether nothing is in this URI: each stage of a request has the same one. */
  readonly #exactly = new Map<string, boolean>();

  constructor(isName: NameTest) {
    this.#isName = isName;
  }

  /** Of a URI as it stands in the string of JSON: whether nothing in it has to be redacted. */
  isQuiet(raw: string): boolean {
    const isQuiet = (): boolean =>
      this.#isPlainlyQuiet(raw.replaceAll(AMPERSAND, "&")) ||
      findUriCredentials(unescapeJson(raw, 0, raw.length), this.#isName).length === 0;
    return remembered(this.#exactly, raw, isQuiet, LONGEST_URI);
  }

  /** Whether it may ask for Secrets, or another one may that differs from it in names. */
  mayAskForSecrets(raw: string): boolean {
    const path = pathOf(raw);
    return ENCODED.test(path) ? asksForSecrets(unescapeJson(raw, 0, raw.length)) : path.includes("/secrets");
  }

  /** Whether it asks for Secrets. */
  asksForSecrets(raw: string): boolean {
    const path = pathOf(raw);
    return ENCODED.test(path) ? asksForSecrets(unescapeJson(raw, 0, raw.length)) : isPathOfSecrets(path);
  }

  /**
   * The parts of a quiet URI's query that must stay as they are, together with all but digits of the rest; undefined where its path may spell a
   * credential.
   */
  keptParts(raw: string): readonly Span[] | undefined {
    const question = raw.indexOf("?");
    if (ENCODED.test(pathOf(raw))) {
      return undefined;
    }
    if (question === -1) {
      return [];
    }
    let at = question + 1;
    const query = raw.slice(at);
    if (query.replaceAll(AMPERSAND, "&").includes("\\")) {
      return [{ start: at, end: raw.length }];
    }
    const kept: Span[] = [];
    for (const part of query.split(BETWEEN_PARAMETERS)) {
      const isBetween = part === "&" || part === AMPERSAND;
      if (!isBetween && this.#mayHoldCredential(part)) {
        // Arguments of a command are read together: others may tell what this one is.
        return [{ start: question + 1, end: raw.length }];
      }
      // Other digits are another name, or another letter where it is encoded.
      if (!isBetween && (ENCODED.test(part) || /^[^=]*\d/.test(part))) {
        kept.push({ start: at, end: at + part.length });
      }
      at += part.length;
    }
    return kept;
  }

  /** Whether nothing is found even by what every pattern needs. */
  #isPlainlyQuiet(raw: string): boolean {
    const question = raw.indexOf("?");
    const path = pathOf(raw);
    if (raw.includes("\\") || (ENCODED.test(path) && !isQuietText(path))) {
      return false;
    }
    return (
      question === -1 ||
      raw
        .slice(question + 1)
        .split("&")
        .every((part) => !this.#mayHoldCredential(part) && (!ENCODED.test(part) || this.#isQuietPart(part)))
    );
  }

  /** Whether a parameter may hold a credential, by its name. */
  #mayHoldCredential(parameter: string): boolean {
    const equals = parameter.indexOf("=");
    const name = equals === -1 ? parameter : parameter.slice(0, equals);
    return remembered(this.#telling, name, () => ENCODED.test(name) || this.#isName(name) || isCommand(name));
  }

  #isQuietPart(part: string): boolean {
    return remembered(this.#quiet, part, () => isQuietText(part));
  }
}

function pathOf(raw: string): string {
  const question = raw.indexOf("?");
  return question === -1 ? raw : raw.slice(0, question);
}

function isQuietText(encoded: string): boolean {
  const text = decoded(encoded);
  return text !== undefined && !mayHoldCredential(text);
}

/** Without percent-encoding; undefined where that is no UTF-8. */
function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part.replaceAll("+", " "));
  } catch {
    return undefined;
  }
}

/** Bounded: a client chooses them. */
function remembered(
  known: Map<string, boolean>,
  text: string,
  find: () => boolean,
  longest: number = LONGEST_KNOWN,
): boolean {
  let found = known.get(text);
  if (found === undefined) {
    found = find();
    if (text.length < longest) {
      if (known.size === MOST_KNOWN) {
        known.clear();
      }
      known.set(text, found);
    }
  }
  return found;
}
