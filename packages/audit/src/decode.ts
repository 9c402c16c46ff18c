import type { AuditEvent } from "./event.ts";
import type { Problem } from "./problem.ts";
import { EventScan } from "./scan.ts";
import type { Undecidable } from "./scan.ts";

/** An audit event out of a line, or why there is none. */
export type Decoded =
  | { readonly ok: true; readonly event: AuditEvent }
  | { readonly ok: false; readonly problem: Problem };

/**
 * Parses one line (without its newline) into an audit event. Accepts exactly the lines that {@link EventScan} can decide.
 *
 * @example
 * const decoded = decodeEvent(Buffer.from("{"));
 * assert.equal(decoded.ok, false);
 */
export function decodeEvent(line: Buffer): Decoded {
  const scan = new EventScan();
  if (scan.scan(line, 0, line.length)) {
    return { ok: true, event: JSON.parse(line.toString("utf8")) as AuditEvent };
  }
  return { ok: false, problem: undecidableProblem(scan) };
}

/**
 * Says why the line last scanned by `scan` cannot be decided. Nothing of the line's own text is in the message. `hint`: what to do, where
 * the line itself says it ({@link wrapperHint}).
 *
 * @example
 * const scan = new EventScan();
 * scan.scan(Buffer.from("no event"), 0, 8);
 * assert.equal(undecidableProblem(scan).id, "line-not-json");
 */
export function undecidableProblem(scan: EventScan, hint?: string): Problem {
  const bytes = scan.end - scan.start;
  const reason = scan.reason ?? "not-json";
  return {
    id: `line-${reason}`,
    severity: "error",
    message: `Cannot decode the line as an audit event: ${WHY[reason](scan.reasonField ?? "", bytes)}`,
    hint: hint ?? HINTS[reason],
  };
}

/**
 * What to do about a line that cannot be decided for this {@link EventScan.reason}; undefined where it is none.
 *
 * @example
 * assert.match(undecidableHint("not-json") ?? "", /copytruncate/);
 */
export function undecidableHint(reason: string): string | undefined {
  return Object.hasOwn(HINTS, reason) ? HINTS[reason as Undecidable] : undefined;
}

const WHY: Readonly<Record<Undecidable, (field: string, bytes: number) => string>> = {
  "not-json": (_field, bytes) =>
    bytes === 0 ? "the line is empty" : `its ${bytes} bytes are not one well-formed JSON object`,
  "duplicate-field": (field) => `the field ${field} stands in it twice`,
  "wrong-type": (field) => `the field ${field} has a value of another type than audit.k8s.io/v1 says`,
  "missing-field": (field) => `the field ${field} is missing`,
  "not-an-audit-event": (field) => `its ${field} is none of an audit.k8s.io/v1 Event`,
  "in-an-envelope": () => "it is in an envelope that no event can be taken out of",
};

const HINTS: Readonly<Record<Undecidable, string>> = {
  "not-json": "Torn or glued lines come from a full disk, a crash or copytruncate; binary files are no audit logs",
  "duplicate-field": "No apiserver writes this: look at how the line came into the log",
  "wrong-type": "No apiserver writes this: look at how the line came into the log",
  "missing-field": "Is this an audit log? Each line must be one audit.k8s.io/v1 Event",
  "not-an-audit-event": "Events of audit.k8s.io/v1, v1beta1 and v1alpha1 are read; no apiserver writes another version",
  "in-an-envelope":
    "It holds the log of another component, a message of the provider's, or an event that it has cut: export that one again",
};
