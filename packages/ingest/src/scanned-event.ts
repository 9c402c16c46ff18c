import type {
  AuditEvent,
  EventScan,
  Field,
  JsonObject,
  JsonValue,
  Level,
  ObjectReference,
  ResponseStatus,
  Stage,
  UserInfo,
} from "@auditsieve/audit";

const BODIES = ["requestObject", "responseObject"] as const;
type Body = (typeof BODIES)[number];

/**
 * The event last scanned by `scan`, whose line is `line`. What is asked for is parsed when it is first read, and only then: a
 * field of the head, a body, or (by `toJSON`) all but the bodies. It outlives what `scan` holds.
 *
 * @example
 * const event = scannedEvent(scan, line);
 * event.objectRef?.name; // parses objectRef
 */
export function scannedEvent(scan: EventScan, line: Buffer): AuditEvent & { toJSON(): AuditEvent } {
  // What is absent reads as undefined.
  return new ScannedEvent(scan, line) as AuditEvent & { toJSON(): AuditEvent };
}

class ScannedEvent implements Partial<Record<keyof AuditEvent, unknown>> {
  readonly #scan: EventScan;
  /** The scan's count while it holds this event. */
  readonly #held: number;
  readonly #line: Buffer;
  /** Where the bodies stand in the line: `from, to` of the request's and the response's, 0 where there is none. */
  readonly #bodies: readonly [number, number, number, number];
  readonly #values = new Map<Field, unknown>();
  #plain: AuditEvent | undefined;
  #user: UserInfo | undefined;

  constructor(scan: EventScan, line: Buffer) {
    this.#scan = scan;
    this.#held = scan.scans;
    this.#line = line;
    const [request, response] = BODIES;
    this.#bodies = [
      scan.has(request) ? scan.valueStart(request) - scan.start : 0,
      scan.has(request) ? scan.valueEnd(request) - scan.start : 0,
      scan.has(response) ? scan.valueStart(response) - scan.start : 0,
      scan.has(response) ? scan.valueEnd(response) - scan.start : 0,
    ];
  }

  get kind(): string | undefined {
    return this.toJSON().kind;
  }

  get apiVersion(): string | undefined {
    return this.toJSON().apiVersion;
  }

  get level(): Level {
    return this.#text("level") as Level;
  }

  get auditID(): string {
    return this.#text("auditID") as string;
  }

  get stage(): Stage {
    return this.#text("stage") as Stage;
  }

  get requestURI(): string {
    return this.#text("requestURI") as string;
  }

  get verb(): string {
    return this.#text("verb") as string;
  }

  get user(): UserInfo {
    return (this.#user ??= this.#isHeld("user") ? this.#userByParts() : this.toJSON().user);
  }

  get impersonatedUser(): UserInfo | undefined {
    return this.#object("impersonatedUser") as UserInfo | undefined;
  }

  get authenticationMetadata(): JsonObject | undefined {
    return this.toJSON().authenticationMetadata;
  }

  get sourceIPs(): readonly string[] | undefined {
    return this.#object("sourceIPs") as readonly string[] | undefined;
  }

  get userAgent(): string | undefined {
    return this.#text("userAgent");
  }

  get objectRef(): ObjectReference | undefined {
    return this.#object("objectRef") as ObjectReference | undefined;
  }

  get responseStatus(): ResponseStatus | undefined {
    return this.#object("responseStatus") as ResponseStatus | undefined;
  }

  get requestObject(): JsonValue | undefined {
    return this.#body("requestObject");
  }

  get responseObject(): JsonValue | undefined {
    return this.#body("responseObject");
  }

  get requestReceivedTimestamp(): string | undefined {
    return this.#text("requestReceivedTimestamp");
  }

  get stageTimestamp(): string | undefined {
    return this.#text("stageTimestamp");
  }

  get annotations(): Readonly<Record<string, string>> | undefined {
    return this.#object("annotations") as Readonly<Record<string, string>> | undefined;
  }

  /** The event as the plain object that its line says, its bodies parsed when they are first read. */
  toJSON(): AuditEvent {
    return (this.#plain ??= this.#parse());
  }

  #text(field: "level" | "auditID" | "stage" | "requestURI" | "verb" | TextField): string | undefined {
    return this.#isHeld(field) ? this.#scan.text(field) : this.toJSON()[field];
  }

  #userByParts(): UserInfo {
    const text = (part: "username" | "uid"): string | undefined =>
      this.#isHeld(`user.${part}`) ? this.#scan.text(`user.${part}`) : this.toJSON().user[part];
    const value = (part: "groups" | "extra"): unknown =>
      this.#isHeld(`user.${part}`) ? this.#scan.value(`user.${part}`) : this.toJSON().user[part];
    const user = {
      get username() {
        return text("username");
      },
      get uid() {
        return text("uid");
      },
      get groups() {
        return value("groups");
      },
      get extra() {
        return value("extra");
      },
    };
    // What is absent reads as undefined.
    return user as UserInfo;
  }

  /** Whether the scan still has the field. */
  #isHeld(field: Field): boolean {
    return this.#plain === undefined && this.#scan.scans === this.#held && this.#scan.has(field);
  }

  #object(field: ObjectField): unknown {
    if (!this.#isHeld(field)) {
      return this.toJSON()[field];
    }
    if (!this.#values.has(field)) {
      this.#values.set(field, this.#scan.value(field));
    }
    return this.#values.get(field);
  }

  #body(field: Body): JsonValue | undefined {
    const [requestFrom, requestTo, responseFrom, responseTo] = this.#bodies;
    const [from, to] = field === "requestObject" ? [requestFrom, requestTo] : [responseFrom, responseTo];
    if (to === 0) {
      return this.toJSON()[field];
    }
    if (!this.#values.has(field)) {
      this.#values.set(field, JSON.parse(this.#line.toString("utf8", from, to)));
    }
    return this.#values.get(field) as JsonValue;
  }

  #parse(): AuditEvent {
    const line = this.#line;
    const [requestFrom, requestTo, responseFrom, responseTo] = this.#bodies;
    const bodies = [
      { field: "requestObject" as const, from: requestFrom, to: requestTo },
      { field: "responseObject" as const, from: responseFrom, to: responseTo },
    ]
      .filter(({ to }) => to > 0)
      .sort((a, b) => a.from - b.from);
    let text = "";
    let at = 0;
    for (const { from, to } of bodies) {
      text += `${line.toString("utf8", at, from)}null`;
      at = to;
    }
    const event = JSON.parse(text + line.toString("utf8", at)) as AuditEvent;
    for (const { field } of bodies) {
      Object.defineProperty(event, field, { enumerable: true, configurable: true, get: () => this.#body(field) });
    }
    return event;
  }
}

type TextField = "userAgent" | "requestReceivedTimestamp" | "stageTimestamp";
type ObjectField = "impersonatedUser" | "sourceIPs" | "objectRef" | "responseStatus" | "annotations";
