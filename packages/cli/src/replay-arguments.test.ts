import { describe, expect, test } from "vitest";
import { replayOptions } from "./commands/replay-options.ts";
import type { ReplayCommandOptions } from "./commands/replay-options.ts";
import { replayArguments } from "./replay-arguments.ts";
import { testPlainArguments } from "./plain-arguments.suite.ts";

const DEFAULTS = replayArguments(["replay"]) as ReplayCommandOptions;

describe("replayArguments", () => {
  testPlainArguments(
    "replay [logs..]",
    replayOptions,
    replayArguments,
    "--since --until --zone --strict --output --seal --html --stories --state-folder --threads " +
      "--no-strict --no-html --exceptions --min-level --fail-on --detections --source-ip --html=x -c --actor " +
      "a.yaml test audit.log ./x 12 1 2 02 - -- -v true false table ndjson json csv utc 2h é a=b ~ --stateFolder",
  );

  test("replayArguments takes the usual command lines", () => {
    expect(replayArguments(["replay", "a.log", "--html", "report.html", "--threads", "2"])).toEqual({
      ...DEFAULTS,
      logs: ["a.log"],
      html: "report.html",
      threads: 2,
    });
    expect(replayArguments(["replay", "--output", "ndjson", "-"])).toEqual({
      ...DEFAULTS,
      output: "ndjson",
      logs: ["\0-"],
    });
    for (const args of [
      [],
      ["filter"],
      ["replay", "--help"],
      ["replay", "--output", "csv"],
      ["replay", "--threads", "3"],
      ["replay", "--strict", "--strict"],
    ]) {
      expect(replayArguments(args)).toBeUndefined();
    }
  });
});
