import type { Finding } from "@auditsieve/detect";
import type { ChosenFindings } from "../findings/choose-findings.ts";
import type { FindingList } from "../findings/finding-store.ts";
import { manyAlikeLast } from "../findings/many-alike-last.ts";
import { REFUSED_FACTOR, SEVERITY_POINTS } from "../findings/severity-points.ts";
import { boundedText } from "../bounded-text.ts";
import type { Facts } from "./gather-facts.ts";
import type { Session } from "./sessions.ts";

/** An identity with what is unusual about it, in the order of {@link rankActors}. */
export interface RankedActor {
  readonly name: string;
  readonly score: number;
  /** What the score is made of, most points first. */
  readonly reasons: readonly Reason[];
  readonly isSuspicious: boolean;
  readonly sessions: readonly Session[];
  /** All of them where they are few, else the first of each detection. */
  readonly findings: readonly Finding[];
  /** How many there are. */
  readonly found: number;
  /** Those that are worth telling: without what a cluster's startup explains. */
  readonly telling: readonly Finding[];
  readonly first: string;
  readonly last: string;
  readonly requests: number;
  readonly refused: number;
  readonly writes: number;
  readonly credentials: readonly string[];
  readonly sourceIPs: readonly string[];
  readonly userAgents: readonly string[];
  readonly impersonated: readonly string[];
  readonly groups: readonly string[];
  /** First seen after the first tenth of the log. */
  readonly isNew: boolean;
}

/** Points, and the words for them. */
export interface Reason {
  readonly points: number;
  readonly text: string;
}

/** Who did not authenticate has no name. */
export const NOT_AUTHENTICATED = "(not authenticated)";

/** Members of system:masters may do everything: what they do without being refused says less, its breadth says it. */
const MASTERS_FACTOR = 0.15;
/** The apiserver and administrators write roles and bindings when a cluster starts. */
const STARTUP_FACTOR = 0.05;
const STARTUP_MS = 30_000;
/** Above what people and jobs of the recorded working days have, below every identity of the recorded attack. */
const SUSPICIOUS = 32;
const BY_HAND =
  /^(?:kubectl|curl|Wget|python-requests|python-urllib|kubernetes-dashboard|k9s|Mozilla|httpie|PostmanRuntime|Go-http-client)/i;
const MACHINE = /^system:(?:serviceaccount:|node:)/;

/**
 * Every identity of the log with its points, most first. Where many stand out by the same detections, ten of them stand at their place, and the others
 * behind everybody who stands out.
 */
export function rankActors(facts: Facts, findings: FindingList): readonly RankedActor[] {
  const chosen = findings.chosen();
  const sessions = Map.groupBy(facts.sessions.sessions(), ({ identity }) => nameOf(identity.name));
  const found = Map.groupBy(chosen.findings, ({ actor }) => nameOf(actor ?? ""));
  const names = new Set([...sessions.keys(), ...found.keys()]);
  const ranked = [...names]
    .map((name) => rank(name, sessions.get(name) ?? [], found.get(name) ?? [], facts, chosen))
    .sort((a, b) => b.score - a.score || (a.name < b.name ? -1 : 1));
  const standOut = ranked.filter(({ isSuspicious }) => isSuspicious);
  return [...manyAlikeLast(standOut, kindOf), ...ranked.filter(({ isSuspicious }) => !isSuspicious)];
}

/** By which detections somebody stands out. */
function kindOf({ findings }: RankedActor): string {
  return unique(findings.map(({ detection }) => detection.id))
    .toSorted()
    .join(" ");
}

function nameOf(name: string): string {
  return name === "" ? NOT_AUTHENTICATED : boundedText(name);
}

