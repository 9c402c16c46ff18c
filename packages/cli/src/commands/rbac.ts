import { createRedactor } from "@auditsieve/audit";
import { safeText } from "@auditsieve/detect";
import {
  GrantedAccessVisitor,
  leastPrivilege,
  replayLogs,
  RightsAtVisitor,
  UsedAccessVisitor,
  writeManifests,
} from "@auditsieve/replay";
import type { ReplayVisitor } from "@auditsieve/replay";
import { randomBytes } from "node:crypto";
import type { Argv } from "yargs";
import { ActorsSeen } from "../actors-seen.ts";
import { EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { Failure } from "../failure.ts";
import { LineProblems } from "../line-problems.ts";
import { sayUnreadable } from "../logs.ts";
import { fewNames, nearNames } from "../near-names.ts";
import { say, writeData } from "../output.ts";
import { Progress } from "../progress.ts";
import { readInstant, refuseZone } from "../read-instant.ts";
import { replayInputs } from "../replay-inputs.ts";
import { printRightsAt } from "./rbac-at.ts";
import { wideJson } from "../json-text.ts";

const OUTPUTS = ["yaml", "table", "json", "ndjson"] as const;
const MOST_LETTERS = 600;

/** Options of `rbac`. */
export interface RbacOptions {
  readonly actor: string;
  readonly logs: readonly string[];
  readonly at: string | undefined;
  readonly zone: string;
  readonly output: (typeof OUTPUTS)[number] | undefined;
}

/** Adds the options of `rbac`. */
export function rbacOptions(argv: Argv): Argv<RbacOptions> {
  return argv
    .positional("actor", {
      type: "string",
      demandOption: true,
      describe: "User as the log names it: jane, system:serviceaccount:shop:web; with --at, * stands for any text",
    })
    .positional("logs", {
      type: "string",
      array: true,
      default: [] as string[],
      describe: "Audit logs and folders of them: plain, .gz, .zst, or - for standard input",
    })
    .option("at", {
      type: "string",
      describe:
        "Instead, what the actor could do at this time, by the bindings that the log shows: 2026-11-24T00:13Z, or 90m, 1d12h ago",
    })
    .option("zone", {
      type: "string",
      default: "utc",
      describe: "Time zone of a time without an offset: utc, local, Europe/Zurich",
    })
    .option("output", {
      choices: OUTPUTS,
      describe:
        "Manifests with comments (yaml), or one document with all that is known; with --at a table (the default), one document, or a binding a line",
    })
    .example("$0 rbac system:serviceaccount:ci:ci-bot audit.log > ci-bot.yaml", "what the account really needs")
    .example("$0 rbac jane audit.log --output json | jq .neverUsed", "which of its rights it never used")
    .example("$0 rbac jane audit.log --at 2026-11-24T00:27:30Z", "which binding gave what then, and who made it")
    .example("$0 rbac '*' audit.log --at 2h", "all bindings as they were two hours ago")
    .epilogue(
      "A log shows what was used while it was written: a right for the yearly job is not in it. Read before you apply. Exit 1: the actor was allowed nothing.",
    );
}

/** Prints the least privilege that an actor has really used, or what it could do at a time. */
export async function rbac(options: RbacOptions): Promise<ExitCode> {
  const { actor, at, zone, output } = options;
  refuseZone(zone);
  if (actor.trim() === "") {
    throw new Failure("Cannot tell the rights of an actor: its name is empty", {
      hint: "Name one as the log does; a variable of the shell may not be set",
    });
  }
  if (at !== undefined) {
    if (output === "yaml") {
      throw new Failure("Cannot print RBAC at a time as yaml", { hint: "Use one of table, json, ndjson" });
    }
    return rightsAt(options, readInstant("--at", at, zone), output ?? "table");
  }
  if (output === "table" || output === "ndjson") {
    throw new Failure(`Cannot print the least privilege as ${output}`, {
      hint: "Use yaml or json; --at TIME prints what the actor could do then as a table",
    });
  }
  return leastRights(options, output ?? "yaml");
}

async function leastRights({ actor, logs }: RbacOptions, output: "yaml" | "json"): Promise<ExitCode> {
  const used = new UsedAccessVisitor(actor);
  const granted = new GrantedAccessVisitor();
  const actors = new ActorsSeen();
  const exit = await readLogs(logs, [used, granted, actors]);
  const least = leastPrivilege(used.result(), granted);
  if (least.accesses === 0) {
    const refused = least.refused.length > 0 ? `, and was refused ${least.refused.length} accesses` : "";
    say(`auditsieve: Cannot find anything that "${safeText(actor, MOST_LETTERS)}" was allowed${refused}`);
    sayNear(actor, actors.names);
    if (output === "json") {
      await writeData(`${wideJson(least)}\n`);
    }
    return exit === EXIT.fine ? EXIT.problems : exit;
  }
  await writeData(output === "json" ? `${wideJson(least)}\n` : writeManifests(least));
  return exit;
}

async function rightsAt(
  { actor, logs }: RbacOptions,
  at: string,
  output: "table" | "json" | "ndjson",
): Promise<ExitCode> {
  const visitor = new RightsAtVisitor({ actor, at });
  const actors = new ActorsSeen();
  const exit = await readLogs(logs, [visitor, actors]);
  const rights = visitor.result();
  if (!rights.isKnown) {
    say(`auditsieve: Nobody in these logs is "${safeText(actor, MOST_LETTERS)}"`);
    sayNear(actor, actors.names);
  }
  if (output === "json" || (rights.isKnown && rights.bindings.length > 0)) {
    await printRightsAt(rights, actor, output);
  } else if (rights.isKnown) {
    say(`auditsieve: The log shows no binding that gave "${safeText(actor, MOST_LETTERS)}" anything at ${at}`);
    rights.unknown.forEach((each) => say(`  ${safeText(each, 2 * MOST_LETTERS)}`));
  }
  return exit === EXIT.fine && (!rights.isKnown || rights.bindings.length === 0) ? EXIT.problems : exit;
}

async function readLogs(paths: readonly string[], visitors: readonly ReplayVisitor[]): Promise<ExitCode> {
  const problems = new LineProblems({ strict: false });
  const progress = new Progress("read");
  let exit: ExitCode = EXIT.fine;
  const { summary } = await replayLogs({
    logs: await replayInputs(paths, progress),
    detections: [],
    redactor: createRedactor({ key: randomBytes(32) }),
    visitors,
    onSort: () => problems.beginAgain(),
    onLineAlarm: (alarm) => problems.addAlarm(alarm),
    onUnreadable: (error) => {
      sayUnreadable(error);
      exit = EXIT.unusable;
    },
  });
  progress.finish();
  problems.finish(summary.log.events, exit !== EXIT.fine);
  return exit;
}

function sayNear(actor: string, names: ReadonlySet<string>): void {
  const near = nearNames(actor, names).filter((name) => name !== actor);
  say(
    near.length > 0
      ? `  hint: There are: ${fewNames(near)}; it is compared as a whole, with its case`
      : "  hint: The actor is compared as a whole, with its case; `auditsieve replay` lists actors",
  );
}
