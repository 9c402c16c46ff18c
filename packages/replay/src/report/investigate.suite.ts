import type { Detection } from "@auditsieve/detect";
import type { ReplayLog } from "../lines/log-reader.ts";
import { REDACTOR, logOf, sample, shippedDetections } from "../replay-fixtures.suite.ts";
import { replayLogs } from "../replay-logs.ts";
import type { Replayed } from "../replay-logs.ts";
import { FactGatherer } from "../facts/gather-facts.ts";
import type { Facts } from "../facts/gather-facts.ts";
import { rankActors } from "../facts/rank-actors.ts";
import type { RankedActor } from "../facts/rank-actors.ts";
import { tellStories } from "../stories/tell-stories.ts";
import type { Story } from "../stories/tell-stories.ts";
import { buildReport } from "./build-report.ts";
import type { ReportData } from "./report-data.ts";

/** A log with all that is made of it. */
export interface Investigated extends Replayed {
  readonly logs: readonly ReplayLog[];
  readonly facts: Facts;
  readonly actors: readonly RankedActor[];
  readonly stories: readonly Story[];
  readonly data: ReportData;
}

/** Loading them takes longer than a small log does. */
let detections: readonly Detection[] | undefined;

/** Replays logs under the shipped detections and makes everything that a report needs. */
export async function investigate(logs: readonly ReplayLog[]): Promise<Investigated> {
  const gatherer = new FactGatherer();
  const replayed = await replayLogs({
    logs,
    detections: (detections ??= shippedDetections()),
    redactor: REDACTOR,
    visitors: [gatherer],
  });
  const facts = gatherer.facts();
  const actors = rankActors(facts, replayed.findings);
  const madeAt = new Date("2026-11-26T00:00:00Z");
  const data = await buildReport({ ...replayed, facts, redactor: REDACTOR, logs, tool: "test", madeAt });
  return { ...replayed, logs, facts, actors, stories: tellStories(facts, actors), data };
}

/** A sample of the repository, investigated. */
export function investigateSample(name: string): Promise<Investigated> {
  return investigate([logOf(name, sample(name))]);
}

/** Events as a log, one a line. */
export function linesOf(events: readonly unknown[]): string {
  return events.map((event) => `${JSON.stringify(event)}\n`).join("");
}
