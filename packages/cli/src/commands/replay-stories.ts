import { safeText } from "@auditsieve/detect";
import { rankActors, tellStories } from "@auditsieve/replay";
import type { Facts, Replayed, Story } from "@auditsieve/replay";
import { writeLine } from "../output.ts";
import { count, paint, table } from "../table.ts";

const LONG = 600;

/** Prints who stands out and why, and each story: its chains, where they end, and what was done. */
export async function printStories(facts: Facts, { findings }: Replayed): Promise<void> {
  const actors = rankActors(facts, findings);
  const stories = tellStories(facts, actors);
  const standing = actors.filter(({ isSuspicious }) => isSuspicious);
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
