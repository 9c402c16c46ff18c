import { existsSync } from "node:fs";
import yargs from "yargs";
import type { Argv, CommandModule } from "yargs";
import { EXIT } from "./exit-code.ts";
import type { ExitCode } from "./exit-code.ts";
import { Failure } from "./failure.ts";
import { nameStandardInput } from "./standard-input.ts";

/** What a command's module gives: its options, and what runs it. */
interface Command<T> {
  readonly options: (argv: Argv) => Argv<T>;
  readonly run: (options: T) => Promise<ExitCode>;
}

type Finish = (exit: ExitCode) => void;

/** The commands of the contract, in the order of the help. */
function commands(finish: Finish): readonly CommandModule[] {
  return [
    {
      command: "policy",
      describe: "Generate, check and evaluate audit policies",
      builder: (argv) =>
        policyCommands(finish)
          .reduce((to, command) => to.command(command), argv)
          .demandCommand(1, "no command was given to policy"),
      handler: () => {},
    },
    {
      command: "detections",
      describe: "List, check and test detections: ours or yours",
      builder: (argv) =>
        detectionsCommands(finish)
          .reduce((to, command) => to.command(command), argv)
          .demandCommand(1, "no command was given to detections")
          .epilogue(
            `${NO_IMPORT}: \`detections check FOLDER\` says what is wrong with them, \`replay --detections FOLDER\` and the daemon's \`detections: [FOLDER]\` find with them. docs/sigma.md`,
          ),
      handler: () => {},
    },
    lazy(finish, "filter [logs..]", "Drop the noise of audit logs, keep the rest byte for byte", async () => {
      const { filter, filterOptions } = await import("./commands/filter.ts");
      return { options: filterOptions, run: filter };
    }),
    lazy(finish, "ingest [files..]", "Run the daemon: tail the log, find, forward, lose nothing", async () => {
      const { ingest, ingestOptions } = await import("./commands/ingest.ts");
      return { options: ingestOptions, run: ingest };
    }),
    lazy(finish, "reconcile", "Prove that nothing was lost: read inputs and sinks again and compare", async () => {
      const { reconcile, reconcileOptions } = await import("./commands/reconcile.ts");
      return { options: reconcileOptions, run: reconcile };
    }),
    lazy(finish, "replay [logs..]", "Findings and timeline of audit logs", async () => {
      const [{ replayOptions }, { startReplay }] = await Promise.all([
        import("./commands/replay-options.ts"),
        import("./commands/replay-start.ts"),
      ]);
      return { options: replayOptions, run: startReplay };
    }),
    lazy(finish, "verify <manifest>", "Prove a sealed replay", async () => {
      const { verify, verifyOptions } = await import("./commands/verify.ts");
      return { options: verifyOptions, run: verify };
    }),
    lazy(finish, "query <sql> [logs..]", "SQL over the events and findings of audit logs", async () => {
      const { query, queryOptions } = await import("./commands/query.ts");
      return { options: queryOptions, run: query };
    }),
    lazy(
      finish,
      "rbac <actor> [logs..]",
      "The least privilege that an actor has really used, or its rights at a time",
      async () => {
        const { rbac, rbacOptions } = await import("./commands/rbac.ts");
        return { options: rbacOptions, run: rbac };
      },
    ),
    lazy(finish, "explain <audit-id> [logs..]", "What each stage does with one event, and why", async () => {
      const { explain, explainOptions } = await import("./commands/explain.ts");
      return { options: explainOptions, run: explain };
    }),
  ];
}

