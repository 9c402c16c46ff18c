import type { OversizeLine } from "@auditsieve/audit";
import { isTimestamp } from "../timestamp.ts";

const TAIL_BYTES = 32 * 1024;
const QUOTE = 34;
const BACKSLASH = 92;
/** Fields that stand before the bodies; only these are taken from the head of a line that was not read as a whole. */
const HEAD_FIELDS: ReadonlySet<string> = new Set([
  "kind",
  "apiVersion",
  "level",
  "auditID",
  "stage",
  "requestURI",
  "verb",
  "user",
  "impersonatedUser",
  "authenticationMetadata",
  "sourceIPs",
  "userAgent",
  "objectRef",
  "responseStatus",
]);

/** The last bytes of a long line as it passes: the times stand behind the bodies. */
export class LineTail {
  readonly #bytes = Buffer.alloc(TAIL_BYTES);
  #length = 0;

  push(bytes: Buffer, start: number, end: number): void {
    const from = Math.max(start, end - TAIL_BYTES);
    const fresh = end - from;
    const kept = Math.min(this.#length, TAIL_BYTES - fresh);
    this.#bytes.copyWithin(0, this.#length - kept, this.#length);
    bytes.copy(this.#bytes, kept, from, end);
    this.#length = kept + fresh;
  }

  /** What was pushed since the last call. */
  take(): string {
    const text = this.#bytes.toString("utf8", 0, this.#length);
    this.#length = 0;
    return text.trimEnd();
  }
}

/**
 * A valid event out of a line over the limit: its fields before and behind the bodies, and in place of the bodies the
 * annotation that the apiserver itself uses, with size and hash. Undefined when head fields that every event has are missing.
 */
export function reducedEvent(line: OversizeLine, tail: string): Buffer | undefined {
  const fields = new Map<string, unknown>();
  for (const [key, value] of headMembers(line.head)) {
    if (HEAD_FIELDS.has(key) && !fields.has(key)) {
      fields.set(key, value);
    }
  }
  if (["level", "stage", "requestURI", "verb", "user"].some((key) => !fields.has(key))) {
    return undefined;
  }
  const { annotations, ...times } = tailFields(tail);
  return Buffer.from(
    JSON.stringify({
      ...Object.fromEntries(fields),
      ...times,
      annotations: {
        ...annotations,
        "audit.k8s.io/truncated": "true",
        "auditsieve.io/reduced": `line of ${line.bytes} bytes, sha256 ${line.sha256}`,
      },
    }),
  );
}

/** The members of the outermost object that end within the head, in their order. */
function* headMembers(head: Buffer): Generator<readonly [string, unknown]> {
  let depth = 0;
  let isInString = false;
  let start = -1;
  for (let at = 0; at < head.length; at++) {
    const byte = head[at];
    if (isInString) {
      if (byte === BACKSLASH) {
        at++;
      } else if (byte === QUOTE) {
        isInString = false;
      }
    } else if (byte === QUOTE) {
      isInString = true;
    } else if (byte === 123 || byte === 91) {
      depth++;
      if (depth === 1) {
        start = at + 1;
      }
    } else if (byte === 125 || byte === 93) {
      depth--;
    } else if (byte === 44 && depth === 1) {
      const member = parseMember(head.toString("utf8", start, at));
      if (member === undefined) {
        return;
      }
      yield member;
      start = at + 1;
    }
  }
}

function parseMember(text: string): readonly [string, unknown] | undefined {
  try {
    const [entry] = Object.entries(JSON.parse(`{${text}}`) as Record<string, unknown>);
    return entry;
  } catch {
    return undefined;
  }
}

interface TailFields {
  readonly requestReceivedTimestamp?: string;
  readonly stageTimestamp?: string;
  readonly annotations?: Readonly<Record<string, unknown>>;
}

/**
 * The fields behind the bodies. Inside strings quotes are escaped, so the key cannot stand there; and only where exactly one
 * object is closed behind it does it stand in the event itself and not in a body.
 */
function tailFields(tail: string): TailFields {
  const key = ',"requestReceivedTimestamp":';
  for (let at = tail.lastIndexOf(key); at > 0; at = tail.lastIndexOf(key, at - 1)) {
    try {
      const fields = JSON.parse(`{${tail.slice(at + 1)}`) as Record<string, unknown>;
      const { requestReceivedTimestamp: received, stageTimestamp: staged, annotations } = fields;
      return {
        ...(typeof received === "string" && isTimestamp(received) && { requestReceivedTimestamp: received }),
        ...(typeof staged === "string" && isTimestamp(staged) && { stageTimestamp: staged }),
        ...(typeof annotations === "object" &&
          annotations !== null && { annotations: annotations as Record<string, unknown> }),
      };
    } catch {
      continue;
    }
  }
  return {};
}
