import { attributesOfScan, LEVELS, readEventLines, STAGES } from "@auditsieve/audit";
import type { EventLines, EventScan, InputPlace, Level, RequestAttributes, Stage } from "@auditsieve/audit";
import { DecisionMemo, KEY_FIELDS } from "../stream-policy/decision-memo.ts";
import { evaluate } from "../evaluate.ts";
import type { Policy } from "../policy.ts";
import { hiddenByBaseline, SeenClasses } from "./hidden-classes.ts";
import { predictedBodies, predictedBytes, predictEvent } from "./predict-event.ts";
import type { Body, EventPrediction } from "./predict-event.ts";
import type { ActorRow, LevelRow, RuleRow, SimulationResult } from "./simulation-result.ts";
import { TimeSpan } from "./time-span.ts";
import { UnansweredRequests } from "./unanswered.ts";
import { VolumeRow, VolumeTable } from "./volume.ts";

/** One event that the policy would have written, as `--events` prints it. */
export interface PredictedEvent {
  readonly auditID: string;
  readonly stage: Stage;
  readonly level: Level;
  /** Bodies that stand in it. */
  readonly bodies: readonly Body[];
  /** Bodies that may stand in it: the log was of too low a level to say. */
  readonly unknownBodies: readonly Body[];
  readonly rule: number | null;
  /** With the newline; without what `unknownBodies` would add. */
  readonly bytes: number;
}

/** What a simulation compares. */
export interface SimulationOptions {
  readonly policy: Policy;
  /** The policy of today: "before" is what it would write of the log. Without it, "before" is the log itself. */
  readonly baseline?: Policy;
  /** Called for each event that the policy would write, in order. */
  readonly onEvent?: (event: PredictedEvent) => void;
  /** Called for each line that is no audit event. */
  readonly onUndecidable?: (line: number, offset: number, scan: EventScan) => void;
}

/** Rows that count events alike in all that decides: made once, found again by the memo. */
interface Fate {
  readonly before: EventPrediction | undefined;
  readonly after: EventPrediction;
  readonly ruleRow: VolumeRow;
  readonly actorRow: VolumeRow;
  readonly recorded: Count;
  readonly stage: Count;
  readonly beforeLevel: VolumeRow;
  readonly afterLevel: VolumeRow;
  readonly isWritingReceived: boolean;
}

interface Count {
  events: number;
}

const MAX_ACTORS = 10_000;
const NODE = /^system:node:/;

/**
 * What a policy would have written of a log: rebuilds each request from URI, verb and user, decides as the apiserver would, and
 * measures the line as it would have been. Streams; memory is bounded whatever the log holds.
 *
 * @example
 * const simulation = new Simulation({ policy: { rules: [{ level: "None", verbs: ["watch"] }, { level: "Metadata" }] } });
 * simulation.write(Buffer.from('{"level":"Metadata","stage":"ResponseComplete","requestURI":"/api/v1/pods","verb":"watch","user":{"username":"x"}}\n'));
 * simulation.end();
 * assert.deepEqual(simulation.result().after, { events: 0, bytes: 0 });
 */
