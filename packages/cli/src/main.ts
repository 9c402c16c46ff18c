import type { ExitCode } from "./exit-code.ts";
import { filterArguments } from "./filter-arguments.ts";
import { ingestArguments } from "./ingest-arguments.ts";
import { dataFailure, writeDirectly } from "./output.ts";
import { replayArguments } from "./replay-arguments.ts";
import { sayFailure } from "./say-failure.ts";
import { stopSignal } from "./stop-signal.ts";

/** What is left of a daemon does not keep the process for longer. */
const LINGER_MS = 2000;

const args = process.argv.slice(2);
// Nothing is awaited here: the published command is CommonJS.
void main()
  .catch(sayFailure)
  .then((code) => {
    process.exitCode = code;
    // A client whose server says nothing may go on trying for minutes after it was closed.
    if (args[0] === "ingest") {
      setTimeout(() => process.exit(), LINGER_MS).unref();
    }
  });

/**
 * `filter` is what runs in pipelines, `ingest` on every control plane node: they start without what only other commands need. So does `replay`,
 * whose second thread starts first of all.
 */
async function main(): Promise<ExitCode> {
  const options = filterArguments(args);
  if (options !== undefined) {
    const { filter } = await import("./commands/filter.ts");
    writeDirectly();
    return filter(options);
  }
  // Who reads our output may stop reading: that is no failure of ours.
  process.stdout.on("error", (error) => {
    process.exit(sayFailure(dataFailure(error)));
  });
  const daemon = ingestArguments(args);
  if (daemon !== undefined) {
    // Heard before the daemon is loaded: until somebody listens a signal ends a process without a word, and the first one of a container, which
    // no signal ends, goes on as if nobody had sent it.
    const stop = stopSignal();
    const { ingest } = await import("./commands/ingest.ts");
    return ingest(daemon, stop);
  }
  const replayed = replayArguments(args);
  if (replayed !== undefined) {
    const { startReplay } = await import("./commands/replay-start.ts");
    return startReplay(replayed);
  }
  const [{ ownVersion }, { runProgram }] = await Promise.all([import("./own-version.ts"), import("./program.ts")]);
  return runProgram(args, ownVersion());
}
