import type { RequestAttributes } from "@auditsieve/audit";
import { safeText } from "@auditsieve/detect";
import { StreamPolicy } from "@auditsieve/policy";
import type { BeforeAfter, MonthlyCost, Policy, PriceTable, SimulationResult, Volume } from "@auditsieve/policy";
import { describeRule } from "../noise-policy.ts";
import { writeLine } from "../output.ts";
import { bar, bytesText, count, paint, percent, table } from "../table.ts";
import type { Column } from "../table.ts";

/** What is printed beside the counts. */
export interface SimulationContext {
  readonly prices: PriceTable;
  readonly costs: readonly MonthlyCost[];
  readonly hasBaseline: boolean;
}

const ACTORS_SHOWN = 15;
const CLASSES_SHOWN = 12;
const VOLUME_COLUMNS: readonly Column[] = [
  { title: "events before", align: "right" },
  { title: "after", align: "right" },
  { title: "bytes before", align: "right" },
  { title: "after", align: "right" },
  { title: "of all after", align: "right" },
  { title: "" },
];

/** Prints a simulation as tables for people. */
export async function printSimulation(
  result: SimulationResult,
  policy: Policy,
  context: SimulationContext,
): Promise<void> {
  await printTotal(result, context);
  await printLevels(result);
  await printRules(result, policy);
  await printActors(result);
  await printCosts(result, context);
  await printLimits(result);
}

async function printTotal({ log, before, after, perDay }: SimulationResult, context: SimulationContext): Promise<void> {
  const span =
    log.from === undefined ? "" : `, ${log.from} to ${log.to} (${((log.seconds ?? 0) / 60).toFixed(1)} minutes)`;
  await writeLine(`${paint("bold", `${count(log.lines)} lines`)}, ${bytesText(log.bytes)}${span}`);
  if (log.undecidable > 0) {
    await writeLine(
      `${count(log.undecidable)} lines (${bytesText(log.undecidableBytes)}) are no audit events and are counted nowhere below`,
    );
  }
  await writeLine("");
  const rows: readonly (readonly [string, Volume, Volume])[] = [
    [context.hasBaseline ? "baseline" : "the log", before, before],
    ["the policy", after, before],
    ...(perDay === undefined
      ? []
      : ([
          [`${context.hasBaseline ? "baseline" : "the log"}, a day`, perDay.before, perDay.before],
          ["the policy, a day", perDay.after, perDay.before],
        ] as const)),
  ];
  await writeLine(
    table(
      [
        { title: "" },
        { title: "events", align: "right" },
        { title: "of before", align: "right" },
        { title: "bytes", align: "right" },
        { title: "of before", align: "right" },
        { title: "" },
      ],
      rows.map(([name, volume, whole]) => [
        name,
        count(volume.events),
        percent(volume.events, whole.events),
        bytesText(volume.bytes),
        percent(volume.bytes, whole.bytes),
        bar(share(volume.bytes, whole.bytes)),
      ]),
    ),
  );
  if (perDay !== undefined) {
    await writeLine(`A day is extrapolated from ${((log.seconds ?? 0) / 60).toFixed(1)} minutes`);
  }
}

async function printLevels({ byLevel, after }: SimulationResult): Promise<void> {
  await writeLine("");
  const rows = byLevel.filter((row) => row.before.events > 0 || row.after.events > 0);
  await writeLine(
    table(
      [{ title: "level" }, ...VOLUME_COLUMNS],
      rows.map((row) => [row.level, ...volumeCells(row, after)]),
    ),
  );
}

async function printRules({ byRule, after }: SimulationResult, policy: Policy): Promise<void> {
  await writeLine("");
  const described = new StreamPolicy({ policy, keep: [], conditions: [] });
  await writeLine(
    table(
      [{ title: "rule" }, { title: "level" }, ...VOLUME_COLUMNS, { title: "what" }],
      byRule.map((row) => [
        row.rule === null ? "none" : `rules[${row.rule}]`,
        row.level,
        ...volumeCells(row, after),
        row.rule === null ? "no rule matches" : safeText(describeRule(described, row.rule) || "everything", 90),
      ]),
    ),
  );
}

async function printActors({ byActor, after }: SimulationResult): Promise<void> {
  await writeLine("");
  const shown = byActor.slice(0, ACTORS_SHOWN);
  await writeLine(
    table(
      [{ title: "actor" }, ...VOLUME_COLUMNS],
      shown.map((row) => [safeText(row.actor, 80), ...volumeCells(row, after)]),
    ),
  );
  const rest = byActor.slice(ACTORS_SHOWN);
  if (rest.length > 0) {
    const bytes = rest.reduce((sum, row) => sum + row.after.bytes, 0);
    await writeLine(`and ${count(rest.length)} more actors with ${bytesText(bytes)} after`);
  }
}

