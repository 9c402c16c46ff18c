import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What a V8 CPU profile holds, as far as it is read here. */
interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
    readonly children?: readonly number[];
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** The work of a line, by the file that a frame or one of its callers stands in: the innermost that is named counts. */
const STAGES: readonly (readonly [stage: string, file: RegExp])[] = [
  ["redaction", /audit\/src\/(?:redact|splice)/],
  ["id", /audit\/src\/identity/],
  ["detections", /packages\/detect\/|ingest\/src\/(?:detections|alarms)\//],
  ["document", /ingest\/src\/sinks\/(?:ecs|body|bulk-body)|scan-wasm\/event-documents/],
  ["reading and framing", /ingest\/src\/sources\/|audit\/src\/frame/],
  ["scan", /audit\/src\/(?:scan|json-bytes|key-table)/],
  ["requests and answers", /@elastic|undici|ingest\/src\/sinks\/(?:bulk-batcher|elasticsearch|in-flight)/],
  ["checkpoint", /ingest\/src\/(?:state\/|pipeline\/pipeline-state|receipts\/tally-ledger)/],
  ["deciding, counting, handing on", /ingest\/src\//],
];
const COLLECTOR = "garbage collection";
const REST = "start, and what has no name";

/** Share of the busy time in each stage, of the one profile in `folder`. */
export function stagesOf(folder: string): ReadonlyMap<string, number> {
  const [file = ""] = readdirSync(folder).filter((name) => name.endsWith(".cpuprofile"));
  const profile = JSON.parse(readFileSync(join(folder, file), "utf8")) as Profile;
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const parents = new Map(profile.nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])));
  const stages = new Map<number, string>();
  const stageOf = (id: number): string => {
    const known = stages.get(id);
    if (known !== undefined) {
      return known;
    }
    const { functionName, url } = nodes.get(id)?.callFrame ?? { functionName: "", url: "" };
    const parent = parents.get(id);
    const isStart = /config|load-|cli\/src/.test(url) && !url.includes("/detect/src/condition");
    const found =
      functionName === "(idle)"
        ? ""
        : functionName === "(garbage collector)"
          ? COLLECTOR
          : isStart
            ? REST
            : STAGES.find(([, pattern]) => pattern.test(url))?.[0];
    const stage = found ?? (parent === undefined ? REST : stageOf(parent));
    stages.set(id, stage);
    return stage;
  };
  const times = new Map<string, number>();
  profile.samples.forEach((id, i) => {
    const stage = stageOf(id);
    times.set(stage, (times.get(stage) ?? 0) + (profile.timeDeltas[i] ?? 0));
  });
  times.delete("");
  const busy = [...times.values()].reduce((sum, time) => sum + time, 0);
  return new Map([...times].map(([stage, time]) => [stage, time / busy] as const).toSorted((a, b) => b[1] - a[1]));
}
