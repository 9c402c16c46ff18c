import type { Level, Stage } from "@auditsieve/audit";
import type { HiddenByBaseline } from "./hidden-classes.ts";
import type { Unanswered } from "./unanswered.ts";
import type { BeforeAfter, Volume } from "./volume.ts";

/** What one rule of the policy decides; `rule` is its index, null: no rule matches. */
export interface RuleRow extends BeforeAfter {
  readonly rule: number | null;
  readonly level: Level;
}

/** Events by the level that they have before and after; what is not written stands at None. */
export interface LevelRow extends BeforeAfter {
  readonly level: Level;
}

/** What one user did; all nodes are one. */
export interface ActorRow extends BeforeAfter {
  readonly actor: string;
}

/** What was read. */
export interface SimulatedLog {
  readonly lines: number;
  readonly bytes: number;
  /** Lines that are no audit event: counted here only, neither before nor after. */
  readonly undecidable: number;
  readonly undecidableBytes: number;
  readonly from?: string;
  readonly to?: string;
  readonly seconds?: number;
  /** Events by the level that they were recorded at, and by stage. */
  readonly levels: Readonly<Partial<Record<Level, number>>>;
  readonly stages: Readonly<Partial<Record<Stage, number>>>;
}

/** What no simulation of this log can say. */
export interface CannotShow {
  /** Events that the policy would write with a body that the log's level was too low for. */
  readonly sizeUnknown: number;
  /** Stages of which the log has no event: its own policy may have omitted them. */
  readonly stagesNotInLog: readonly Stage[];
  /** Requests for which the policy would write RequestReceived too, while the log has no such event. */
  readonly eventsMissing: number;
  readonly unanswered: Unanswered;
  /** Common classes of requests that the policy would write and the log has none of. */
  readonly classesNotInLog: readonly string[];
  /** With a baseline: classes of which it writes less than the policy. */
  readonly hiddenByBaseline: readonly HiddenByBaseline[];
}

/** What {@link Simulation} counts. */
export interface SimulationResult extends BeforeAfter {
  readonly log: SimulatedLog;
  /** Extrapolated; undefined where the log spans less than a minute. */
  readonly perDay: { readonly before: Volume; readonly after: Volume } | undefined;
  readonly byRule: readonly RuleRow[];
  readonly byLevel: readonly LevelRow[];
  /** Most bytes first. */
  readonly byActor: readonly ActorRow[];
  readonly cannotShow: CannotShow;
}