function rank(
  name: string,
  sessions: readonly Session[],
  findings: readonly Finding[],
  facts: Facts,
  { countOf }: ChosenFindings,
): RankedActor {
  const kinds = [...Map.groupBy(findings, ({ detection }) => detection.id).values()].map((alike) => ({
    alike,
    count: countOf(alike[0]?.actor, alike[0]?.detection.id ?? ""),
  }));
  const requests = sum(sessions, (session) => session.requests);
  const refused = sum(sessions, (session) => session.refused);
  const credentials = unique(sessions.map(({ identity }) => identity.credential));
  const sourceIPs = unique(sessions.map(({ sourceIP }) => sourceIP));
  const userAgents = unique(sessions.map(({ userAgent }) => userAgent));
  const groups = unique(sessions.flatMap(({ identity }) => identity.groups));
  const firsts = [...sessions.map(({ first }) => first), ...findings.map(({ time }) => time)].sort();
  const lasts = [...sessions.map(({ last }) => last), ...findings.map(({ time }) => time)].sort();
  const first = firsts[0] ?? "";
  const isNew = isLate(first, facts);
  const isPowerful = groups.includes("system:masters") || name === "system:apiserver";
  const byHand = userAgents.filter((agent) => isByHand(agent));
  const reasons = [
    ...detectionReasons(kinds, isPowerful, facts.bootstrapUntil),
    refused >= 3 && (findings.length > 0 || !MACHINE.test(name))
      ? {
          points: Math.min(20, 3 * Math.log2(refused + 1)),
          text: `${refused} of its ${requests} requests were refused`,
        }
      : undefined,
    MACHINE.test(name) && byHand.length > 0 && findings.length > 0
      ? {
          // A job that is written with kubectl uses nothing else; a workload that also comes by kubectl is what is odd.
          points: byHand.length < userAgents.length || name.startsWith("system:node:") ? 25 : 2,
          text: `a machine's identity used by hand, with ${program(byHand[0] ?? "")}`,
        }
      : undefined,
    sourceIPs.length > 1 && !MACHINE.test(name) && findings.length > 0
      ? { points: Math.min(10, 3 * (sourceIPs.length - 1)), text: `acted from ${sourceIPs.length} addresses` }
      : undefined,
    MACHINE.test(name) && byHand.length > 0 && isOneUsedApart(sessions)
      ? { points: 10, text: "one of its tokens was used by several programs or from several addresses" }
      : undefined,
    isNew && findings.length > 0 ? { points: 5, text: `first seen at ${first}, late in the log` } : undefined,
  ].filter((reason) => reason !== undefined);
  const score = Math.round(sum(reasons, ({ points }) => points));
  return {
    name,
    score,
    reasons: reasons.toSorted((a, b) => b.points - a.points),
    isSuspicious: score >= SUSPICIOUS,
    sessions,
    findings,
    found: sum(kinds, ({ count }) => count),
    telling: findings.filter(({ time }) => !(isPowerful && isStartup(time, facts.bootstrapUntil))),
    first,
    last: lasts.at(-1) ?? "",
    requests,
    refused,
    writes: sum(sessions, (session) => session.writes),
    credentials,
    sourceIPs,
    userAgents,
    impersonated: unique(sessions.map((session) => session.impersonated)),
    groups,
    isNew,
  };
}

/** Signs that ordinary work gives, too: many of them together still say little. */
const MOST_FOR_LOW = 4;

function detectionReasons(
  kinds: readonly { readonly alike: readonly Finding[]; readonly count: number }[],
  isPowerful: boolean,
  bootstrapUntil: string | undefined,
): readonly Reason[] {
  const points = (finding: Finding): number => {
    const factor =
      isPowerful && isStartup(finding.time, bootstrapUntil)
        ? STARTUP_FACTOR
        : finding.outcome === "denied"
          ? REFUSED_FACTOR
          : isPowerful
            ? MASTERS_FACTOR
            : 1;
    return SEVERITY_POINTS[finding.detection.level] * factor;
  };
  const reasons = kinds.map(({ alike, count }) => ({
    severity: alike[0]?.detection.level ?? "low",
    points: alike.reduce((most, finding) => Math.max(most, points(finding)), 0),
    text: `${alike[0]?.detection.level ?? ""}: ${alike[0]?.detection.title ?? ""}${count > 1 ? ` (${count} times)` : ""}`,
  }));
  const low = sum(
    reasons.filter(({ severity }) => severity === "low"),
    (reason) => reason.points,
  );
  const factor = low > MOST_FOR_LOW ? MOST_FOR_LOW / low : 1;
  return reasons.map(({ severity, points, text }) => ({ points: severity === "low" ? points * factor : points, text }));
}

/** Whether a moment lies in the cluster's own startup, as far as the log holds one. */
export function isStartup(time: string, bootstrapUntil: string | undefined): boolean {
  return bootstrapUntil !== undefined && Date.parse(time) <= Date.parse(bootstrapUntil) + STARTUP_MS;
}

/** Whether a credential was used by several programs or from several addresses. An identity may have thousands of them. */
function isOneUsedApart(sessions: readonly Session[]): boolean {
  const uses = new Map<string, string>();
  return sessions.some(({ identity: { credential = "" }, sourceIP, userAgent }) => {
    const use = `${sourceIP} ${program(userAgent)}`;
    const isApart = credential !== "" && (uses.get(credential) ?? use) !== use;
    uses.set(credential, use);
    return isApart;
  });
}

/** Whether a program is one that people use, and no workload or control loop does. */
export function isByHand(userAgent: string): boolean {
  return BY_HAND.test(userAgent);
}

/** `kubectl` of `kubectl/v1.37.2 (linux/amd64) …`. */
export function program(userAgent: string): string {
  return /^[^/ ]*/.exec(userAgent)?.[0] ?? "";
}

function isLate(first: string, { from, to }: Facts): boolean {
  const [begin, end, at] = [from ?? "", to ?? "", first].map((time) => Date.parse(time));
  return begin !== undefined && end !== undefined && at !== undefined && at > begin + (end - begin) / 10;
}

function sum<T>(values: readonly T[], of: (value: T) => number): number {
  return values.reduce((total, value) => total + of(value), 0);
}

function unique(values: readonly (string | undefined)[]): readonly string[] {
  return [...new Set(values.filter((value) => value !== undefined && value !== ""))] as string[];
}
