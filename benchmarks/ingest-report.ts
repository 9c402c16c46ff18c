import { cpus, loadavg } from "node:os";
import type { ServerWork } from "./ingest-targets.ts";

export interface Measured {
  /** Seconds of the whole process. */
  readonly wall: number;
  /** Documents a second once it ran. */
  readonly rate: number;
  /** CPU seconds up to the first answer, a part of `user`. */
  readonly start: number;
  /** CPU seconds. */
  readonly user: number;
  readonly system: number;
  /** What the server did meanwhile. */
  readonly server?: ServerWork;
  /** MB. */
  readonly peak: number;
}

export interface Section {
  readonly title: string;
  readonly loader: readonly Measured[];
  readonly forwarder: readonly Measured[];
  readonly daemon: readonly Measured[];
  readonly withoutDetections: readonly Measured[];
}

export interface Latency {
  /** Documents a second. */
  readonly rate: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
  readonly oldestFinding: number;
}

interface Sizes {
  readonly lines: number;
  readonly runs: number;
  readonly logBytes: number;
  readonly bodyBytes: number;
}

/** What stands behind it in the report is written by hand, and stays. */
const BY_HAND = "<!-- by hand from here -->";

/** Of an even number of values the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[sorted.length >> 1] ?? Number.NaN;
  const lower = sorted[(sorted.length - 1) >> 1] ?? Number.NaN;
  return (lower + upper) / 2;
}

export function report(
  sizes: Sizes,
  sections: readonly Section[],
  stages: ReadonlyMap<string, number>,
  latency: Latency,
  before: string,
): string {
  const { lines, runs, logBytes, bodyBytes } = sizes;
  const daemons = sections[0]?.daemon ?? [];
  const cpu = median(daemons.map(({ user }) => user));
  const byHand = before.includes(BY_HAND) ? before.slice(before.indexOf(BY_HAND)) : `${BY_HAND}\n`;
  return `# Ingest benchmark

Made by \`node benchmarks/ingest.ts ${lines} ${runs}\` on ${new Date().toISOString().slice(0, 10)}: ${cpus().length} x ${cpus()[0]?.model.trim()}, Node ${process.version}, load average ${loadavg()[0]?.toFixed(1)} at the end.
${lines} lines of a working day (${(logBytes / 1e6).toFixed(0)} MB, ${(bodyBytes / 1e6).toFixed(0)} MB of bulk requests), all forwarded (\`feed: all\`), nothing dropped: the dearest case. Median of ${runs} runs taken in
turn after one that is not counted; client and server share the cores.

The loader sends the very requests that the daemon has sent, recorded before, from a file, four at a time, by Node's own HTTP client: it
does nothing else. The forwarder reads the log, hashes each line for its id and sends it as it is, nothing more. The daemon is the published one (\`packages/cli/dist\`). The log is the day again and again, later each time and with requests of its own. Documents a second are counted between the first answer and the last but one, without the start of the process.
CPU is that of whole processes, in microseconds a line; \`start\` is the part of it up to the first answer, which a daemon has once;
\`server\` is what Elasticsearch used in the same run and for it: each waits until its segments are merged. How many refreshes and merges there
are depends on how long a run takes, more than on who sends: a server refreshes by the clock, and merges some thirty segments of a size.

| into | who | documents/s (range) | of the loader's | user CPU | of it start | system CPU | server CPU | refreshes | merged, MB | peak memory, MB |
|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|
${sections.flatMap((section) => rowsOf(section, lines)).join("\n")}

Where the daemon's time goes (CPU profile of one run into the server that keeps nothing, ${((cpu / lines) * 1e6).toFixed(0)} us of user CPU a line in all):

| stage | share | us a line |
|---|--:|--:|
${[...stages].map(([stage, share]) => `| ${stage} | ${(100 * share).toFixed(0)} % | ${((share * cpu * 1e6) / lines).toFixed(1)} |`).join("\n")}

Added latency at ${latency.rate.toFixed(0)} documents/s (half of 0.8 of the loader into Elasticsearch), real lines stamped as they are written to the log,
until a server has them that takes as much a second as that Elasticsearch: median ${latency.p50} ms, p99 ${latency.p99} ms, most ${latency.most} ms.
That is of lines as they come first. The oldest finding was ${latency.oldestFinding} ms old: what counts events waits for those that are late, a minute of the log's time.

${byHand}`;
}

function rowsOf({ title, loader, forwarder, daemon, withoutDetections }: Section, lines: number): readonly string[] {
  const floor = median(loader.map(({ rate }) => rate));
  const row = (into: string, who: string, all: readonly Measured[]): readonly string[] => {
    if (all.length === 0) {
      return [];
    }
    const rates = all.map(({ rate }) => rate);
    const each = (seconds: readonly number[]): string => ((median(seconds) / lines) * 1e6).toFixed(0);
    const servers = all.flatMap(({ server }) => server ?? []);
    const range = `${Math.min(...rates).toFixed(0)}-${Math.max(...rates).toFixed(0)}`;
    const cells = [
      into,
      who,
      `${median(rates).toFixed(0)} (${range})`,
      (median(rates) / floor).toFixed(2),
      each(all.map(({ user }) => user)),
      each(all.map(({ start }) => start)),
      each(all.map(({ system }) => system)),
      ...(servers.length === 0
        ? ["", "", ""]
        : [
            each(servers.map(({ cpu }) => cpu)),
            median(servers.map(({ refreshes }) => refreshes)).toFixed(0),
            (median(servers.map(({ merged }) => merged)) / 1e6).toFixed(0),
          ]),
      Math.max(...all.map(({ peak }) => peak)).toFixed(0),
    ];
    return [`| ${cells.join(" | ")} |`];
  };
  return [
    ...row(title, "loader", loader),
    ...row("", "forwarder of lines as they are", forwarder),
    ...row("", "daemon", daemon),
    ...row("", "daemon without detections", withoutDetections),
  ];
}
