/**
 * What a responder reads: who stands out, the stories of their credentials, and all of it as one HTML file.
 *
 * @module
 */
export { makeReport } from "./make-report.ts";
export type { ReportOptions } from "./build-report.ts";
export { FactGatherer } from "../facts/gather-facts.ts";
export type { Facts } from "../facts/gather-facts.ts";
export { rankActors } from "../facts/rank-actors.ts";
export type { RankedActor, Reason } from "../facts/rank-actors.ts";
export { tellStories } from "../stories/tell-stories.ts";
export type { Chapter, Story, StoryStep } from "../stories/tell-stories.ts";
export type { ChainEnd, ChainLink, ChainNode } from "../stories/trace-origin.ts";
