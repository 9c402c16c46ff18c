import type { Redactor } from "@auditsieve/audit";
import { safeText, SEVERITIES } from "@auditsieve/detect";
import type { Finding } from "@auditsieve/detect";
import type { FindingCounts } from "../findings/finding-counts.ts";
import type { FindingList } from "../findings/finding-store.ts";
import { buildHistory } from "../history/build-history.ts";
import { isRbac, rbacChanges } from "../history/rbac-changes.ts";
import type { ReplayLog } from "../lines/log-reader.ts";
import type { ReplaySummary } from "../replay-summary.ts";
import { tellStories } from "../stories/tell-stories.ts";
import type { Facts } from "../facts/gather-facts.ts";
import { NOT_AUTHENTICATED, rankActors } from "../facts/rank-actors.ts";
import { objectKey } from "../facts/made-object.ts";
import { actText } from "../stories/other-acts.ts";
import { fetchLines } from "../facts/read-events.ts";
import type { Place } from "../facts/read-events.ts";
import type { Act } from "../facts/sessions.ts";
import { TACTICS, technique } from "./attack-techniques.ts";
import { chooseEvents, objectOfFinding } from "./choose-events.ts";
import type { Chosen } from "./choose-events.ts";
import { describeActors, indexed } from "./describe-actors.ts";
import { describeStory } from "./describe-stories.ts";
import { describeLimits } from "./describe-limits.ts";
import type { ReportData, ReportFinding, ReportObject, ReportTechnique } from "./report-data.ts";
import { ReportEvents } from "./report-events.ts";

/** What a report is made of. */
export interface ReportOptions {
  readonly facts: Facts;
  readonly findings: FindingList;
  readonly summary: ReplaySummary;
  readonly redactor: Redactor;
  /** The same logs again: the events behind the claims are read a second time, so that nothing must be kept meanwhile. */
  readonly logs: readonly ReplayLog[];
  readonly tool: string;
  readonly madeAt: Date;
}

const MOST_FINDINGS = 4_000;
const MOST_STORIES = 100;
const LONG = 600;

/** Chooses what matters, reads the events behind it again, redacts them and describes all of it for a person. */
export async function buildReport(options: ReportOptions): Promise<ReportData> {
  const { facts, summary, redactor, logs } = options;
  const actors = rankActors(facts, options.findings);
  const allStories = tellStories(facts, actors);
  const stories = allStories.slice(0, MOST_STORIES);
  const chosen = chooseEvents(facts, actors, options.findings, stories);
  const events = new ReportEvents(facts.logs, redactor);
  await fetchLines(logs, facts.logs, chosen.places, (place, line) => events.fetched(place, line));

  const findings = mostSevere(options.findings.chosen().findings);
  const actorIndex = indexer(chosen.actors.map(({ name }) => name));
  const objectIndex = indexer(chosen.objects.map(({ key }) => key));
  const findingIndex = indexer(findings);
  const described = findings.map((finding) => describeFinding(finding, events, actorIndex, objectIndex));
  const told = stories.map((story) => describeStory(story, { events, actorIndex, objectIndex, findingIndex }));
  const people = describeActors({ facts, chosen, events, objectIndex });
  const objects = describeObjects(chosen, events, actorIndex);
  const byPlace = events.byPlace();
  const rbac = rbacChanges(
    chosen.objects.filter(({ resource }) => isRbac(resource)),
    byPlace,
    (place) => events.index(place),
  );
  return {
    tool: options.tool,
    madeAt: options.madeAt.toISOString(),
    log: {
      inputs: summary.logs.map(({ name }) => safeText(name, LONG)),
      events: summary.log.events,
      from: summary.log.from ?? "",
      to: summary.log.to ?? "",
      levels: Object.entries(summary.log.byLevel).filter(([, count]) => count > 0),
      limits: describeLimits(summary, facts, { events: events.leftOut, stories: allStories.length - stories.length }),
    },
    severities: SEVERITIES.toReversed().map((severity) => ({ severity, findings: summary.bySeverity[severity] })),
    findings: described,
    findingsLeftOut: options.findings.size - findings.length,
    acts: chosen.acts.map((act) => describeAct(act, events, actorIndex, objectIndex)),
    techniques: describeTechniques(options.findings.counts()),
    tactics: TACTICS,
    actors: people,
    actorsLeftOut: actors.length - people.length,
    objects,
    objectsLeftOut: facts.revisions.objects().length - objects.length,
    stories: told,
    rbac: rbac.map((change) => ({
      ...change,
      key: safeText(change.key, LONG),
      actor: safeText(change.actor, LONG),
      role: safeText(change.role, LONG),
      subjects: change.subjects.map((subject) => safeText(subject, LONG)),
      rules: change.rules.map((rule) => safeText(rule, LONG)),
    })),
    times: {
      widthMs: facts.times.widthMs,
      spans: facts.times.spans().map(({ fromMs, requests, writes, refused }) => [fromMs, requests, writes, refused]),
    },
    events: events.events(),
  };
}

