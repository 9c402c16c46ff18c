import { findArgumentCredentials, findAssignments } from "./arguments.ts";
import type { NameTest } from "./credential-name.ts";
import * as field from "./field.ts";
import { ARRAY, BOOLEAN, DISGUISED, ESCAPED, JsonTape, KEY, NULL, NUMBER, OBJECT, STRING } from "./json-tape.ts";
import { byteText, type MappedText, type Span, unescapeJson } from "./mapped-text.ts";
import { judgePointer } from "./json-pointer.ts";
import { QuietUri } from "./quiet-uri.ts";
import { findUriCredentials, type FoundValue } from "./request-uri.ts";
import { isOwnWords } from "./status-message.ts";
import { CANDIDATE, findTextCredentials, isRedacted, mayHoldCredential, mergeSpans } from "./text-credentials.ts";

/** A part of the line to be replaced, the plain bytes of what stands there, and the quotes that its substitute needs. */
export interface Replacement extends FoundValue {
  readonly quote: string;
}

/** In here `data` is a Secret's. */
const SECRET = 1;
/** In here a message may quote what the client sent. */
const QUOTING = 2;
/** In here fields are what users named them: only shapes count. */
const CONFIG_MAP = 4;
/** Every scalar in here is replaced. */
const WHOLE = 8;
const DONE = 16;
const INHERITED = SECRET | QUOTING | CONFIG_MAP | WHOLE;

/** A bit for each number of letters (of more than 31, for what is left of it) in the names of the fields that tell what bodies are. */
const LETTERS_OF_TELLING = [
  "requestURI",
  "objectRef",
  "requestObject",
  "responseObject",
  "responseStatus",
  "annotations",
].reduce((bits, { length }) => bits | (1 << length), 0);

/** JSON inside a string inside JSON …: deeper than this only shapes count. */
const DEEPEST_EMBEDDED = 3;

/** Finds what must be replaced in one JSON text; holds the working memory, so that one serves many lines. */
export class EventWalk {
  readonly #fields: field.FieldTable;
  readonly #isName: NameTest;
  readonly #uris: QuietUri;
  readonly #depth: number;
  readonly #tape = new JsonTape();
  #embedded: EventWalk | undefined;
  #modes = new Uint8Array(0);
  #keyFields = new Uint8Array(0);
  #line = "";
  #nextCandidate = -1;
  #found: Replacement[] = [];

  constructor(fields: field.FieldTable, isName: NameTest, depth = 0) {
    this.#fields = fields;
    this.#isName = isName;
    this.#uris = new QuietUri(isName);
    this.#depth = depth;
  }

  /** What to replace, without overlaps; undefined when the bytes are no JSON text. */
  find(bytes: Buffer, mode = 0): readonly Replacement[] | undefined {
    const tape = this.#tape;
    if (!tape.read(bytes)) return undefined;
    this.#found = [];
    this.#line = byteText(bytes);
    this.#nextCandidate = -1;
    if (this.#modes.length < tape.length || this.#modes.length > 4 * tape.kinds.length) {
      this.#modes = new Uint8Array(tape.kinds.length);
      this.#keyFields = new Uint8Array(tape.kinds.length);
    }
    this.#modes[0] = mode;
    for (let place = 0; place < tape.length; place += 1) this.#enter(place);
    const found = this.#found;
    this.#line = "";
    this.#found = [];
    return found.toSorted((a, b) => a.start - b.start);
  }

