import { safeText } from "@auditsieve/detect";
import { rankActors, readAuditIDs, tellStories } from "@auditsieve/replay";
import type { Facts, RankedActor, Replayed, ReplayLog, Story } from "@auditsieve/replay";
import { Failure } from "../failure.ts";
import { writeAllData, writeData, writeLine } from "../output.ts";
import { count, paint, table } from "../table.ts";
import { jsonText, wideJson } from "../json-text.ts";

const LONG = 600;

const OUTPUTS: readonly string[] = ["table", "json", "ndjson"];

/** Throws before the logs are read if stories cannot be printed so. */
export function checkStories(output: string): void {
  if (!OUTPUTS.includes(output)) {
    throw new Failure(`Cannot print stories as ${output}`, { hint: `Use one of ${OUTPUTS.join(", ")}` });
  }
}

/**
 * Prints who stands out and why, and each story: its chains, where they end, and what was done. For scripts the logs are read once more, for the
 * auditIDs of the events behind what is told.
 */
export async function printStories(
  { findings }: Replayed,
  { facts, logs }: { readonly facts: Facts; readonly logs: readonly ReplayLog[] },
  output: string,
): Promise<void> {
  const actors = rankActors(facts, findings);
  const stories = tellStories(facts, actors);
  const standing = actors.filter(({ isSuspicious }) => isSuspicious);
  if (output !== "table") {
    const places = stories.flatMap(({ steps, links }) => [...steps, ...links].map(({ place }) => place));
    const auditIDs = await readAuditIDs(places, { facts, logs });
    const told = stories.map((story) => storyOf(story, auditIDs));
    await (output === "json"
      ? writeData(`${wideJson({ identities: standing.map(identityOf), stories: told })}\n`)
      : writeAllData(told.map((story) => `${jsonText(story)}\n`)));
    return;
  }
  await writeLine(paint("bold", `${count(standing.length)} identities stand out in ${count(findings.size)} findings`));
  if (standing.length > 0) {
    await writeLine(
      table(
        [
          { title: "points", align: "right" },
          { title: "identity" },
          { title: "first seen" },
          { title: "most unusual" },
        ],
        standing.map(({ score, name, first, reasons }) => [
          String(score),
          safeText(name, LONG),
          first,
          reasons
            .slice(0, 2)
            .map(({ text }) => safeText(text))
            .join("; "),
        ]),
      ),
    );
  }
  for (const [i, story] of stories.entries()) {
    await writeLine("");
    await printStory(story, i + 1);
  }
}

function identityOf({ name, score, first, last, reasons }: RankedActor): object {
  return { name, score, first, last, reasons: reasons.map(({ text }) => text) };
}

/** A story as scripts read it: each step and link has the auditIDs of what it rests on. */
function storyOf(
  { title, score, actors, steps, nodes, links, ends }: Story,
  auditIDs: ReadonlyMap<number, string>,
): object {
  const restsOn = (place: number | undefined): { readonly auditIDs?: readonly string[] } => {
    const auditID = place === undefined ? undefined : auditIDs.get(place);
    return auditID === undefined ? {} : { auditIDs: [auditID] };
  };
  return {
    title,
    score,
    actors,
    steps: steps.map(({ time, kind, actor, text, severity, finding, place }) => ({
      time,
      kind,
      actor,
      text,
      ...(severity && { severity }),
      ...(finding ? { detection: finding.detection, auditIDs: finding.auditIDs } : restsOn(place)),
    })),
    nodes,
    links: links.map(({ from, to, kind, time, text, place }) => ({ from, to, kind, time, text, ...restsOn(place) })),
    ends,
  };
}

async function printStory({ title, steps, ends, nodes }: Story, number: number): Promise<void> {
  const labels = new Map(nodes.map(({ id, label }) => [id, label]));
  await writeLine(paint("bold", `Story ${number}: ${safeText(title, LONG)}`));
  await writeLine(
    table(
      [{ title: "time" }, { title: "severity" }, { title: "step" }],
      steps.map(({ time, severity = "", kind, text }) => [
        time,
        kind === "origin" ? "origin" : severity,
        safeText(text, LONG),
      ]),
    ),
  );
  for (const { node, text } of ends) {
    await writeLine(`ends at ${safeText(labels.get(node) ?? "", LONG)}: ${safeText(text, LONG)}`);
  }
}