export class Simulation {
  readonly #options: SimulationOptions;
  readonly #log: EventLines;
  readonly #memo = new DecisionMemo<Fate>(KEY_FIELDS);
  readonly #total = new VolumeRow();
  readonly #rules = new Map<number | null, VolumeRow>();
  readonly #levels = new Map(LEVELS.map((level) => [level, new VolumeRow()] as const));
  readonly #actors = new VolumeTable(MAX_ACTORS, "(further actors)");
  readonly #recordedLevels = new Map<Level, Count>();
  readonly #stages = new Map<Stage, Count>();
  readonly #span = new TimeSpan();
  readonly #seen = new SeenClasses();
  readonly #unanswered = new UnansweredRequests();
  #lines = 0;
  #bytes = 0;
  #undecidable = 0;
  #undecidableBytes = 0;
  #withoutReceived = 0;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.#log = readEventLines({
      event: (place) => this.#event(place),
      undecidable: (place) => this.#unclear(place),
      oversize: ({ bytes, terminated }) => this.#addUndecidable(bytes + (terminated ? 1 : 0)),
    });
  }

  /** Takes the next bytes of a log. */
  write(chunk: Buffer): void {
    this.#log.write(chunk);
  }

  /** The log has ended; the next {@link write} begins another one. */
  end(): void {
    this.#log.end();
    this.#log.reset();
  }

  /** What has been counted so far, over all logs. */
  result(): SimulationResult {
    const { policy, baseline } = this.#options;
    const total = this.#total.result();
    const span = this.#span.result();
    const hasReceived = this.#stages.has("RequestReceived");
    return {
      log: {
        lines: this.#lines,
        bytes: this.#bytes,
        undecidable: this.#undecidable,
        undecidableBytes: this.#undecidableBytes,
        ...span,
        levels: countsOf(this.#recordedLevels),
        stages: countsOf(this.#stages),
      },
      ...total,
      perDay: perDay(total, span?.seconds),
      byRule: this.#ruleRows(),
      byLevel: [...this.#levels].map(([level, row]): LevelRow => ({ level, ...row.result() })),
      byActor: this.#actorRows(),
      cannotShow: {
        sizeUnknown: total.sizeUnknown,
        stagesNotInLog: STAGES.filter((stage) => stage !== "Panic" && !this.#stages.has(stage)),
        eventsMissing: hasReceived ? 0 : this.#withoutReceived,
        unanswered: this.#unanswered.result(),
        classesNotInLog: this.#seen.absent(policy),
        hiddenByBaseline: baseline === undefined ? [] : hiddenByBaseline(baseline, policy),
      },
    };
  }

  #event({ terminated }: InputPlace): void {
    const { scan } = this.#log;
    const newline = terminated ? 1 : 0;
    const length = scan.end - scan.start + newline;
    this.#lines++;
    this.#bytes += length;
    this.#count(scan, length, newline);
  }

  #unclear({ lineNumber, offset, terminated }: InputPlace): void {
    const { scan } = this.#log;
    this.#addUndecidable(scan.end - scan.start + (terminated ? 1 : 0));
    this.#options.onUndecidable?.(lineNumber, offset, scan);
  }

  #addUndecidable(bytes: number): void {
    this.#lines++;
    this.#undecidable++;
    this.#bytes += bytes;
    this.#undecidableBytes += bytes;
  }

  #count(scan: EventScan, length: number, newline: number): void {
    this.#span.event(scan);
    this.#unanswered.event(scan);
    const fate = this.#fate(scan);
    const { before, after } = fate;
    fate.recorded.events++;
    fate.stage.events++;
    if (before === undefined || before.level !== undefined) {
      const bytes = before === undefined ? length : predictedBytes(scan, before) + newline;
      this.#total.before(bytes);
      fate.ruleRow.before(bytes);
      fate.actorRow.before(bytes);
      fate.beforeLevel.before(bytes);
    }
    if (after.level !== undefined) {
      this.#written(scan, fate, predictedBytes(scan, after) + newline);
    }
    if (fate.isWritingReceived && scan.stage === "ResponseComplete") {
      this.#withoutReceived++;
    }
  }

  #written(scan: EventScan, { after, afterLevel, ruleRow, actorRow }: Fate, bytes: number): void {
    const isSizeUnknown = after.unknownBodies.length > 0;
    this.#total.after(bytes, isSizeUnknown);
    ruleRow.after(bytes, isSizeUnknown);
    actorRow.after(bytes, isSizeUnknown);
    afterLevel.after(bytes, isSizeUnknown);
    const { onEvent } = this.#options;
    if (onEvent !== undefined && after.level !== undefined) {
      const auditID = scan.text("auditID") ?? "";
      const { unknownBodies, rule, level } = after;
      const bodies = predictedBodies(scan, after);
      onEvent({ auditID, stage: scan.stage, level, bodies, unknownBodies, rule, bytes });
    }
  }

  #fate(scan: EventScan): Fate {
    const known = this.#memo.get(scan);
    if (known !== undefined) {
      return known;
    }
    const { policy, baseline } = this.#options;
    const request = attributesOfScan(scan);
    this.#seen.event(request, scan);
    const decision = evaluate(policy, request);
    const after = predictEvent(scan, decision, request);
    const before = baseline === undefined ? undefined : predictEvent(scan, evaluate(baseline, request), request);
    const fate: Fate = {
      before,
      after,
      ruleRow: this.#ruleRow(decision.rule),
      actorRow: this.#actors.row(actorOf(request)),
      recorded: countOf(this.#recordedLevels, scan.level),
      stage: countOf(this.#stages, scan.stage),
      beforeLevel: this.#levelRow(before === undefined ? scan.level : before.level),
      afterLevel: this.#levelRow(after.level),
      isWritingReceived: decision.level !== "None" && !decision.omitStages.includes("RequestReceived"),
    };
    this.#memo.set(fate);
    return fate;
  }

  #ruleRow(rule: number | null): VolumeRow {
    const row = this.#rules.get(rule) ?? new VolumeRow();
    this.#rules.set(rule, row);
    return row;
  }

  #levelRow(level: Level | undefined): VolumeRow {
    return this.#levels.get(level ?? "None") as VolumeRow;
  }

  #ruleRows(): readonly RuleRow[] {
    const { rules } = this.#options.policy;
    return [...this.#rules]
      .map(([rule, row]) => ({ rule, level: rule === null ? "None" : (rules[rule]?.level ?? "None"), ...row.result() }))
      .sort((a, b) => (a.rule ?? Infinity) - (b.rule ?? Infinity));
  }

  #actorRows(): readonly ActorRow[] {
    return this.#actors
      .entries()
      .map(([actor, row]) => ({ actor, ...row }))
      .sort((a, b) => b.after.bytes - a.after.bytes || b.before.bytes - a.before.bytes);
  }
}

function countOf<K>(counts: Map<K, Count>, key: K): Count {
  const count = counts.get(key) ?? { events: 0 };
  counts.set(key, count);
  return count;
}

function countsOf<K extends string>(counts: ReadonlyMap<K, Count>): Partial<Record<K, number>> {
  return Object.fromEntries([...counts].map(([key, { events }]) => [key, events])) as Partial<Record<K, number>>;
}

/** All nodes are one actor: a cluster may have thousands. */
function actorOf({ user }: RequestAttributes): string {
  if (user === undefined) {
    return "(failed login)";
  }
  return NODE.test(user.name) ? "system:node:*" : user.name;
}

const SECONDS_PER_DAY = 86_400;
/** A shorter log says nothing about a day. */
const LEAST_SECONDS = 60;

function perDay(total: ReturnType<VolumeRow["result"]>, seconds = 0): SimulationResult["perDay"] {
  if (seconds < LEAST_SECONDS) {
    return undefined;
  }
  const factor = SECONDS_PER_DAY / seconds;
  const scale = ({ events, bytes }: { readonly events: number; readonly bytes: number }) => ({
    events: Math.round(events * factor),
    bytes: Math.round(bytes * factor),
  });
  return { before: scale(total.before), after: scale(total.after) };
}