/** The most severe where there are too many; in order of time. */
function mostSevere(findings: readonly Finding[]): readonly Finding[] {
  if (findings.length <= MOST_FINDINGS) {
    return findings;
  }
  return findings
    .toSorted((a, b) => rankOf(b) - rankOf(a))
    .slice(0, MOST_FINDINGS)
    .sort((a, b) => (a.time < b.time ? -1 : 1));
}

function rankOf({ detection }: Finding): number {
  return SEVERITIES.indexOf(detection.level);
}

function describeFinding(
  finding: Finding,
  events: ReportEvents,
  actorIndex: (name: string) => number,
  objectIndex: (key: string) => number,
): ReportFinding {
  const { detection, time, actor, impersonated, summary, outcome, code, namespace, auditIDs } = finding;
  return {
    title: safeText(detection.title, LONG),
    detection: safeText(detection.id, LONG),
    severity: detection.level,
    techniques: detection.techniques.map((id) => safeText(id, 40)),
    time,
    actor: actorIndex(actor ?? NOT_AUTHENTICATED),
    impersonated: safeText(impersonated ?? "", LONG),
    summary: safeText(summary, LONG),
    outcome,
    code: code === undefined ? "" : String(code),
    namespace: safeText(namespace ?? "", LONG),
    object: objectIndex(objectOfFinding(finding) ?? ""),
    auditIDs: auditIDs.slice(0, 20).map((id) => safeText(id, LONG)),
    events: finding.events
      .slice(0, 5)
      .map((event) => events.indexOf(event))
      .filter((index) => index !== undefined),
  };
}

function describeAct(
  act: Act,
  events: ReportEvents,
  actorIndex: (name: string) => number,
  objectIndex: (key: string) => number,
): ReportFinding {
  const { touch, time, code, place } = act;
  const { session, resource, namespace, name } = touch;
  const event = events.index(place);
  return {
    title: "No finding",
    detection: "",
    severity: "act",
    techniques: [],
    time,
    actor: actorIndex(session.identity.name === "" ? NOT_AUTHENTICATED : session.identity.name),
    impersonated: safeText(session.impersonated ?? "", LONG),
    summary: safeText(actText(act), LONG),
    outcome: code === 0 ? "unknown" : code === 401 || code === 403 ? "denied" : code >= 400 ? "failure" : "success",
    code: code === 0 ? "" : String(code),
    namespace: safeText(namespace, LONG),
    object: objectIndex(objectKey(resource.replace(/\/.*$/, ""), namespace, name)),
    auditIDs: event === undefined ? [] : [auditIdOf(events, place)],
    events: event === undefined ? [] : [event],
  };
}

function auditIdOf(events: ReportEvents, place: Place): string {
  return safeText(events.event(place)?.auditID ?? "", LONG);
}

function describeObjects(
  { objects, findingsAbout }: Chosen,
  events: ReportEvents,
  actorIndex: (name: string) => number,
): readonly ReportObject[] {
  const byPlace = events.byPlace();
  return objects.map((object) => {
    const history = buildHistory(object, byPlace);
    return {
      key: safeText(object.key, LONG),
      findings: findingsAbout.get(object.key) ?? 0,
      omitted: object.omitted,
      revisions: history.revisions.map(({ revision, changes, note }) => ({
        time: revision.time,
        verb: safeText(revision.subresource === "" ? revision.verb : `${revision.verb} ${revision.subresource}`),
        actor: actorIndex(revision.session.identity.name),
        actorName: safeText(revision.session.identity.name, LONG),
        note: safeText(note, LONG),
        changes: changes.map(({ path, before, after }) => ({
          path: safeText(path, LONG),
          ...(before === undefined ? {} : { before: safeText(before, 4_000) }),
          ...(after === undefined ? {} : { after: safeText(after, 4_000) }),
        })),
        ...indexed(events.index(revision.place)),
      })),
    };
  });
}

/** From what was counted: there may be a million findings. */
function describeTechniques({ detections, byDetection }: FindingCounts): readonly ReportTechnique[] {
  const found = new Map<string, { findings: number; worst: number }>();
  for (const detection of detections.values()) {
    for (const id of new Set(detection.techniques)) {
      const of = found.get(id) ?? { findings: 0, worst: 0 };
      found.set(id, of);
      of.findings += byDetection.get(detection.id) ?? 0;
      of.worst = Math.max(of.worst, SEVERITIES.indexOf(detection.level));
    }
  }
  return [...found]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, of]) => {
      const { name, tactics } = technique(id);
      const worst = SEVERITIES[of.worst] ?? "low";
      return { id: safeText(id, 40), name: safeText(name), tactics, findings: of.findings, worst };
    });
}

function indexer<T>(values: readonly T[]): (value: T) => number {
  const indexes = new Map(values.map((value, i) => [value, i]));
  return (value) => indexes.get(value) ?? -1;
}
