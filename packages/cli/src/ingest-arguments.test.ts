import { describe, expect, test } from "vitest";
import { ingestOptions } from "./commands/ingest.ts";
import type { IngestOptions } from "./commands/ingest.ts";
import { ingestArguments } from "./ingest-arguments.ts";
import { testPlainArguments } from "./plain-arguments.suite.ts";

const DEFAULTS: IngestOptions = {
  files: [],
  config: undefined,
  check: false,
  redeliver: false,
  prime: false,
  openQuarantine: undefined,
  openDeadLetters: undefined,
  privateKey: undefined,
  follow: true,
  output: "table",
  minLevel: undefined,
  store: undefined,
  stateFolder: undefined,
  logLevel: undefined,
  watchFiles: undefined,
  exceptions: [],
};

describe("ingestArguments", () => {
  testPlainArguments(
    "ingest [files..]",
    ingestOptions,
    ingestArguments,
    "-c --config --check --redeliver --prime --no-follow --output --store --state-folder --log-level " +
      "-c --no-follow --follow --no-check --no-config --exceptions --min-level --open-quarantine --config=x -cx " +
      "a.yaml test audit.log ./x 12 1e3 - -- -v true false table ndjson info debug high é a=b ~ --stateFolder",
  );

  test("ingestArguments takes the usual command lines", () => {
    expect(ingestArguments(["ingest", "-c", "a.yaml", "--check"])).toEqual({
      ...DEFAULTS,
      config: "a.yaml",
      check: true,
    });
    expect(ingestArguments(["ingest", "--no-follow", "--output", "ndjson", "a.log", "-"])).toEqual({
      ...DEFAULTS,
      follow: false,
      output: "ndjson",
      files: ["a.log", "\0-"],
    });
    for (const args of [
      [],
      ["filter"],
      ["ingest", "--help"],
      ["ingest", "--output", "csv"],
      ["ingest", "--check", "--check"],
    ]) {
      expect(ingestArguments(args)).toBeUndefined();
    }
  });
});
