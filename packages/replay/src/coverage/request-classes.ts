import { LEVELS } from "@auditsieve/audit";
import type { EventScan, Level } from "@auditsieve/audit";

/** How much the log says about one class of request. */
export interface ClassCoverage {
  /** `pods/exec`, `deployments.apps`, or the first part of a path: `/healthz`. */
  readonly resource: string;
  /** Whether the requests change something. */
  readonly isWrite: boolean;
  readonly events: number;
  readonly byLevel: Readonly<Partial<Record<Level, number>>>;
  /** Bodies cut off by the apiserver. */
  readonly truncated: number;
}

const MAX_CLASSES = 2000;
const READS: ReadonlySet<string> = new Set(["get", "list", "watch", "head", "options", ""]);

/** The events of one class, counted. */
export interface ClassCount {
  readonly resource: string;
  readonly isWrite: boolean;
  readonly byLevel: number[];
  truncated: number;
}

/** What {@link RequestClasses.restore} goes on from. */
export interface ClassesSnapshot {
  readonly classes: Map<string, ClassCount>;
  readonly others: number;
}

/** Counts levels by class of request. */
export class RequestClasses {
  #classes = new Map<string, ClassCount>();
  #others = 0;

  /** The class of the event last scanned; undefined where there are too many. */
  find(scan: EventScan): ClassCount | undefined {
    const verb = scan.text("verb") ?? "";
    const resource = classOf(scan);
    const isWrite = !READS.has(verb);
    const key = isWrite ? `w${resource}` : resource;
    let known = this.#classes.get(key);
    if (known === undefined && this.#classes.size < MAX_CLASSES) {
      known = { resource, isWrite, byLevel: LEVELS.map(() => 0), truncated: 0 };
      this.#classes.set(key, known);
    }
    return known;
  }

  /** Counts an event of that class; `level` is its place among LEVELS. */
  add(known: ClassCount | undefined, level: number, isTruncated: boolean): void {
    if (known === undefined) {
      this.#others++;
      return;
    }
    known.byLevel[level] = (known.byLevel[level] ?? 0) + 1;
    known.truncated += isTruncated ? 1 : 0;
  }

  snapshot(): ClassesSnapshot {
    return { classes: this.#classes, others: this.#others };
  }

  restore({ classes, others }: ClassesSnapshot): void {
    this.#classes = classes;
    this.#others = others;
  }

  total(): { readonly classes: readonly ClassCoverage[]; readonly others: number } {
    const classes = [...this.#classes.values()].map(({ resource, isWrite, byLevel, truncated }) => ({
      resource,
      isWrite,
      events: byLevel.reduce((sum, events) => sum + events, 0),
      byLevel: Object.fromEntries(
        LEVELS.map((level, i) => [level, byLevel[i] ?? 0]).filter(([, events]) => events !== 0),
      ),
      truncated,
    }));
    return {
      classes: classes.sort((a, b) => b.events - a.events || (a.resource < b.resource ? -1 : 1)),
      others: this.#others,
    };
  }
}

/** Whether an event belongs to a class by its path, which may differ where all else of its head is the same. */
export function isClassedByPath(scan: EventScan): boolean {
  return (scan.text("objectRef.resource") ?? "") === "";
}

function classOf(scan: EventScan): string {
  const resource = scan.text("objectRef.resource") ?? "";
  if (resource === "") {
    return /^\/[^/?]*/.exec(scan.text("requestURI") ?? "")?.[0] ?? "/";
  }
  const group = scan.text("objectRef.apiGroup") ?? "";
  const subresource = scan.text("objectRef.subresource") ?? "";
  return `${resource}${group === "" ? "" : `.${group}`}${subresource === "" ? "" : `/${subresource}`}`;
}
