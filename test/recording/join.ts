import { readFileSync } from "node:fs";
import type { Scene, Step } from "./step.ts";

/** A step that was run. */
export interface Done {
  readonly step: Step;
  readonly number: number;
  readonly start: string;
  readonly end: string;
  /** Exit code of kubectl, where there was one. */
  readonly code: number | undefined;
  /** Of requests that the recording sent itself. */
  readonly auditIDs: readonly string[];
}

/** A line of the file of steps. */
export interface RecordedStep {
  readonly step: number;
  readonly label: string;
  readonly technique: string;
  readonly principal: string;
  readonly chain?: number;
  readonly uses?: string;
  readonly gets?: string;
  readonly start: string;
  readonly end: string;
  readonly code?: number;
  readonly note?: string;
  /** The deed itself. */
  readonly auditIDs: readonly string[];
  /** What the principal sent besides. */
  readonly incidental: readonly string[];
  /** Credential ids that the log shows in the deed. */
  readonly credentials: readonly string[];
}

interface Event {
  readonly auditID: string;
  readonly stage: string;
  readonly verb: string;
  readonly requestURI: string;
  readonly requestReceivedTimestamp: string;
  readonly userAgent?: string;
  readonly user: { readonly username?: string; readonly extra?: Readonly<Record<string, readonly string[]>> };
  readonly objectRef?: { readonly resource?: string; readonly subresource?: string };
  readonly line: string;
}

const CREDENTIAL = "authentication.kubernetes.io/credential-id";

/** Finds each step's events in the log: by audit id where it is known, else by principal, time and request. */
export function joinSteps(done: readonly Done[], scene: Scene, auditLog: string): readonly RecordedStep[] {
  const events = readFileSync(auditLog, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line): Event => ({ ...(JSON.parse(line) as Omit<Event, "line">), line }));
  const starts = new Map(done.map(({ step, start }) => [step.label, start]));
  return done.map((one): RecordedStep => {
    const { step, number, start, end, code } = one;
    const found = one.step.follows === undefined ? within(one, events) : following(one, starts, scene, events);
    const deeds = new Set([...one.auditIDs, ...found.filter((event) => isDeed(step, event)).map(idOf)]);
    const incidental = new Set(found.map(idOf).filter((id) => !deeds.has(id)));
    const credentials = new Set(
      events.filter(({ auditID }) => deeds.has(auditID)).flatMap(({ user }) => user.extra?.[CREDENTIAL] ?? []),
    );
    const principal = step.principal === "system:node" ? `system:node:${scene.facts.get("node")}` : step.principal;
    return {
      step: number,
      label: step.label,
      technique: step.technique,
      principal,
      ...(step.chain === undefined ? {} : { chain: step.chain }),
      ...(step.uses === undefined ? {} : { uses: step.uses }),
      ...(step.gets === undefined ? {} : { gets: step.gets }),
      start,
      end,
      ...(code === undefined ? {} : { code }),
      ...(step.note === undefined ? {} : { note: step.note }),
      auditIDs: [...deeds],
      incidental: step.follows === undefined ? [...incidental] : [],
      credentials: [...credentials],
    };
  });
}

/** What the principal sent with kubectl while the step ran. */
function within({ step, start, end }: Done, events: readonly Event[]): readonly Event[] {
  if (step.deeds.length === 0) return [];
  return events.filter(
    ({ user, requestReceivedTimestamp: time, userAgent = "" }) =>
      user.username === step.principal && time >= start && time <= end && userAgent.startsWith("kubectl"),
  );
}

function following(
  { step, end }: Done,
  starts: ReadonlyMap<string, string>,
  scene: Scene,
  events: readonly Event[],
): readonly Event[] {
  const start = starts.get(step.follows?.label ?? "") ?? "";
  const about = step.follows?.about(scene) ?? "";
  return events.filter(
    ({ user, requestReceivedTimestamp: time, line }) =>
      user.username === step.principal && time >= start && time <= end && line.includes(about),
  );
}

function isDeed({ deeds }: Step, { verb, objectRef, requestURI }: Event): boolean {
  return deeds.some((deed) => {
    const [wanted, where = ""] = deed.split(/:(.*)/);
    if (wanted !== verb) return false;
    if (where.startsWith("/")) return objectRef === undefined && requestURI.split("?")[0] === where;
    const { resource = "", subresource } = objectRef ?? {};
    return (subresource === undefined ? resource : `${resource}/${subresource}`) === where;
  });
}

function idOf({ auditID }: Event): string {
  return auditID;
}
