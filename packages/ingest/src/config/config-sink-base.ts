import type { StreamPolicy } from "@auditsieve/policy";
import type { Feed } from "../pipeline/outlet.ts";

/** What every sink of a configuration has. */
export interface SinkBase {
  readonly name: string;
  readonly feed: Feed;
  readonly policy?: StreamPolicy;
}
