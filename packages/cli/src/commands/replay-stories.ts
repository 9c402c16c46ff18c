import { safeText } from "@auditsieve/detect";
import { rankActors, tellStories } from "@auditsieve/replay";
import type { Facts, RankedActor, Replayed, Story } from "@auditsieve/replay";
import { Failure } from "../failure.ts";
import { writeAllData, writeData, writeLine } from "../output.ts";
import { count, paint, table } from "../table.ts";

const LONG = 600;

const OUTPUTS: readonly string[] = ["table", "json", "ndjson"];

/** Throws before the logs are read if stories cannot be printed so. */
export function checkStories(output: string): void {
  if (!OUTPUTS.includes(output)) {
    throw new Failure(`Cannot print stories as ${output}`, { hint: `Use one of ${OUTPUTS.join(", ")}` });
  }
}

/** Prints who stands out and why, and each story: its chains, where they end, and what was done. */
export async function printStories(facts: Facts, { findings }: Replayed, output: string): Promise<void> {
  const actors = rankActors(facts, findings);
  const stories = tellStories(facts, actors);
  const standing = actors.filter(({ isSuspicious }) => isSuspicious);
  if (output === "json") {
    await writeData(
      `${JSON.stringify({ identities: standing.map(identityOf), stories: stories.map(storyOf) }, undefined, 2)}\n`,
    );
    return;
  }
  if (output === "ndjson") {
    await writeAllData(stories.map((story) => `${JSON.stringify(storyOf(story))}\n`));
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

/** A story as scripts read it: a step names its finding's detection, and the event that it rests on. */
function storyOf({ title, score, actors, steps, nodes, links, ends }: Story): object {
  return {
    title,
    score,
    actors,
    steps: steps.map(({ time, kind, actor, text, severity, finding }) => ({
      time,
      kind,
      actor,
      text,
      ...(severity && { severity }),
      ...(finding && { detection: finding.detection, auditIDs: finding.auditIDs }),
    })),
    nodes,
    links: links.map(({ from, to, kind, time, text }) => ({ from, to, kind, time, text })),
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