function policyCommands(finish: Finish): readonly CommandModule[] {
  return [
    lazy(finish, "generate", "Print the audit policy of a profile", async () => {
      const { policyGenerate, policyGenerateOptions } = await import("./commands/policy-generate.ts");
      return { options: policyGenerateOptions, run: policyGenerate };
    }),
    lazy(finish, "check <files..>", "Say what the apiserver would, and what it accepts in silence", async () => {
      const { policyCheck, policyCheckOptions } = await import("./commands/policy-check.ts");
      return { options: policyCheckOptions, run: policyCheck };
    }),
    lazy(finish, "eval <file>", "Decide requests read from standard input", async () => {
      const { policyEval, policyEvalOptions } = await import("./commands/policy-eval.ts");
      return { options: policyEvalOptions, run: policyEval };
    }),
    lazy(finish, "explain <file> [request..]", "Which rule decides a request, why, and what is written", async () => {
      const { policyExplain, policyExplainOptions } = await import("./commands/policy-explain.ts");
      return { options: policyExplainOptions, run: policyExplain };
    }),
    lazy(finish, "minimise <file>", "Print the shortest policy that decides the same", async () => {
      const { policyMinimise, policyMinimiseOptions } = await import("./commands/policy-minimise.ts");
      return { options: policyMinimiseOptions, run: policyMinimise };
    }),
    lazy(finish, "test <files..>", "Run the cases of profiles and policies", async () => {
      const { policyTest, policyTestOptions } = await import("./commands/policy-test.ts");
      return { options: policyTestOptions, run: policyTest };
    }),
    lazy(finish, "diff <old> <new>", "Every class of requests that two policies record differently", async () => {
      const { policyDiff, policyDiffOptions } = await import("./commands/policy-diff.ts");
      return { options: policyDiffOptions, run: policyDiff };
    }),
    lazy(finish, "simulate <file> [logs..]", "What a policy would have written of a log, and its cost", async () => {
      const { policySimulate, policySimulateOptions } = await import("./commands/policy-simulate.ts");
      return { options: policySimulateOptions, run: policySimulate };
    }),
    lazy(finish, "coverage <file>", "What a policy lets each detection see, and what it hides from it", async () => {
      const { policyCoverage, policyCoverageOptions } = await import("./commands/policy-coverage.ts");
      return { options: policyCoverageOptions, run: policyCoverage };
    }),
    lazy(
      finish,
      "tune [logs..]",
      "A policy fitted to this cluster: the noise it may drop without blinding a detection",
      async () => {
        const { policyTune, policyTuneOptions } = await import("./commands/policy-tune.ts");
        return { options: policyTuneOptions, run: policyTune };
      },
    ),
  ];
}

function detectionsCommands(finish: Finish): readonly CommandModule[] {
  return [
    lazy(finish, "list [paths..]", "Detections with their severity, and the level that they need", async () => {
      const { detectionsList, detectionsListOptions } = await import("./commands/detections-list.ts");
      return { options: detectionsListOptions, run: detectionsList };
    }),
    lazy(finish, "check [paths..]", "What is wrong with Sigma files, where, and what to do about it", async () => {
      const { detectionsCheck, detectionsCheckOptions } = await import("./commands/detections-check.ts");
      return { options: detectionsCheckOptions, run: detectionsCheck };
    }),
    lazy(finish, "test [paths..]", "Run the cases beside detections", async () => {
      const { detectionsTest, detectionsTestOptions } = await import("./commands/detections-test.ts");
      return { options: detectionsTestOptions, run: detectionsTest };
    }),
    lazy(finish, "coverage [paths..]", "What audit policies let each detection see", async () => {
      const { detectionsCoverage, detectionsCoverageOptions } = await import("./commands/detections-coverage.ts");
      return { options: detectionsCoverageOptions, run: detectionsCoverage };
    }),
  ];
}

/** A command whose module is loaded when it is called: `policy check` needs no pipeline. */
function lazy<T>(finish: Finish, usage: string, describe: string, load: () => Promise<Command<T>>): CommandModule {
  return {
    command: usage,
    describe,
    builder: async (argv: Argv) => (await load()).options(argv),
    handler: async (options) => {
      refuseRepeated(options);
      refuseLogAsName(usage, options);
      if (typeof options["kubernetesVersion"] === "string") {
        const { refuseNoVersion } = await import("./kubernetes-version-option.ts");
        refuseNoVersion(options["kubernetesVersion"]);
      }
      finish(await (await load()).run(options as unknown as T));
    },
  };
}

/** Options and arguments that may be given several times. */
const LISTS: ReadonlySet<string> = new Set([
  "_",
  "--",
  "request",
  "group",
  "files",
  "logs",
  "set",
  "detections",
  "compare",
  "paths",
  "pipeline",
  "exceptions",
  "policies",
  "identity",
  "source-ip",
  "sourceIp",
]);

function refuseRepeated(options: object): void {
  for (const [name, value] of Object.entries(options)) {
    if (Array.isArray(value) && !LISTS.has(name)) {
      throw new Failure(`Cannot run: --${name} is given more than once`, { hint: "Give it once" });
    }
  }
}

