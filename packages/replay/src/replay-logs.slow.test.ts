import { describe, expect, test } from "vitest";
import { liveFindings, logOf, REDACTOR, sample, shippedDetections } from "./replay-fixtures.suite.ts";
import { replayLogs } from "./replay-logs.ts";

describe("replayLogs", () => {
  test.each(["attack.log.zst", "working-day.log.zst", "quiet.log.zst"])(
    "replayLogs finds in the whole of %s what the daemon's pipeline finds",
    async (name) => {
      const log = sample(name);
      const detections = shippedDetections();
      const live = await liveFindings(log, detections);
      const { findings } = await replayLogs({ logs: [logOf(name, log)], detections, redactor: REDACTOR });
      expect(JSON.parse(JSON.stringify([...findings]))).toEqual(live);
    },
  );
});
