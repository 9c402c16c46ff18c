import type { DetectionEngine } from "@auditsieve/detect";
import { IngestError } from "../errors.ts";

const KEY = "user.username";
const SHOWN = 5;

/**
 * What is wrong with correlations over a topic of several partitions: records are keyed by the user, so that a correlation sees all
 * that it counts only if it groups by the user too. Undefined when nothing is.
 */
export function checkPartitions(
  topic: string,
  partitions: number,
  { linked }: Pick<DetectionEngine, "linked">,
): IngestError | undefined {
  const scattered = linked.correlations
    .filter(
      ({ correlation }) =>
        !correlation.groupBy.some(({ name, paths }) => name === KEY || paths.some(({ text }) => text === KEY)),
    )
    .map(({ detection }) => detection.id);
  if (partitions < 2 || scattered.length === 0) {
    return undefined;
  }
  const more = scattered.length > SHOWN ? ` and ${scattered.length - SHOWN} more` : "";
  return new IngestError(
    "unreadable",
    `Cannot correlate over topic "${topic}": it has ${partitions} partitions, and ${scattered.length} correlations do not group by ${KEY} (${scattered.slice(0, SHOWN).join(", ")}${more}): a daemon that has some of the partitions counts only what is in them`,
    {
      hint: "Let one daemon read a topic with one partition for them, name other detections, or accept it with partialCorrelations: true",
    },
  );
}
