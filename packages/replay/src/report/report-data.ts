import type { RbacChange } from "../history/rbac-at.ts";

/** Everything that a report shows; every text is safe to show as text, every event is redacted. Numbers named `…event` are indexes into `events`. */
export interface ReportData {
  readonly tool: string;
  readonly madeAt: string;
  readonly log: ReportLog;
  readonly severities: readonly { readonly severity: string; readonly findings: number }[];
  readonly findings: readonly ReportFinding[];
  /** Findings that there was no room for, the least severe. */
  readonly findingsLeftOut: number;
  /** What identities that stand out did besides; of severity `act`. */
  readonly acts: readonly ReportFinding[];
  readonly techniques: readonly ReportTechnique[];
  readonly tactics: readonly string[];
  readonly actors: readonly ReportActor[];
  readonly actorsLeftOut: number;
  readonly objects: readonly ReportObject[];
  readonly objectsLeftOut: number;
  readonly stories: readonly ReportStory[];
  readonly rbac: readonly RbacChange[];
  readonly times: {
    readonly widthMs: number;
    /** Beginning in milliseconds, requests, writes, refused. */
    readonly spans: readonly (readonly [number, number, number, number])[];
  };
  readonly events: readonly ReportEvent[];
}

/** What the log covers, and what it cannot show. */
export interface ReportLog {
  readonly inputs: readonly string[];
  readonly events: number;
  readonly from: string;
  readonly to: string;
  readonly levels: readonly (readonly [string, number])[];
  readonly limits: readonly string[];
}

/** A finding; `actor` and `object` are indexes. */
export interface ReportFinding {
  readonly title: string;
  readonly detection: string;
  readonly severity: string;
  readonly techniques: readonly string[];
  readonly time: string;
  readonly actor: number;
  readonly impersonated: string;
  readonly summary: string;
  readonly outcome: string;
  readonly code: string;
  readonly namespace: string;
  /** Index of the object's page, or -1. */
  readonly object: number;
  readonly auditIDs: readonly string[];
  readonly events: readonly number[];
}

export interface ReportTechnique {
  readonly id: string;
  readonly name: string;
  readonly tactics: readonly string[];
  readonly findings: number;
  readonly worst: string;
}

export interface ReportActor {
  readonly name: string;
  readonly score: number;
  readonly isSuspicious: boolean;
  readonly isNew: boolean;
  readonly reasons: readonly { readonly points: number; readonly text: string }[];
  readonly first: string;
  readonly last: string;
  readonly requests: number;
  readonly refused: number;
  readonly writes: number;
  readonly findings: number;
  readonly groups: readonly string[];
  readonly impersonated: readonly string[];
  readonly credentials: readonly ReportCredential[];
  readonly rights: readonly ReportRight[];
}

/** One credential of an actor, and everything it touched. */
export interface ReportCredential {
  readonly id: string;
  readonly kind: string;
  readonly first: string;
  readonly last: string;
  readonly requests: number;
  readonly refused: number;
  readonly uses: readonly {
    readonly sourceIP: string;
    readonly userAgent: string;
    readonly impersonated: string;
    readonly first: string;
    readonly last: string;
    readonly requests: number;
    readonly refused: number;
  }[];
  /** Where it came from, as far as the log goes. */
  readonly origin: readonly { readonly text: string; readonly time: string; readonly event?: number }[];
  readonly ends: readonly string[];
  readonly touched: readonly ReportTouch[];
  readonly touchedLeftOut: number;
}

export interface ReportTouch {
  readonly verb: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly requests: number;
  readonly refused: number;
  readonly first: string;
  readonly event?: number;
  readonly object: number;
}

/** What let an actor's requests pass. */
export interface ReportRight {
  readonly reason: string;
  readonly requests: number;
  readonly first: string;
  readonly last: string;
  /** When and by whom the binding was made, where the log shows it. */
  readonly made: string;
  readonly object: number;
  readonly event?: number;
}

export interface ReportObject {
  readonly key: string;
  readonly findings: number;
  readonly omitted: number;
  readonly revisions: readonly {
    readonly time: string;
    readonly verb: string;
    readonly actor: number;
    readonly actorName: string;
    readonly note: string;
    readonly changes: readonly { readonly path: string; readonly before?: string; readonly after?: string }[];
    readonly event?: number;
  }[];
}

export interface ReportStory {
  readonly title: string;
  readonly score: number;
  readonly actors: readonly number[];
  readonly chapters: readonly {
    readonly actor: number;
    readonly name: string;
    readonly acted: string;
    readonly came: readonly { readonly time: string; readonly text: string; readonly event?: number }[];
    readonly ends: readonly string[];
  }[];
  readonly steps: readonly {
    readonly time: string;
    readonly kind: string;
    readonly actor: string;
    readonly text: string;
    readonly severity: string;
    readonly finding: number;
    readonly event?: number;
  }[];
  readonly nodes: readonly {
    readonly kind: string;
    readonly label: string;
    readonly detail: string;
    readonly isSuspicious: boolean;
    /** Index of the actor's page, or -1. */
    readonly actor: number;
    readonly object: number;
  }[];
  readonly links: readonly {
    readonly from: number;
    readonly to: number;
    readonly kind: string;
    readonly time: string;
    readonly text: string;
    readonly event?: number;
  }[];
  readonly ends: readonly { readonly node: number; readonly text: string }[];
}

/** A redacted event, as a line of JSON. */
export interface ReportEvent {
  /** `audit.log, byte 1,234`; empty for an event that came with its finding. */
  readonly where: string;
  readonly line: string;
  /** Bytes of bodies that were left out. */
  readonly cut: number;
}
