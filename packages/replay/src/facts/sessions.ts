import type { Identity } from "./event-head.ts";
import type { Place } from "./read-events.ts";
import { TouchTable } from "./touch-table.ts";

/** One way of acting: an identity with a credential, from an address, by a program. */
export interface Session {
  readonly id: number;
  readonly identity: Identity;
  readonly impersonated: string | undefined;
  readonly sourceIP: string;
  readonly userAgent: string;
  first: string;
  last: string;
  firstPlace: Place;
  requests: number;
  /** Answered 401 or 403. */
  refused: number;
  writes: number;
}

/** What a session did to something, how often. */
export interface Touch {
  readonly session: Session;
  readonly verb: string;
  /** `pods/exec`, `deployments.apps`, or a path. */
  readonly resource: string;
  readonly namespace: string;
  /** `*` where there were too many names to keep. */
  readonly name: string;
  first: string;
  last: string;
  requests: number;
  refused: number;
  /** The first of them, and the first that was not refused where there is one. */
  place: Place;
}

/** One request of a session. */
export interface Act {
  readonly touch: Touch;
  readonly time: string;
  readonly place: Place;
  readonly code: number;
}

/** Who sends a request. */
export type Actor = Pick<Session, "identity" | "impersonated" | "sourceIP" | "userAgent">;

/** What a request is about. */
export type Target = Pick<Touch, "verb" | "resource" | "namespace" | "name">;

/** One answered request, as far as sessions want to know. */
export interface Answered {
  readonly time: string;
  readonly place: Place;
  readonly code: number;
  /** Answered 401 or 403. */
  readonly isRefused: boolean;
  readonly isWrite: boolean;
}

/** Bounds: an attacker chooses user agents and names, and control loops touch everything. */
const MOST_SESSIONS = 20_000;
const MOST_TOUCHES = 200_000;
/** Of what tells sessions apart, and of the names of what they touched. */
const MOST_SESSION_LETTERS = 16 * 1024 * 1024;
const MOST_NAME_LETTERS = 32 * 1024 * 1024;
const MOST_NAMES_A_SESSION = 600;
const MOST_ACTS = 150_000;
const MOST_ACTS_A_SESSION = 300;

const WRITES: ReadonlySet<string> = new Set(["create", "update", "patch", "delete", "deletecollection"]);

/** Whether a verb writes. */
export function isWrite(verb: string): boolean {
  return WRITES.has(verb);
}

/** What {@link SessionTable.restore} goes on from; sessions are the same objects throughout. */
export interface SessionsSnapshot {
  readonly sessions: Map<string, Session>;
  readonly touches: readonly Touch[];
  readonly names: Map<Session, number>;
  readonly acts: Map<Session, Act[]>;
  readonly actCount: number;
  readonly folded: number;
}

/** Who acted with what, from where, and on what: counted as events go by. */
export class SessionTable {
  #sessions = new Map<string, Session>();
  readonly #touches = new TouchTable<Touch>();
  #names = new Map<Session, number>();
  #acts = new Map<Session, Act[]>();
  #actCount = 0;
  #sessionLetters = 0;
  #nameLetters = 0;
  /** Requests that are counted under `*` because there was no room for their own names. */
  folded = 0;

  /** The session of who sends a request; it begins with this one where it is not known. */
  of({ identity, impersonated, sourceIP, userAgent }: Actor, { time, place }: Answered): Session {
    const { name, credential = "", pod } = identity;
    const key = `${name}\n${credential}\n${pod?.uid ?? ""}\n${impersonated ?? ""}\n${sourceIP}\n${userAgent}`;
    const isFull = this.#sessions.size >= MOST_SESSIONS || this.#sessionLetters >= MOST_SESSION_LETTERS;
    const known = this.#sessions.get(key) ?? (isFull ? this.#sessions.get(OTHERS) : undefined);
    if (known !== undefined) {
      return known;
    }
    const session: Session = {
      id: this.#sessions.size,
      identity: isFull ? { ...identity, name: OTHERS, credential: undefined, pod: undefined } : identity,
      impersonated: isFull ? undefined : impersonated,
      sourceIP: isFull ? OTHERS : sourceIP,
      userAgent: isFull ? OTHERS : userAgent,
      first: time,
      last: time,
      firstPlace: place,
      requests: 0,
      refused: 0,
      writes: 0,
    };
    this.#sessions.set(isFull ? OTHERS : key, session);
    this.#sessionLetters += lettersOf(key, session);
    return session;
  }

