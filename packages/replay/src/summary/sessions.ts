import type { Identity } from "./event-head.ts";
import type { Place } from "./read-events.ts";

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

/** One answered request, as far as sessions want to know. */
export interface Answered {
  readonly identity: Identity;
  readonly impersonated: string | undefined;
  readonly sourceIP: string;
  readonly userAgent: string;
  readonly time: string;
  readonly place: Place;
  readonly verb: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly code: number;
}

/** Bounds: an attacker chooses user agents and names, and control loops touch everything. */
const MOST_SESSIONS = 20_000;
const MOST_TOUCHES = 200_000;
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
  readonly touches: Map<string, Touch>;
  readonly names: Map<Session, number>;
  readonly acts: Map<Session, Act[]>;
  readonly actCount: number;
  readonly folded: number;
}

/** Who acted with what, from where, and on what: counted as events go by. */
export class SessionTable {
  #sessions = new Map<string, Session>();
  #touches = new Map<string, Touch>();
  #names = new Map<Session, number>();
  #acts = new Map<Session, Act[]>();
  #actCount = 0;
  /** Requests that are counted under `*` because there was no room for their own names. */
  folded = 0;

  add(request: Answered): Session {
    const session = this.#session(request);
    const isRefused = request.code === 401 || request.code === 403;
    session.requests++;
    session.refused += isRefused ? 1 : 0;
    session.writes += isWrite(request.verb) ? 1 : 0;
    session.first = request.time < session.first ? request.time : session.first;
    session.last = request.time > session.last ? request.time : session.last;
    this.#act(session, request, this.#touch(session, request, isRefused));
    return session;
  }

  snapshot(): SessionsSnapshot {
    const [sessions, touches, names, acts] = [this.#sessions, this.#touches, this.#names, this.#acts];
    return { sessions, touches, names, acts, actCount: this.#actCount, folded: this.folded };
  }

  restore({ sessions, touches, names, acts, actCount, folded }: SessionsSnapshot): void {
    this.#sessions = sessions;
    this.#touches = touches;
    this.#names = names;
    this.#acts = acts;
    this.#actCount = actCount;
    this.folded = folded;
  }

  /** The first requests of a session, in the order of the log. */
  acts(session: Session): readonly Act[] {
    return this.#acts.get(session) ?? [];
  }

  sessions(): readonly Session[] {
    return [...this.#sessions.values()];
  }

  touches(): readonly Touch[] {
    return [...this.#touches.values()];
  }

  #session({ identity, impersonated, sourceIP, userAgent, time, place }: Answered): Session {
    const { name, credential = "", pod } = identity;
    const isFull = this.#sessions.size >= MOST_SESSIONS;
    const agent = isFull ? "(others)" : userAgent;
    const address = isFull ? "(others)" : sourceIP;
    const who = `${name}\n${credential}\n${pod?.uid ?? ""}\n${impersonated ?? ""}`;
    const key = `${who}\n${address}\n${agent}`;
    const known = this.#sessions.get(key) ?? (isFull ? this.#sessions.get(OTHERS) : undefined);
    if (known !== undefined) {
      return known;
    }
    const session: Session = {
      id: this.#sessions.size,
      identity: isFull ? { ...identity, name: "(others)", credential: undefined, pod: undefined } : identity,
      impersonated: isFull ? undefined : impersonated,
      sourceIP: address,
      userAgent: agent,
      first: time,
      last: time,
      firstPlace: place,
      requests: 0,
      refused: 0,
      writes: 0,
    };
    this.#sessions.set(isFull ? OTHERS : key, session);
    return session;
  }

  #act(session: Session, { time, place, code }: Answered, touch: Touch): void {
    const acts = this.#acts.get(session);
    if (acts === undefined) {
      this.#acts.set(session, [{ touch, time, place, code }]);
    } else if (acts.length < MOST_ACTS_A_SESSION && this.#actCount < MOST_ACTS) {
      acts.push({ touch, time, place, code });
      this.#actCount++;
    }
  }

  #touch(session: Session, request: Answered, isRefused: boolean): Touch {
    const { verb, resource, namespace, time, place } = request;
    let key = `${session.id}\n${verb}\n${resource}\n${namespace}\n${request.name}`;
    let touch = this.#touches.get(key);
    if (touch === undefined && this.#isFull(session)) {
      this.folded++;
      key = `${session.id}\n${verb}\n${resource}\n*`;
      touch = this.#touches.get(key);
    }
    if (touch === undefined) {
      const isFolded = key.endsWith("\n*");
      this.#names.set(session, (this.#names.get(session) ?? 0) + 1);
      touch = {
        session,
        verb,
        resource,
        namespace: isFolded ? "*" : namespace,
        name: isFolded ? "*" : request.name,
        first: time,
        last: time,
        requests: 0,
        refused: 0,
        place,
      };
      this.#touches.set(key, touch);
    }
    if (!isRefused && touch.refused === touch.requests) {
      touch.place = place;
    }
    touch.requests++;
    touch.refused += isRefused ? 1 : 0;
    touch.last = time > touch.last ? time : touch.last;
    return touch;
  }

  #isFull(session: Session): boolean {
    return this.#touches.size >= MOST_TOUCHES || (this.#names.get(session) ?? 0) >= MOST_NAMES_A_SESSION;
  }
}

const OTHERS = "(others)";
