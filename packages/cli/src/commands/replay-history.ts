import { safeText } from "@auditsieve/detect";
import { objectHistories } from "@auditsieve/replay";
import type { DatedChange, HistoryQuestion, ObjectHistories } from "@auditsieve/replay";
import type { ReplayLog } from "@auditsieve/replay";
import { EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { Failure } from "../failure.ts";
import { say, writeAllData, writeData, writeLine } from "../output.ts";
import { count, counted, paint } from "../table.ts";
import { jsonText, wideJson } from "../json-text.ts";

const OUTPUTS: readonly string[] = ["table", "json", "ndjson"];
const LONG = 2_000;
const SHOWN_CHANGES = 40;
/** Of an object that is new the heading says these. */
const SAID: ReadonlySet<string> = new Set(["kind", "apiVersion"]);

/** Throws before the logs are read if `what` (a history, the uses of a credential) cannot be told of them. */
export function checkRetold(what: string, output: string, logs: readonly ReplayLog[]): void {
  if (!OUTPUTS.includes(output)) {
    throw new Failure(`Cannot print ${what} as ${output}`, { hint: `Use one of ${OUTPUTS.join(", ")}` });
  }
  const passing = logs.find(({ isRepeatable }) => isRepeatable === false);
  if (passing !== undefined) {
    throw new Failure(`Cannot tell ${what} from ${passing.name}: the logs are read once more for the events`, {
      hint: "Save the log to a file first, and name that",
    });
  }
}

/** Prints every write to the objects that were asked for. */
export async function printHistory(
  question: HistoryQuestion,
  from: Parameters<typeof objectHistories>[1],
  output: string,
): Promise<ExitCode> {
  const told = await objectHistories(question, from);
  const revisions = told.histories.flatMap(({ object, revisions: each }) =>
    each.map((revision) => ({ object: object.key, ...entryOf(revision, told) })),
  );
  if (output === "json") {
    await writeData(`${wideJson({ revisions, leftOut: told.leftOut })}\n`);
  } else if (output === "ndjson") {
    await writeAllData(revisions.map((each) => `${jsonText(each)}\n`));
  } else {
    for (const [i, history] of told.histories.entries()) {
      await writeLine(`${i === 0 ? "" : "\n"}${paint("bold", safeText(history.object.key, LONG))}`);
      for (const revision of history.revisions) {
        await writeLine(textOf(entryOf(revision, told)));
      }
      if (history.object.omitted > 0) {
        await writeLine(`(${count(history.object.omitted)} writes between these are left out)`);
      }
    }
  }
  if (told.leftOut > 0) {
    say(`auditsieve: ${count(told.leftOut)} more objects match and are left out, last written before these`);
    say("  hint: Name fewer of them: a namespace, or more of the name");
  }
  if (revisions.length > 0) {
    return EXIT.fine;
  }
  const object = safeText(question.object, LONG);
  if (told.atOtherTimes > 0) {
    say(`auditsieve: No write to "${object}" in the time that was asked for`);
    say(
      `  hint: ${counted(told.atOtherTimes, "object")} of that name, written before or after; see --since and --until`,
    );
    return EXIT.problems;
  }
  say(`auditsieve: No write to "${object}" is in these logs`);
  say(
    told.near.length > 0
      ? `  hint: Written were: ${told.near.map((key) => safeText(key, LONG)).join(", ")}`
      : "  hint: RESOURCE NAMESPACE/NAME as in 'deployments.apps shop/web'; * stands for any text",
  );
  return EXIT.problems;
}

type Entry = ReturnType<typeof entryOf>;

function entryOf({ revision, changes, note }: DatedChange, { events }: ObjectHistories) {
  const { time, verb, subresource, session, level, place } = revision;
  const { identity, impersonated, sourceIP, userAgent } = session;
  const auditID = events.get(place)?.auditID;
  return {
    time,
    verb,
    ...(subresource !== "" && { subresource }),
    actor: identity.name,
    ...(identity.credential !== undefined && { credential: identity.credential }),
    ...(impersonated !== undefined && { impersonated }),
    sourceIP,
    userAgent,
    level,
    ...(auditID !== undefined && { auditID }),
    ...(note !== "" && { note }),
    changes,
  };
}

function textOf(entry: Entry): string {
  const { time, verb, subresource, actor, impersonated, sourceIP, userAgent, note, changes } = entry;
  const what = subresource === undefined ? verb : `${verb} ${subresource}`;
  const as = impersonated === undefined ? "" : ` as ${safeText(impersonated, LONG)}`;
  const how = `from ${safeText(sourceIP)} with ${safeText(userAgent.split(" ")[0] ?? "")}`;
  const head = `${safeText(time, 40)}  ${safeText(what)} by ${paint("bold", safeText(actor, LONG))}${as} ${paint("dim", how)}`;
  const telling = changes.filter(({ path, before }) => before !== undefined || !SAID.has(path));
  const lines = telling
    .slice(0, SHOWN_CHANGES)
    .flatMap(({ path, before, after }) => [
      `    ${safeText(path, LONG)}`,
      ...(before === undefined ? [] : [paint("red", `      - ${safeText(before, LONG)}`)]),
      ...(after === undefined ? [] : [paint("green", `      + ${safeText(after, LONG)}`)]),
    ]);
  const more = telling.length > SHOWN_CHANGES ? [`    and ${count(telling.length - SHOWN_CHANGES)} more changes`] : [];
  return [head, ...(note === undefined ? [] : [paint("dim", `    ${note}`)]), ...lines, ...more].join("\n");
}