  /** Counts a request of a session. Gives the touch that stands for its target alone; undefined where others are counted there too. */
  add(session: Session, target: Target, request: Answered): Touch | undefined {
    const { touch, isFolded } = this.#touch(session, target, request);
    this.again(touch, request);
    this.folded += isFolded ? 1 : 0;
    return isFolded ? undefined : touch;
  }

  /** Counts another request about what a touch stands for. */
  again(touch: Touch, { time, place, code, isRefused, isWrite }: Answered): void {
    const { session } = touch;
    const refused = isRefused ? 1 : 0;
    session.requests++;
    session.refused += refused;
    session.writes += isWrite ? 1 : 0;
    session.first = time < session.first ? time : session.first;
    session.last = time > session.last ? time : session.last;
    if (!isRefused && touch.refused === touch.requests) {
      touch.place = place;
    }
    touch.requests++;
    touch.refused += refused;
    touch.last = time > touch.last ? time : touch.last;
    if (session.requests <= MOST_ACTS_A_SESSION) {
      this.#act({ touch, time, place, code });
    }
  }

  snapshot(): SessionsSnapshot {
    const [sessions, touches, names, acts] = [this.#sessions, this.#touches.all(), this.#names, this.#acts];
    return { sessions, touches, names, acts, actCount: this.#actCount, folded: this.folded };
  }

  restore({ sessions, touches, names, acts, actCount, folded }: SessionsSnapshot): void {
    this.#sessions = sessions;
    this.#sessionLetters = [...sessions].reduce((sum, [key, session]) => sum + lettersOf(key, session), 0);
    this.#touches.restore(touches);
    this.#nameLetters = touches.reduce((sum, touch) => sum + nameLettersOf(touch), 0);
    this.#names = names;
    this.#acts = acts;
    this.#actCount = actCount;
    this.folded = folded;
  }

  /** Requests of those that there was no room for: identities, credentials, addresses and programs that came later. */
  get others(): number {
    return this.#sessions.get(OTHERS)?.requests ?? 0;
  }

  /** The first requests of a session, in the order of the log. */
  acts(session: Session): readonly Act[] {
    return this.#acts.get(session) ?? [];
  }

  sessions(): readonly Session[] {
    return [...this.#sessions.values()];
  }

  touches(): readonly Touch[] {
    return this.#touches.all();
  }

  #act(act: Act): void {
    const { session } = act.touch;
    const acts = this.#acts.get(session);
    if (acts === undefined) {
      this.#acts.set(session, [act]);
    } else if (this.#actCount < MOST_ACTS) {
      acts.push(act);
      this.#actCount++;
    }
  }

  #touch(
    session: Session,
    { verb, resource, namespace, name }: Target,
    { time, place }: Answered,
  ): { readonly touch: Touch; readonly isFolded: boolean } {
    let key: Pick<Touch, "session" | keyof Target> = { session, verb, resource, namespace, name };
    let touch = this.#touches.find(key);
    const isFolded = touch === undefined && this.#isFull(session);
    if (isFolded) {
      key = { ...key, namespace: "*", name: "*" };
      touch = this.#touches.find(key);
    }
    if (touch === undefined) {
      this.#names.set(session, (this.#names.get(session) ?? 0) + 1);
      touch = { ...key, first: time, last: time, requests: 0, refused: 0, place };
      this.#touches.add(touch);
      this.#nameLetters += nameLettersOf(touch);
    }
    return { touch, isFolded };
  }

  #isFull(session: Session): boolean {
    return (
      this.#touches.size >= MOST_TOUCHES ||
      this.#nameLetters >= MOST_NAME_LETTERS ||
      (this.#names.get(session) ?? 0) >= MOST_NAMES_A_SESSION
    );
  }
}

const OTHERS = "(others)";

function lettersOf(key: string, { identity }: Session): number {
  return key.length + identity.groups.reduce((sum, group) => sum + group.length, 0);
}

/** The resource is that of many. */
function nameLettersOf({ namespace, name }: Touch): number {
  return namespace.length + name.length;
}
