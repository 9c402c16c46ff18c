import { isCredentialName } from "./credential-name.ts";
import type { Span } from "./mapped-text.ts";

/** What stands in the place of a replaced value. */
const REDACTED = /^redacted:[0-9a-f]{16}$/;
export const isRedacted = (text: string): boolean => text.length === 25 && REDACTED.test(text);

/**
 * Finds in a line, escapes and all, each place near which {@link findTextCredentials} could find something: every pattern
 * below contains one of these. A hit starts inside of the string that it is about, and escapes that could hide a letter are
 * marked by the tape. Spelled-out cases are twice as fast here as the flag `i`.
 */
export const CANDIDATE: RegExp =
  /eyJ|[Bb][Ee][Aa][Rr][Ee][Rr]|[Bb][Aa][Ss][Ii][Cc][ \\]|[Aa][Uu][Tt][Hh][Oo][Rr][Ii][Zz][Aa][Tt][Ii][Oo][Nn][^.]|:\/\/|PRIVATE KEY|LS0tLS1CRUdJTi|ZXlK|gh[opsru]_|github_pat_|glpat-|xox[abeoprs]-|hvs\.|sha256~|\.[a-z0-9]{16}/g;

/** Of which a candidate is told by their escapes. */
// oxlint-disable-next-line no-control-regex -- these are what is looked for
const CONTROL = /[\0-\u001f]/;

const PEM_BEGIN = /-{4,5} ?BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10} ?-{4,5}/g;
const PEM_END = /-{4,5} ?END [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10} ?-{4,5}/g;
const BASE64_RUN = /(?:LS0tLS1CRUdJTi|ZXlK)[A-Za-z0-9+/=_-]*/g;
const SCHEME = /\b(?:bearer|basic)[ \t]+["']?([\w.~+/=-]{8,})/gi;
const HEADER =
  /authorization["']{0,2}[ \t]*[:=][ \t]*["']?(?:(?:bearer|basic|token|negotiate|digest|apikey)[ \t]+)?([^ \t\r\n"'`\\,;]+)/gi;
const BOOTSTRAP =
  /(?:[Tt][Oo][Kk][Ee][Nn]|[Bb][Ee][Aa][Rr][Ee][Rr])[\w-]{0,16}["'\\]{0,4}[ \t:=]{1,6}["'\\]{0,4}([a-z0-9]{6}\.[a-z0-9]{16})(?![a-z0-9])/g;
const VENDOR =
  /\b(?:gh[opsru]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeoprs]-[\w-]{10,}|hvs\.[\w-]{20,}|sha256~[\w-]{20,})/g;
const QUERY = /[?&]([\w.~%-]{1,64})=([^&#\s"'`<>\\]+)/g;
const URL_AUTHORITY_LOOKAHEAD = 256;
const NO_SPANS: readonly Span[] = [];

/** Whether {@link findTextCredentials} may find something in this text, which holds no escapes: mostly not. */
export function mayHoldCredential(text: string): boolean {
  return text.search(CANDIDATE) !== -1 || CONTROL.test(text);
}

/**
 * What is a credential by its own shape or by the words right before it, in any text: JSON web tokens, PEM private keys
 * (also in base64), `Authorization` values, bearer tokens, bootstrap tokens, passwords in URLs, tokens of known vendors.
 * Sorted, without overlaps; linear in the length of the text.
 */
export function findTextCredentials(text: string): readonly Span[] {
  if (!mayHoldCredential(text)) return NO_SPANS;
  const found: Span[] = [];
  findWebTokens(text, found);
  findPrivateKeys(text, found);
  for (const match of text.matchAll(BASE64_RUN)) {
    if (hidesCredential(match[0])) found.push({ start: match.index, end: match.index + match[0].length });
  }
  for (const match of text.matchAll(SCHEME)) {
    const token = match[1] as string;
    if (token.length >= 16 || /[0-9]/.test(token)) found.push(lastPart(match, token));
  }
  for (const pattern of [HEADER, BOOTSTRAP]) {
    for (const match of text.matchAll(pattern)) found.push(lastPart(match, match[1] as string));
  }
  for (const match of text.matchAll(VENDOR)) found.push({ start: match.index, end: match.index + match[0].length });
  if (text.includes("://")) findInUrls(text, found);
  return mergeSpans(text, found);
}

