import { safeText } from "@auditsieve/detect";
import type { Finding } from "@auditsieve/detect";
import type { Story } from "../stories/tell-stories.ts";
import { indexed } from "./describe-actors.ts";
import type { ReportStory } from "./report-data.ts";
import type { ReportEvents } from "./report-events.ts";

const LONG = 1_200;

/** What the pages of stories link to. */
export interface StoryContext {
  readonly events: ReportEvents;
  readonly actorIndex: (name: string) => number;
  readonly objectIndex: (key: string) => number;
  readonly findingIndex: (finding: Finding) => number;
}

/** A story with its links as indexes of the report. */
export function describeStory(
  story: Story,
  { events, actorIndex, objectIndex, findingIndex }: StoryContext,
): ReportStory {
  const nodeIndex = new Map(story.nodes.map(({ id }, i) => [id, i]));
  const suspects = new Set(story.actors);
  return {
    title: safeText(story.title, LONG),
    score: story.score,
    actors: story.actors.map(actorIndex).filter((index) => index !== -1),
    chapters: story.chapters.map(({ actor, acted, came, ends }) => ({
      actor: actorIndex(actor),
      name: safeText(actor, LONG),
      acted: safeText(acted, LONG),
      came: came.map(({ time, text, place }) => ({
        time,
        text: safeText(text, LONG),
        ...indexed(events.index(place)),
      })),
      ends: ends.map((text) => safeText(text, LONG)),
    })),
    steps: story.steps.map(({ time, kind, actor, text, severity, finding, place }) => ({
      time,
      kind,
      actor: safeText(actor),
      text: safeText(text, LONG),
      severity: severity ?? "",
      finding: finding === undefined ? -1 : findingIndex(finding),
      ...indexed(place === undefined ? eventOf(finding, events) : events.index(place)),
    })),
    nodes: story.nodes.map(({ id, kind, label, detail }) => {
      const name = kind === "principal" ? (id.split("\n")[0] ?? "") : "";
      return {
        kind,
        label: safeText(label, LONG),
        detail: safeText(detail, LONG),
        isSuspicious: kind === "principal" && suspects.has(name),
        actor: kind === "principal" ? actorIndex(name) : -1,
        object: kind === "object" ? objectIndex(label.replace(/^pod /, "pods ")) : -1,
      };
    }),
    links: story.links
      .filter(({ from, to }) => nodeIndex.has(from) && nodeIndex.has(to))
      .map(({ from, to, kind, time, text, place }) => ({
        from: nodeIndex.get(from) ?? 0,
        to: nodeIndex.get(to) ?? 0,
        kind,
        time,
        text: safeText(text, LONG),
        ...indexed(events.index(place)),
      })),
    ends: story.ends.map(({ node, text }) => ({ node: nodeIndex.get(node) ?? 0, text: safeText(text, LONG) })),
  };
}

function eventOf(finding: Finding | undefined, events: ReportEvents): number | undefined {
  const event = finding?.events[0];
  return event === undefined ? undefined : events.indexOf(event);
}
