import { createRedactor } from "@auditsieve/audit";
import { safeText } from "@auditsieve/detect";
import {
  GrantedAccessVisitor,
  leastPrivilege,
  replayLogs,
  UsedAccessVisitor,
  writeManifests,
} from "@auditsieve/replay";
import { randomBytes } from "node:crypto";
import type { Argv } from "yargs";
import { EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { LineProblems } from "../line-problems.ts";
import { sayUnreadable } from "../logs.ts";
import { say, writeData } from "../output.ts";
import { Progress } from "../progress.ts";
import { replayInputs } from "../replay-inputs.ts";

/** Options of `rbac`. */
export interface RbacOptions {
  readonly actor: string;
  readonly logs: readonly string[];
  readonly output: "yaml" | "json";
}

/** Adds the options of `rbac`. */
export function rbacOptions(argv: Argv): Argv<RbacOptions> {
  return argv
    .positional("actor", {
      type: "string",
      demandOption: true,
      describe: "User as the log names it: jane, system:serviceaccount:shop:web",
    })
    .positional("logs", {
      type: "string",
      array: true,
      default: [] as string[],
      describe: "Audit logs and folders of them: plain, .gz, .zst, or - for standard input",
    })
    .option("output", {
      choices: ["yaml", "json"] as const,
      default: "yaml",
      describe: "Manifests with comments, or one document with all that is known",
    })
    .example("$0 rbac system:serviceaccount:ci:ci-bot audit.log > ci-bot.yaml", "what the account really needs")
    .example("$0 rbac jane audit.log --output json | jq .neverUsed", "which of its rights it never used")
    .epilogue(
      "A log shows what was used while it was written: a right for the yearly job is not in it. Read before you apply. Exit 1: the actor was allowed nothing.",
    ) as unknown as Argv<RbacOptions>;
}

/** Prints the least privilege that an actor has really used. */
export async function rbac({ actor, logs, output }: RbacOptions): Promise<ExitCode> {
  const used = new UsedAccessVisitor(actor);
  const granted = new GrantedAccessVisitor();
  const problems = new LineProblems({ strict: false });
  const progress = new Progress("read");
  let exit: ExitCode = EXIT.fine;
  const { summary } = await replayLogs({
    logs: await replayInputs(logs, progress),
    detections: [],
    redactor: createRedactor({ key: randomBytes(32) }),
    visitors: [used, granted],
    onSort: () => problems.beginAgain(),
    onLineAlarm: (alarm) => problems.addAlarm(alarm),
    onUnreadable: (error) => {
      sayUnreadable(error);
      exit = EXIT.unusable;
    },
  });
  progress.finish();
  problems.finish(summary.log.events, exit !== EXIT.fine);
  const least = leastPrivilege(used.result(), granted);
  if (least.accesses === 0) {
    const refused = least.refused.length > 0 ? `, and was refused ${least.refused.length} accesses` : "";
    say(`auditsieve: Cannot find anything that "${safeText(actor)}" was allowed${refused}`);
    say("  hint: The actor is compared as a whole, with its case; `auditsieve replay` lists actors");
    if (output === "json") {
      await writeData(`${JSON.stringify(least, undefined, 2)}\n`);
    }
    return exit === EXIT.fine ? EXIT.problems : exit;
  }
  await writeData(output === "json" ? `${JSON.stringify(least, undefined, 2)}\n` : writeManifests(least));
  return exit;
}