/** Sorts, joins what overlaps, and leaves out what is redacted already. */
export function mergeSpans(text: string, spans: readonly Span[]): readonly Span[] {
  const merged: Span[] = [];
  for (const span of spans.toSorted((a, b) => a.start - b.start || b.end - a.end)) {
    if (span.end <= span.start || isRedacted(text.slice(span.start, span.end))) continue;
    const last = merged.at(-1);
    if (last === undefined || span.start >= last.end) merged.push(span);
    else if (span.end > last.end) merged[merged.length - 1] = { start: last.start, end: span.end };
  }
  return merged;
}

/** Three base64url parts of which the first begins as a JSON object does. Each run of letters is walked once. */
function findWebTokens(text: string, found: Span[]): void {
  const head = /eyJ[\w-]*/g;
  const part = /\.[\w-]*/y;
  for (let match = head.exec(text); match !== null; match = head.exec(text)) {
    let end = match.index + match[0].length;
    let claims = 0;
    for (part.lastIndex = end; ; end = part.lastIndex) {
      const next = part.exec(text);
      if (next === null) break;
      claims = Math.max(claims, next[0].length - 1);
    }
    if (match[0].length >= 8 && claims >= 4) found.push({ start: match.index, end });
    head.lastIndex = end;
  }
}

/** From the first line to the last; a key whose end is cut off reaches to the end of the text. */
function findPrivateKeys(text: string, found: Span[]): void {
  if (!text.includes("PRIVATE KEY")) return;
  PEM_BEGIN.lastIndex = 0;
  for (let begin = PEM_BEGIN.exec(text); begin !== null; begin = PEM_BEGIN.exec(text)) {
    PEM_END.lastIndex = PEM_BEGIN.lastIndex;
    const end = PEM_END.exec(text) === null ? text.length : PEM_END.lastIndex;
    found.push({ start: begin.index, end });
    PEM_BEGIN.lastIndex = end;
  }
}

function hidesCredential(base64: string): boolean {
  const text = Buffer.from(base64, "base64").toString("latin1");
  if (text.includes("PRIVATE KEY")) return true;
  const found: Span[] = [];
  findWebTokens(text, found);
  return found.length > 0;
}

function lastPart(match: RegExpExecArray, part: string): Span {
  const end = match.index + match[0].length;
  return { start: end - part.length, end };
}

/** Whether the content of a JSON string that holds `://`, escaped as it stands there, may hold what {@link findTextCredentials} looks for in URLs. */
export function mayHoldUrlCredential(escaped: string): boolean {
  return escaped.includes("@") || /(?:[?&]|\\u0026)[\w.~%-]{1,64}=/.test(escaped);
}

/** `scheme://user:password@host`, `scheme://token@host`, and query parameters with a credential's name. */
function findInUrls(text: string, found: Span[]): void {
  for (let at = text.indexOf("://"); at >= 0; at = text.indexOf("://", at + 3)) {
    const start = at + 3;
    const near = text.slice(start, start + URL_AUTHORITY_LOOKAHEAD);
    const word = /^[^ \t\r\n"'`<>\\]*/.exec(near)?.[0] ?? "";
    const authority = /^[^/?#]*/.exec(word)?.[0] ?? "";
    let at2 = authority.lastIndexOf("@");
    // A raw slash in a password ends the authority early: then what looks like a port is none.
    if (at2 < 0 && /^[^:]*:(?![0-9]*$)/.test(authority)) at2 = word.indexOf("@", authority.length);
    if (at2 < 0) continue;
    const colon = word.indexOf(":");
    if (colon >= 0 && colon < at2) found.push({ start: start + colon + 1, end: start + at2 });
    else if (at2 >= 16) found.push({ start, end: start + at2 });
  }
  for (const match of text.matchAll(QUERY)) {
    if (isCredentialName(match[1] as string)) found.push(lastPart(match, match[2] as string));
  }
}
