import type {
  AuditEvent,
  JsonObject,
  JsonValue,
  KeyEndings,
  KeyPaths,
  Level,
  ObjectReference,
  ResponseStatus,
  Stage,
  ToldLine,
  UserInfo,
} from "@auditsieve/audit";
import { HEAD_FIELDS } from "@auditsieve/detect";
import type { BodyName, HeadField, HeadView, PartlyParsed, PodChange, Wanted } from "@auditsieve/detect";
import { EventBodies } from "./event-bodies.ts";
import { EventTexts } from "./event-texts.ts";

/** What all heads have in common that differ in names alone, and in annotations that nobody asks for: these are those of one of them. */
export type SharedHead = ReadonlyMap<HeadField, JsonValue | undefined>;

/** What is shared by the heads like that of the event in `view`. */
export function sharedHead(view: HeadView): SharedHead {
  return new Map(HEAD_FIELDS.map((field) => [field, view.get(field)]));
}

/** Keeps with what is wanted what is shared by the heads that it is wanted of, of which `view` is one. */
export function keepSharedHead(wanted: Wanted, view: HeadView): void {
  wanted.kept ??= sharedHead(view);
}

/** What {@link keepSharedHead} has kept. */
export function sharedHeadOf({ kept }: Wanted): SharedHead | undefined {
  return kept as SharedHead | undefined;
}

/**
 * The event of a line that nobody has scanned, of which `head` is known; undefined where it is not known where its
 * bodies begin. Apart from what is read where it stands, it is parsed when that is first asked for. Of a line that is no JSON after all only that is
 * given. It holds as long as the line does.
 */
export function toldEvent(line: ToldLine, head: SharedHead): (AuditEvent & PartlyParsed) | undefined {
  // What is absent reads as undefined.
  return line.isBodyFound ? (new ToldEvent(line, head) as AuditEvent & PartlyParsed) : undefined;
}

/** Whether what an answer tells is that events are to be pushed. */
export function isWanted(tells: PodChange | Wanted | undefined): tells is Wanted {
  return typeof tells === "object";
}

class ToldEvent implements PartlyParsed, Partial<Record<keyof AuditEvent, unknown>> {
  readonly #line: ToldLine;
  readonly #head: SharedHead;
  #held: EventBodies | undefined;
  #auditID: string | undefined;
  #requestURI: string | undefined;
  #stageTimestamp: string | undefined;
  #plain: AuditEvent | undefined;
  #texts: EventTexts | undefined;

  constructor(line: ToldLine, head: SharedHead) {
    this.#line = line;
    this.#head = head;
  }

  get kind(): string | undefined {
    return this.toJSON().kind;
  }

  get apiVersion(): string | undefined {
    return this.toJSON().apiVersion;
  }

  get level(): Level {
    return this.get("level") as Level;
  }

  get auditID(): string {
    return (this.#auditID ??= this.#line.auditID);
  }

  get stage(): Stage {
    return this.get("stage") as Stage;
  }

  get requestURI(): string {
    return (this.#requestURI ??= this.#line.requestURI);
  }

  get verb(): string {
    return this.get("verb") as string;
  }

  get user(): UserInfo {
    return this.toJSON().user;
  }

  get impersonatedUser(): UserInfo | undefined {
    return this.toJSON().impersonatedUser;
  }

  get authenticationMetadata(): JsonObject | undefined {
    return this.toJSON().authenticationMetadata;
  }

  get sourceIPs(): readonly string[] | undefined {
    return this.get("sourceIPs") as readonly string[] | undefined;
  }

  get userAgent(): string | undefined {
    return this.get("userAgent") as string | undefined;
  }

  get objectRef(): ObjectReference | undefined {
    return this.toJSON().objectRef;
  }

  get responseStatus(): ResponseStatus | undefined {
    return this.toJSON().responseStatus;
  }

  get requestObject(): JsonValue | undefined {
    return this.#bodies().value("requestObject");
  }

  get responseObject(): JsonValue | undefined {
    return this.#bodies().value("responseObject");
  }

  get requestReceivedTimestamp(): string | undefined {
    return this.#line.requestReceivedTimestamp;
  }

  isRequestURI(text: string): boolean {
    return this.#requestURI === undefined ? this.#line.isRequestURI(text) : this.#requestURI === text;
  }

  isWithoutQuery(): boolean {
    return this.#line.isWithoutQuery;
  }

  isReceivedAt(text: string): boolean {
    return this.#line.isReceivedAt(text);
  }

  get time(): number {
    return this.#line.time;
  }

  get micros(): number {
    return this.#line.micros;
  }

  get idHash(): number {
    return this.#line.idHash;
  }

  get stageTimestamp(): string | undefined {
    return (this.#stageTimestamp ??= this.#line.stageTimestamp);
  }

  get annotations(): Readonly<Record<string, string>> | undefined {
    return this.get("annotations") as Readonly<Record<string, string>> | undefined;
  }

  toJSON(): AuditEvent {
    return (this.#plain ??= this.#parse());
  }

  has(body: BodyName): boolean {
    return this.#bodies().has(body);
  }

  isMissing(body: BodyName): boolean {
    return this.#bodies().isMissing(body);
  }

  lacksAll(body: BodyName, endings: KeyEndings): boolean {
    return this.#bodies().lacksAll(body, endings);
  }

  find(body: BodyName, paths: KeyPaths): void {
    this.#bodies().find(body, paths);
  }

  part(body: BodyName, keys: readonly string[]): JsonValue | undefined {
    return this.#bodies().part(body, keys);
  }

  isObject(body: BodyName): boolean {
    return this.#bodies().isObject(body);
  }

  member(body: BodyName, key: string): JsonValue | undefined {
    return this.#bodies().member(body, key);
  }

  holdsNone(texts: readonly string[]): boolean {
    return (this.#texts ??= new EventTexts(this.#line.bytes)).holdNone(texts);
  }

  spelling(body: BodyName, maxLength: number): string | undefined {
    return this.#bodies().spelling(body, maxLength);
  }

  get(field: HeadField): JsonValue | undefined {
    if (field === "requestURI") {
      return this.requestURI;
    }
    return field === "objectRef.name" ? this.#line.name : this.#head.get(field);
  }

  #bodies(): EventBodies {
    return (this.#held ??= new EventBodies(this.#line.memory, this.#line.bodies ?? this.toJSON()));
  }

  #parse(): AuditEvent {
    try {
      return JSON.parse(this.#line.bytes.toString("utf8")) as AuditEvent;
    } catch {
      return this.#known();
    }
  }

  /** What is known without parsing anything. */
  #known(): AuditEvent {
    const event: Record<string, unknown> = {
      auditID: this.auditID,
      stageTimestamp: this.stageTimestamp,
      requestReceivedTimestamp: this.requestReceivedTimestamp,
      user: {},
    };
    for (const field of HEAD_FIELDS) {
      const [root = "", key, ...deeper] = field.split(".");
      const value = this.get(field);
      if (value !== undefined && deeper.length === 0) {
        event[root] = key === undefined ? value : { ...(event[root] as JsonObject | undefined), [key]: value };
      }
    }
    return event as unknown as AuditEvent;
  }
}
