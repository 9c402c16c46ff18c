import { findArgumentCredentials } from "./arguments.ts";
import { isCredentialName, type NameTest } from "./credential-name.ts";
import { type MappedText, unescapePercent } from "./mapped-text.ts";
import { findTextCredentials, isRedacted } from "./text-credentials.ts";

/** A part of the line that must be replaced, and the plain bytes of the value that stands there. */
export interface FoundValue {
  readonly start: number;
  readonly end: number;
  readonly value: string;
}

const SECRETS_PATH = /\/api\/v1\/(?:watch\/)?(?:namespaces\/[^/]+\/)?secrets(?:\/|$)/;
const COMMANDS: ReadonlySet<string> = new Set(["command", "cmd"]);

/** Whether a query parameter of this name is an argument of a command. */
export function isCommand(name: string): boolean {
  return COMMANDS.has(name.toLowerCase());
}

/** Whether a request URI asks for Secrets, whatever the event's objectRef says. */
export function asksForSecrets(uri: MappedText): boolean {
  return isPathOfSecrets(unescapePercent(uri, 0, pathEnd(uri.text), false).text);
}

/** The same of a path without escapes. */
export function isPathOfSecrets(path: string): boolean {
  return SECRETS_PATH.test(path);
}

/**
 * The credentials in a request URI, percent- and plus-encoded as they stand there: in the arguments of `command` and
 * `cmd`, in parameters with a credential's name, and by their shape in the path and any other parameter.
 */
export function findUriCredentials(uri: MappedText, isName: NameTest = isCredentialName): FoundValue[] {
  const found: FoundValue[] = [];
  const path = unescapePercent(uri, 0, pathEnd(uri.text), false);
  addText(path, found);
  const commands: MappedText[] = [];
  for (let start = pathEnd(uri.text) + 1; start < uri.text.length;) {
    const ampersand = uri.text.indexOf("&", start);
    const end = ampersand < 0 ? uri.text.length : ampersand;
    const equals = uri.text.indexOf("=", start);
    const nameEnd = equals < 0 || equals > end ? end : equals;
    const name = unescapePercent(uri, start, nameEnd, true);
    addText(name, found);
    if (nameEnd < end) {
      const value = unescapePercent(uri, nameEnd + 1, end, true);
      if (isCommand(name.text)) commands.push(value);
      else if (!isName(name.text)) addText(value, found);
      else if (value.text !== "" && !isRedacted(value.text)) found.push(part(value, 0, value.text.length));
    }
    start = end + 1;
  }
  const spans = findArgumentCredentials(
    commands.map((command) => command.text),
    isName,
  );
  for (const [place, command] of commands.entries()) {
    for (const span of spans[place] ?? []) found.push(part(command, span.start, span.end));
  }
  return found;
}

function addText(text: MappedText, found: FoundValue[]): void {
  for (const span of findTextCredentials(text.text)) found.push(part(text, span.start, span.end));
}

function part(text: MappedText, start: number, end: number): FoundValue {
  return {
    start: text.offsets[start] as number,
    end: text.offsets[end] as number,
    value: text.text.slice(start, end),
  };
}

function pathEnd(uri: string): number {
  const question = uri.indexOf("?");
  return question < 0 ? uri.length : question;
}
