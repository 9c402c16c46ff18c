import { readConfig } from "@auditsieve/ingest";
import type { IngestConfig, ReadConfig } from "@auditsieve/ingest";
import { NamedFiles } from "./named-files.ts";
import { sayProblem } from "./output.ts";
import { readText } from "./read-text.ts";
import { readDetectionPaths } from "./detection-paths.ts";
import { SHIPPED } from "./shipped-files.ts";
import { preparedDetections } from "./prepared-detections.ts";
import { readPolicyText } from "./shipped.ts";

/** The daemon's configuration in `file`; undefined when it cannot be used, and every problem has been said. */
export async function loadConfig(file: string): Promise<IngestConfig | undefined> {
  return (await readConfigFile(file)).config;
}

/** The same, with the places of what stands in it; `files` has then what it names. */
export async function readConfigFile(file: string, files: NamedFiles = new NamedFiles()): Promise<ReadConfig> {
  files.clear();
  const read = readConfig(await readText(file, "configuration"), {
    env: (name) => process.env[name],
    readFile: (path) => files.read(path),
    policy: readPolicyText,
    detections: (paths = [SHIPPED]) => readDetectionPaths(paths),
    loadedDetections: preparedDetections,
  });
  read.problems.forEach((problem) => sayProblem(problem, file));
  return read;
}
