import type { AuditEvent } from "@auditsieve/audit";
import { factsOf } from "./summary.ts";
import type { EventFacts } from "./summary.ts";

/** Makes an event as it may leave; undefined where it turns out to be none. */
export type ShowEvent = () => ShownEvent | undefined;

/**
 * An event as it may leave, secrets replaced. Mostly it is only written, so its JSON is kept as it is: it is parsed when somebody asks what else it
 * says, and every byte of a number or a text that is no secret stays as the apiserver wrote it.
 *
 * @example
 * const json = '{"level":"Metadata","auditID":"a","stage":"ResponseComplete","requestURI":"/version","verb":"get","user":{"username":"eve"}}';
 * const shown = ShownEvent.ofJson(json);
 * assert.equal(shown?.json, json);
 * assert.equal(shown?.event.verb, "get");
 */
export class ShownEvent {
  #json: string | undefined;
  #event: AuditEvent | undefined;
  #auditID: string | undefined;
  #facts: EventFacts | undefined;

  private constructor(json: string | undefined, event: AuditEvent | undefined) {
    this.#json = json;
    this.#event = event;
  }

  /** Of an event that does not change any more; with its JSON where that is at hand. */
  static of(event: AuditEvent, json?: string): ShownEvent {
    return new ShownEvent(json, event);
  }

  /**
   * Of its JSON, in one line; undefined when it is none. Who gives the event as it is `read` from its line must know that it is: that is asked at once,
   * and not kept.
   */
  static ofJson(json: string, read?: AuditEvent): ShownEvent | undefined {
    if (read === undefined) {
      const event = parsed(json);
      return event && new ShownEvent(json, event);
    }
    const shown = new ShownEvent(json, undefined);
    shown.#auditID = read.auditID;
    shown.#facts = factsOf(read);
    return shown;
  }

  get auditID(): string {
    return (this.#auditID ??= this.event.auditID);
  }

  get facts(): EventFacts {
    return (this.#facts ??= factsOf(this.event));
  }

  get json(): string {
    return (this.#json ??= JSON.stringify(this.#event));
  }

  get event(): AuditEvent {
    return (this.#event ??= JSON.parse(this.json) as AuditEvent);
  }
}

function parsed(json: string): AuditEvent | undefined {
  try {
    return JSON.parse(json) as AuditEvent;
  } catch {
    return undefined;
  }
}