/** `explain LOG`, `query LOG`: what has to be named first was forgotten, and standard input would be waited for. */
function refuseLogAsName(usage: string, options: object): void {
  const [, command, name = ""] = /^([a-z]+) <([a-z-]+)> \[logs\.\.\]$/.exec(usage) ?? [];
  const { logs, [name]: value } = options as Readonly<Record<string, unknown>>;
  const isNamed = name !== "" && name !== "file" && typeof value === "string";
  if (isNamed && Array.isArray(logs) && logs.length === 0 && existsSync(value)) {
    throw new Failure(`Cannot run ${command}: "${value}" is a file, and no <${name}> stands before it`, {
      hint: `auditsieve ${usage}; \`auditsieve ${command} --help\` has examples`,
    });
  }
}

/** Runs the command line and gives its exit code. Throws a {@link Failure} for wrong use. */
export async function runProgram(args: readonly string[], version: string): Promise<ExitCode> {
  let exit: ExitCode = EXIT.fine;
  const finish: Finish = (code) => {
    exit = code;
  };
  const program = yargs()
    .scriptName("auditsieve")
    .usage("$0 <command>\n\nKubernetes audit logs: write down the right things, drop the noise, find what matters.")
    .version(version)
    .strict()
    .strictCommands()
    .parserConfiguration({ "greedy-arrays": false })
    .demandCommand(1, "no command was given")
    .recommendCommands()
    .exitProcess(false)
    .wrap(Math.min(120, process.stdout.columns ?? 100))
    .epilogue(
      "Exit codes: 0 fine; 1 problems or findings asked about; 2 wrong use or unreadable input; 3 failed while running.",
    )
    .fail((message: string | null, error: Error | undefined) => {
      throw error ?? wrongUse(message ?? "wrong use", args);
    });
  await commands(finish)
    .reduce((to, command) => to.command(command), program)
    .parseAsync(nameStandardInput(args).map(keepComment));
  return exit;
}

/** SQL may begin with a comment, which is no option: none has white space in its name. */
function keepComment(arg: string): string {
  return /^--\s/.test(arg) ? ` ${arg}` : arg;
}

const NO_IMPORT = "A folder of Sigma rules, as SigmaHQ's, is named as it is and needs no import";
const HELP = "`auditsieve --help` lists the commands, `auditsieve COMMAND --help` the options";

/** What yargs says, in our words. Behind an unknown command it names what may be its arguments as commands too. */
function wrongUse(message: string, args: readonly string[]): Failure {
  const [, meant] = /^Did you mean (.+)\?$/.exec(message) ?? [];
  const [, unknown] = /^Unknown commands?: ([^,]+)/.exec(message) ?? [];
  if (meant !== undefined) {
    return new Failure("Cannot run: there is no such command", { hint: `Did you mean "${meant}"? ${HELP}` });
  }
  if (unknown !== undefined) {
    const isOfDetections = args[0] === "detections";
    const hint = isOfDetections ? `${NO_IMPORT}; \`auditsieve detections --help\` lists what there is for it` : HELP;
    return new Failure(`Cannot run: there is no command "${unknown}"`, { hint });
  }
  const usage = usageOf(args);
  if (usage === undefined) {
    return new Failure(`Cannot run: ${lowerFirst(onOneLine(message))}`, { hint: HELP });
  }
  const command = usage.replaceAll(/ [<[].*$/g, "");
  const hint = `\`auditsieve ${command} --help\` says what there is, with examples`;
  const [, given] = /^Not enough non-option arguments: got (\d+)/.exec(message) ?? [];
  if (given !== undefined) {
    const missing = (usage.match(/<[^>]+>/g) ?? []).slice(Number(given)).join(" and ");
    return new Failure(`Cannot run ${command}: ${missing} is missing in \`auditsieve ${usage}\``, { hint });
  }
  return new Failure(`Cannot run ${command}: ${lowerFirst(onOneLine(message))}`, { hint });
}

/** `rbac <actor> [logs..]`, `policy check <files..>`: how the command is called that the arguments begin with. */
function usageOf([first = "", second = ""]: readonly string[]): string | undefined {
  const group = first === "policy" ? policyCommands : first === "detections" ? detectionsCommands : undefined;
  if (group === undefined) {
    return usageIn(commands(NOTHING), first);
  }
  const usage = usageIn(group(NOTHING), second);
  return usage === undefined ? undefined : `${first} ${usage}`;
}

const NOTHING: Finish = () => {};

function usageIn(all: readonly CommandModule[], name: string): string | undefined {
  return all.map(({ command }) => String(command)).find((usage) => usage.split(" ")[0] === name);
}

/** Choices that were missed come as a list of lines. */
function onOneLine(text: string): string {
  return text.replaceAll(/:\s*\n\s*/g, ": ").replaceAll(/\s*\n\s*/g, "; ");
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
