import type { Detection, DetectionEngine } from "@auditsieve/detect";
import { IngestError } from "../errors.ts";

const KEY = "user.username";
const SHOWN = 5;

interface Field {
  readonly name: string;
  readonly paths: readonly { readonly text: string }[];
}

/**
 * What is wrong with detections over a topic of several partitions: records are keyed by the user, so that a correlation sees all
 * that it counts only if it groups by the user too, and a first-seen detection knows whom it has learned of only if it learns per
 * user. Undefined when nothing is.
 */
export function checkPartitions(
  topic: string,
  partitions: number,
  { linked, detections }: Pick<DetectionEngine, "linked" | "detections">,
): IngestError | undefined {
  const correlations = linked.correlations.filter(({ correlation }) => !isByKey(correlation.groupBy));
  const scattered = [...correlations.map(({ detection }) => detection), ...detections.filter(learnsApart)];
  if (partitions < 2 || scattered.length === 0) {
    return undefined;
  }
  const ids = scattered.map(({ id }) => id);
  const more = ids.length > SHOWN ? ` and ${ids.length - SHOWN} more` : "";
  return new IngestError(
    "unreadable",
    `Cannot correlate over topic "${topic}": it has ${partitions} partitions, and ${ids.length} detections do not count or learn by ${KEY} (${ids.slice(0, SHOWN).join(", ")}${more}): what they need lies in several of them`,
    {
      hint: "Let them read a topic of one partition, or one that is keyed by what they count by; name other detections; or accept it with partialCorrelations: true, which is right where one daemon reads all partitions with detectionState: folder",
    },
  );
}

/** Whether what is learned elsewhere would be taken for the beginning. */
function learnsApart({ firstSeen }: Detection): boolean {
  return firstSeen !== undefined && (firstSeen.learnMs > 0 || !firstSeen.findsOpening) && !isByKey(firstSeen.per);
}

function isByKey(fields: readonly Field[]): boolean {
  return fields.some(({ name, paths }) => name === KEY || paths.some(({ text }) => text === KEY));
}