function volumeCells({ before, after }: BeforeAfter, whole: Volume): readonly string[] {
  return [
    count(before.events),
    count(after.events),
    bytesText(before.bytes),
    bytesText(after.bytes),
    percent(after.bytes, whole.bytes),
    bar(share(after.bytes, whole.bytes)),
  ];
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

async function printCosts({ perDay }: SimulationResult, { prices, costs }: SimulationContext): Promise<void> {
  await writeLine("");
  if (perDay === undefined) {
    await writeLine("No cost: the log spans less than a minute, which says nothing about a month");
    return;
  }
  const money = (value: number): string =>
    `${value.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 })} ${safeText(prices.currency, 10)}`;
  await writeLine(
    table(
      [
        { title: `30 days like this, prices as of ${safeText(prices.asOf, 20)}` },
        { title: "before", align: "right" },
        { title: "after", align: "right" },
        { title: "price" },
        { title: "source" },
      ],
      costs.map(({ price, before, after }) => [
        safeText(price.name),
        money(before),
        money(after),
        `${price.price}/${price.unit}`,
        `${safeText(price.date, 20)}, ${safeText(price.source)}`,
      ]),
    ),
  );
  for (const { price } of costs) {
    if (price.note !== undefined) {
      await writeLine(`  ${safeText(price.id, 60)}: ${safeText(price.note, 300)}`);
    }
  }
  for (const { name, why } of prices.unpriced) {
    await writeLine(`  ${safeText(name)}: no trustworthy price (${safeText(why, 200)})`);
  }
}

async function printLimits({ log, cannotShow, after }: SimulationResult): Promise<void> {
  const { sizeUnknown, stagesNotInLog, eventsMissing, unanswered, classesNotInLog, hiddenByBaseline } = cannotShow;
  const limits = [
    ...(sizeUnknown > 0
      ? [
          `${count(sizeUnknown)} of ${count(after.events)} events would hold a body that the log's level was too low for: their size is unknown, the bytes above are the least`,
        ]
      : []),
    ...stagesNotInLog.map((stage) => `The log has no event of the stage ${stage}`),
    ...(eventsMissing > 0
      ? [`The policy would also write RequestReceived of ${count(eventsMissing)} requests: the log has none to measure`]
      : []),
    ...(unanswered.requests > 0
      ? [
          `${count(unanswered.requests)} requests have no last stage in the log (${count(unanswered.open)} of them had begun, such as open watches)`,
        ]
      : []),
    ...(unanswered.notFollowed > 0 ? [`${count(unanswered.notFollowed)} requests could not be followed`] : []),
    ...classesNotInLog.map(
      (what) => `The log has no ${what}: there were none, or the policy that it was recorded under hides them`,
    ),
    ...hiddenByBaseline.slice(0, CLASSES_SHOWN).map(({ rule, baselineLevel, policyLevel, stages, witness }) => {
      const by = rule === null ? "no rule" : `rules[${rule}]`;
      const what = stages.length > 0 ? `omits ${stages.join(" and ")} of` : `writes ${baselineLevel} of`;
      const more = stages.length > 0 ? "" : `, the policy ${policyLevel}`;
      return `A log recorded under the baseline hides this: it ${what} ${requestText(witness)} by ${by}${more}`;
    }),
    ...(hiddenByBaseline.length > CLASSES_SHOWN
      ? [`and ${count(hiddenByBaseline.length - CLASSES_SHOWN)} more classes (--output json has all)`]
      : []),
  ];
  await writeLine("");
  await writeLine(paint("bold", "What this log cannot show"));
  const recorded = Object.entries(log.levels).map(([level, events]) => `${level} ${count(events)}`);
  await writeLine(`  Levels in the log: ${recorded.join(", ") || "none"}`);
  for (const limit of limits) {
    await writeLine(`  ${limit}`);
  }
}

/** `get pods/exec in default by jane`. */
function requestText({
  verb,
  resource,
  subresource,
  path,
  isResourceRequest,
  namespace,
  user,
}: RequestAttributes): string {
  const object = subresource === "" ? resource : `${resource}/${subresource}`;
  const what = isResourceRequest ? `${object}${namespace === "" ? "" : ` in ${namespace}`}` : path;
  return safeText(`${verb} ${what} by ${user?.name ?? "nobody"}`, 160);
}
