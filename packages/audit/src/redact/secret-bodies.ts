import { slotOf } from "../scan.ts";
import type { EventScan } from "../scan.ts";
import { byteText, withoutEscapes } from "./mapped-text.ts";
import type { Span } from "./mapped-text.ts";
import { isOwnWords } from "./status-message.ts";
import type { SearchedLine, TellingValues } from "./telling-value.ts";

const STATUS = slotOf("responseStatus");
const ANNOTATIONS = slotOf("annotations");
const BODIES = [slotOf("requestObject"), slotOf("responseObject")];
const QUOTE = 34;
/** Keys that mean something here; what is spelled with escapes is found by the search. */
const KEY = /(\\?)"(data|stringdata|message)"[ \t\r\n]*:[ \t\r\n]*/gi;
const MESSAGE = /message|\\/i;
/** Escapes that spell another letter, and texts that may be JSON, are found by the search as well. */
const DATA = /"data"/i;
const EMPTY = "{}";
/** Without what is empty: an object in which nothing stands but texts and numbers. */
const FLAT = /^\{[^{}[\]]*\}$/;

/** Whether what stands in its bodies may be secret. */
export function isOfSecrets(scan: EventScan): boolean {
  return scan.text("objectRef.resource") === "secrets";
}

/** Whether messages in it may quote a token. */
export function isAboutTokens(scan: EventScan): boolean {
  const resource = scan.text("objectRef.resource");
  return (
    resource === "tokenreviews" || (resource === "serviceaccounts" && scan.text("objectRef.subresource") === "token")
  );
}

/** Whether an event about secrets has more of them to show than its head. */
export function mayShowSecrets(scan: EventScan): boolean {
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
export function isBare(scan: EventScan): boolean {
  return !mayShowSecrets(scan) && [STATUS, ANNOTATIONS].every((slot) => isFlat(scan, slot));
}

function isFlat(scan: EventScan, slot: number): boolean {
  const text = byteText(scan.bytes, scan.slotStart(slot), scan.slotEnd(slot));
  return text === "" || FLAT.test(text.replaceAll(EMPTY, ""));
}

/** What an event about secrets or tokens has to be replaced beyond what any other has. */
export class SecretBodies {
  /** The strings that are replaced as a whole, in their order. */
  readonly secrets: readonly Span[];
  /** Whether `data` is a Secret's, whatever kind stands beside it. */
  readonly areOfSecrets: boolean;
  /** The members in which these stand, with their keys. */
  readonly #members: readonly Span[];
  #secret = 0;
  #member = 0;

  constructor(secrets: readonly Span[], members: readonly Span[], areOfSecrets: boolean) {
    this.secrets = secrets;
    this.#members = members;
    this.areOfSecrets = areOfSecrets;
  }

  /** That in which the place of the line stands, which must not be before the one that was asked for last. */
  secretAt(place: number): Span | undefined {
    this.#secret = skipped(this.secrets, this.#secret, place);
    const secret = this.secrets[this.#secret];
    return secret !== undefined && secret.start <= place ? secret : undefined;
  }

  /** Whether it stands in a member with such strings, of which nothing else counts but shapes. As above. */
  isInMember(place: number): boolean {
    this.#member = skipped(this.#members, this.#member, place);
    return (this.#members[this.#member]?.start ?? Infinity) <= place;
  }
}

/** The first of the spans, from one on, that ends behind the place. */
function skipped(spans: readonly Span[], from: number, place: number): number {
  let at = from;
  while (at < spans.length && (spans[at] as Span).end <= place) {
    at++;
  }
  return at;
}

/**
 * What of the event at `line` has to be replaced because it is about Secrets (`areOfSecrets`) or tokens: the values of `data` and `stringData` of the
 * first, and messages that may quote what was sent. Undefined where that cannot be told: something else than strings in them, a body that is a
 * text, or such a key somewhere else.
 */
export function secretBodies(
  scan: EventScan,
  areOfSecrets: boolean,
  line: SearchedLine,
  values: TellingValues,
): SecretBodies | undefined {
  const { bytes, start, end } = scan;
  if (BODIES.some((slot) => scan.slotEnd(slot) !== 0 && bytes[scan.slotStart(slot)] === QUOTE)) {
    return undefined;
  }
  const text = byteText(bytes, start, end);
  const secrets: Span[] = [];
  const members: Span[] = [];
  KEY.lastIndex = 0;
  for (let key = KEY.exec(text); key !== null; key = KEY.exec(text)) {
    const isMessage = key[2]?.length === "message".length;
    if (!isMessage && !areOfSecrets) {
      continue;
    }
    const place = start + key.index;
    if (key[1] !== "" || !(isIn(scan, BODIES, place) || (isMessage && isIn(scan, [STATUS], place)))) {
      return undefined;
    }
    const at = KEY.lastIndex;
    if (isMessage && text[at] !== '"') {
      continue;
    }
    const value = values.stringsOf(at, line);
    if (value === undefined) {
      return undefined;
    }
    if (!isMessage || !isOwnWords(withoutEscapes(text.slice(at + 1, value.end - 1)))) {
      secrets.push(...value.strings);
      members.push({ start: key.index, end: value.end });
      KEY.lastIndex = value.end;
    }
  }
  return new SecretBodies(secrets, members, areOfSecrets);
}

function isIn(scan: EventScan, slots: readonly number[], place: number): boolean {
  return slots.some((slot) => scan.slotStart(slot) <= place && place < scan.slotEnd(slot));
}