  #enter(place: number): void {
    const mode = this.#modes[place] as number;
    const kind = this.#tape.kinds[place] as number;
    switch (kind) {
      case OBJECT:
        this.#object(place, mode);
        if (place === 0 && this.#depth === 0) this.#event();
        return;
      case ARRAY:
        if ((mode & DONE) === 0) this.#array(place, mode & INHERITED);
        return;
      case KEY:
        if (this.#isCandidate(place)) this.#shapes(place);
        return;
      case STRING:
        if ((mode & DONE) === 0) this.#string(place, mode);
        return;
      case NUMBER:
      case BOOLEAN:
        if ((mode & WHOLE) !== 0) this.#replaceScalar(place);
        return;
      default:
    }
  }

  /** The fields of the event itself: they tell what its bodies are. */
  #event(): void {
    const { kinds, nexts, starts, ends, marks } = this.#tape;
    let isSecrets = false;
    let isToken = false;
    let isConfigMap = false;
    const told: { readonly name: string; readonly value: number }[] = [];
    for (let key = 1; key < (nexts[0] as number); key = nexts[key + 1] as number) {
      const value = key + 1;
      const letters = (ends[key] as number) - (starts[key] as number) - 2;
      if (((marks[key] as number) & ESCAPED) === 0 && (LETTERS_OF_TELLING & (1 << letters)) === 0) continue;
      const name = this.#decoded(key);
      switch (name) {
        case "requestURI":
          if (kinds[value] === STRING) {
            const raw = this.#line.slice((starts[value] as number) + 1, (ends[value] as number) - 1);
            isSecrets ||= this.#uris.asksForSecrets(raw);
            // What is spelled plainly is not looked at there.
            if (mayHoldCredential(raw) || !this.#uris.isQuiet(raw)) this.#uri(value);
            this.#modes[value] = DONE;
          }
          break;
        case "objectRef":
          if (kinds[value] === OBJECT) {
            const resources = this.#texts(value, "resource");
            isSecrets ||= resources.includes("secrets");
            isConfigMap ||= resources.includes("configmaps");
            isToken ||= resources.includes("tokenreviews");
            isToken ||= resources.includes("serviceaccounts") && this.#texts(value, "subresource").includes("token");
          }
          break;
        case "requestObject":
        case "responseObject":
        case "responseStatus":
        case "annotations":
          told.push({ name, value });
          break;
        default:
      }
    }
    const body = (isSecrets ? SECRET : 0) | (isConfigMap && !isSecrets ? CONFIG_MAP : 0);
    const quoting = isSecrets || isToken ? QUOTING : 0;
    for (const { name, value } of told) {
      if (name === "responseStatus") this.#modes[value] = quoting;
      else if (name === "annotations") this.#modes[value] = isSecrets ? SECRET : 0;
      else this.#modes[value] = body | quoting | (kinds[value] === STRING && quoting !== 0 ? WHOLE : 0);
    }
  }

  /** What stands under this name in an object: more than one where it comes again. */
  #texts(place: number, name: string): readonly string[] {
    const named = this.#children(place).filter((key) => this.#decoded(key) === name);
    return named.map((key) => this.#scalar(key + 1));
  }

  #uri(place: number): void {
    for (const found of findUriCredentials(this.#mapped(place), this.#isName))
      this.#found.push({ ...found, quote: "" });
  }

  #object(place: number, mode: number): void {
    if ((mode & WHOLE) !== 0) {
      for (const key of this.#children(place)) {
        const isDirective = this.#fields.of(this.#decoded(key)) === field.DIRECTIVE;
        this.#modes[key + 1] = isDirective && /^(?:replace|merge|delete)$/.test(this.#scalar(key + 1)) ? DONE : mode;
      }
      return;
    }
    const { kinds, nexts, starts, ends, marks } = this.#tape;
    const end = nexts[place] as number;
    let own = mode & INHERITED;
    let hasFields = false;
    let isValued = false;
    for (let key = place + 1; key < end; key = nexts[key + 1] as number) {
      const isEscaped = ((marks[key] as number) & ESCAPED) !== 0;
      const meaning = isEscaped
        ? this.#fields.of(this.#decoded(key))
        : this.#fields.at(this.#line, (starts[key] as number) + 1, (ends[key] as number) - 1);
      this.#keyFields[key] = meaning;
      if (meaning === field.PLAIN) continue;
      hasFields = true;
      if (meaning === field.VALUE) isValued = true;
      if (meaning === field.KIND && kinds[key + 1] === STRING) own |= modeOfKind(this.#scalar(key + 1));
    }
    for (let key = place + 1; key < end; key = nexts[key + 1] as number) this.#modes[key + 1] = own;
    if (!hasFields) return;
    const valueMode = isValued ? this.#valueMode(place, own) : 0;
    for (let key = place + 1; key < end; key = nexts[key + 1] as number) {
      if (this.#keyFields[key] !== field.PLAIN) this.#member(key, own, valueMode);
    }
  }

  #array(place: number, mode: number): void {
    const { nexts } = this.#tape;
    const end = nexts[place] as number;
    for (let child = place + 1; child < end; child = nexts[child] as number) this.#modes[child] = mode;
  }

  #member(key: number, own: number, valueMode: number): void {
    const value = key + 1;
    const kind = this.#tape.kinds[value];
    const isScalar = kind !== OBJECT && kind !== ARRAY;
    const meaning = this.#keyFields[key] as number;
    switch (meaning) {
      case field.DATA:
        if ((own & SECRET) !== 0) this.#modes[value] = own | WHOLE;
        return;
      case field.STRING_DATA:
      case field.WHOLE:
        this.#modes[value] = own | WHOLE;
        return;
      case field.CREDENTIAL:
        if (isScalar && (own & CONFIG_MAP) === 0) this.#modes[value] = own | WHOLE;
        return;
      case field.MESSAGE:
        if (kind === STRING && (own & QUOTING) !== 0 && !isOwnWords(this.#scalar(value)))
          this.#modes[value] = own | WHOLE;
        return;
      case field.ARGUMENTS:
        if ((own & CONFIG_MAP) === 0) this.#arguments(value, own);
        return;
      case field.VALUE:
        if (valueMode === DONE) this.#arguments(value, own);
        else this.#modes[value] = own | valueMode;
        return;
      default:
    }
  }

  /** What a field `value` holds by its siblings: a named variable's or header's, or a JSON patch operation's. */
  #valueMode(place: number, own: number): number {
    let mode = 0;
    let isPatch = false;
    let hasPath = false;
    for (const key of this.#children(place)) {
      const meaning = this.#keyFields[key];
      isPatch ||= meaning === field.OPERATION;
      if (this.#tape.kinds[key + 1] !== STRING) continue;
      const text = this.#scalar(key + 1);
      if (meaning === field.NAME && this.#isName(text)) mode = WHOLE;
      if (meaning !== field.PATH) continue;
      hasPath = true;
      const judged = judgePointer(text, this.#fields, (own & SECRET) !== 0);
      if (judged === "whole" || (judged === "credential" && (own & CONFIG_MAP) === 0)) mode = WHOLE;
      else if (judged === "arguments" && mode === 0) mode = DONE;
    }
    return isPatch && !hasPath && (own & SECRET) !== 0 ? WHOLE : mode;
  }

  /** An array of arguments, or one text of them. */
  #arguments(place: number, own: number): void {
    const { kinds } = this.#tape;
    const places: number[] = [];
    for (const child of kinds[place] === ARRAY ? this.#children(place) : [place]) {
      const isText = kinds[child] === STRING;
      this.#modes[child] = isText ? DONE : own;
      if (isText) places.push(child);
    }
    if (kinds[place] === ARRAY) this.#modes[place] = DONE;
    const texts = places.map((child) => this.#mapped(child));
    const spans = findArgumentCredentials(
      texts.map((text) => text.text),
      this.#isName,
    );
    for (const [index, text] of texts.entries()) {
      for (const span of spans[index] ?? []) this.#replaceSpan(text, span);
    }
  }

  #string(place: number, mode: number): void {
    if ((mode & WHOLE) !== 0) this.#replaceScalar(place);
    else if (!this.#embeddedJson(place, mode) && this.#isCandidate(place)) this.#shapes(place);
  }

  /** JSON inside of a string (what a webhook patched, a manifest in a custom resource) is searched as JSON. */
  #embeddedJson(place: number, mode: number): boolean {
    const { starts, marks } = this.#tape;
    if (
      ((marks[place] as number) & ESCAPED) === 0 ||
      !/[{[\\\s]/.test(this.#line[(starts[place] as number) + 1] ?? "")
    ) {
      return false;
    }
    if ((mode & CONFIG_MAP) !== 0 || this.#depth >= DEEPEST_EMBEDDED) return false;
    this.#embedded ??= new EventWalk(this.#fields, this.#isName, this.#depth + 1);
    const text = this.#mapped(place);
    if (!/^\s*[{[]/.test(text.text)) return false;
    const inner = this.#embedded.find(Buffer.from(text.text, "latin1"), mode & INHERITED);
    if (inner === undefined) return false;
    for (const { start, end, value, quote } of inner) {
      const from = text.offsets[start] as number;
      this.#found.push({
        start: from,
        end: text.offsets[end] as number,
        value,
        quote: quote.replaceAll(/["\\]/g, String.raw`\$&`),
      });
    }
    return true;
  }

  #shapes(place: number): void {
    const text = this.#mapped(place);
    const spans = [...findTextCredentials(text.text)];
    // A kubeconfig; its servers' URLs made it a candidate.
    if (text.text.includes("://") && /\bclusters\b/.test(text.text) && /\busers\b/.test(text.text)) {
      spans.push(...findAssignments(text.text, "", this.#isName));
    }
    for (const span of mergeSpans(text.text, spans)) this.#replaceSpan(text, span);
  }

  #isCandidate(place: number): boolean {
    if (((this.#tape.marks[place] as number) & DISGUISED) !== 0) return true;
    const start = this.#tape.starts[place] as number;
    if (this.#nextCandidate < start) {
      CANDIDATE.lastIndex = start;
      this.#nextCandidate = CANDIDATE.exec(this.#line)?.index ?? Number.POSITIVE_INFINITY;
    }
    return this.#nextCandidate < (this.#tape.ends[place] as number);
  }

  #replaceSpan(text: MappedText, span: Span): void {
    this.#found.push({
      start: text.offsets[span.start] as number,
      end: text.offsets[span.end] as number,
      value: text.text.slice(span.start, span.end),
      quote: "",
    });
  }

  #replaceScalar(place: number): void {
    const value = this.#scalar(place);
    if (value === "" || isRedacted(value)) return;
    const isString = this.#tape.kinds[place] === STRING;
    const inset = isString ? 1 : 0;
    this.#found.push({
      start: (this.#tape.starts[place] as number) + inset,
      end: (this.#tape.ends[place] as number) - inset,
      value,
      quote: isString ? "" : '"',
    });
  }

  #mapped(place: number): MappedText {
    return unescapeJson(this.#line, (this.#tape.starts[place] as number) + 1, (this.#tape.ends[place] as number) - 1);
  }

  /** A string's or key's content without its escapes. */
  #decoded(place: number): string {
    if (((this.#tape.marks[place] as number) & ESCAPED) !== 0) return this.#mapped(place).text;
    return this.#line.slice((this.#tape.starts[place] as number) + 1, (this.#tape.ends[place] as number) - 1);
  }

  #scalar(place: number): string {
    const kind = this.#tape.kinds[place];
    if (kind === STRING || kind === KEY) return this.#decoded(place);
    if (kind === OBJECT || kind === ARRAY || kind === NULL) return "";
    return this.#line.slice(this.#tape.starts[place], this.#tape.ends[place]);
  }

  /** The places of an array's elements, or of an object's keys (the value of a key stands right after it). */
  #children(place: number): number[] {
    const { kinds, nexts } = this.#tape;
    const end = nexts[place] as number;
    const children: number[] = [];
    for (let child = place + 1; child < end;) {
      children.push(child);
      child = kinds[child] === KEY ? (nexts[child + 1] as number) : (nexts[child] as number);
    }
    return children;
  }
}

function modeOfKind(kind: string): number {
  if (kind === "Secret" || kind === "SecretList") return SECRET;
  return kind === "ConfigMap" || kind === "ConfigMapList" ? CONFIG_MAP : 0;
}
