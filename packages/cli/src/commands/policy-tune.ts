import { safeText } from "@auditsieve/detect";
import type { Detection } from "@auditsieve/detect";
import { CandidateCounter, generatePolicy, tunePolicy, tuneProfile } from "@auditsieve/policy";
import type { CandidateCounts, Policy, Proposal, Refusal, Tuned, TunedDetection } from "@auditsieve/policy";
import { writeFile } from "node:fs/promises";
import type { Argv } from "yargs";
import { EXIT } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { Failure } from "../failure.ts";
import { KUBERNETES_VERSION_OPTION } from "../kubernetes-version-option.ts";
import { writeFailure } from "../write-failure.ts";
import { logsOrStdin, readLog, sayUnreadable } from "../logs.ts";
import { say, sayProblem, writeData } from "../output.ts";
import { Progress } from "../progress.ts";
import { bar, bytesText, count, percent, table } from "../table.ts";
import { readSoundDetections } from "./detections-files.ts";
import { levelToHit } from "./policy-coverage-hit.ts";
import { loadNamedProfile, PROFILE_OPTION } from "../named-profile.ts";
import { wideJson } from "../json-text.ts";

/** Options of `policy tune`. */
export interface PolicyTuneOptions {
  readonly logs: readonly string[];
  readonly profile: string;
  readonly identity: readonly string[];
  readonly detections: readonly string[];
  readonly leastShare: number;
  readonly kubernetesVersion: string;
  readonly out: string | undefined;
  readonly output: "text" | "json";
}

/** Adds the options of `policy tune`. */
export function policyTuneOptions(argv: Argv): Argv<PolicyTuneOptions> {
  return argv
    .positional("logs", {
      type: "string",
      array: true,
      default: [] as string[],
      describe: "Audit logs: plain, .gz, .zst, or - for standard input",
    })
    .option("profile", PROFILE_OPTION)
    .option("identity", {
      type: "string",
      array: true,
      nargs: 1,
      default: [] as string[],
      describe: "A control loop of yours, by its whole user name",
    })
    .option("detections", {
      type: "string",
      array: true,
      nargs: 1,
      default: [] as string[],
      describe: "Sigma files or folders that must not be blinded; default: the shipped detections",
    })
    .option("least-share", {
      type: "number",
      default: 0.1,
      describe: "Percent of the profile's bytes that a rule must save to be worth its line",
    })
    .option("kubernetes-version", KUBERNETES_VERSION_OPTION)
    .option("out", { alias: "o", type: "string", describe: "File to write the policy to; default: standard output" })
    .option("output", {
      choices: ["text", "json"] as const,
      default: "text",
      describe: "The policy, with the table on standard error; or one JSON document",
    })
    .example(
      "$0 policy tune audit.log > audit-policy.yaml",
      "the default profile with the noise of this cluster dropped",
    )
    .example(
      "$0 policy tune audit-*.gz --profile hardened --identity system:serviceaccount:monitoring:prometheus -o tuned.yaml",
      "also what one control loop of your own does",
    )
    .epilogue(
      "Only control loops that Kubernetes or you name are considered, and only what they are known for: nothing is dropped for being frequent.",
    ) as unknown as Argv<PolicyTuneOptions>;
}

/** Proposes noise rules for a log and prints the policy that comes out. */
export async function policyTune(options: PolicyTuneOptions): Promise<ExitCode> {
  refuseBadOptions(options);
  const { kubernetesVersion } = options;
  const loaded = await loadNamedProfile(options.profile);
  const base = loaded.outcome === "loaded" ? generatePolicy(loaded.profile, { kubernetesVersion }) : loaded;
  if (loaded.outcome === "refused" || base.outcome === "refused") {
    [loaded, base].forEach(
      (each) => "problems" in each && each.problems.forEach((problem) => sayProblem(problem, options.profile)),
    );
    return EXIT.unusable;
  }
  const read = await readSoundDetections({ paths: options.detections, pipeline: [], exceptions: [] });
  if (read === undefined) {
    return EXIT.unusable;
  }
  const { detections } = read;
  const { counts, exit } = await countLogs(options, base.policy);
  if (counts.lines === counts.undecidable) {
    throw new Failure("Cannot tune a policy to the log: there is not one audit event in it", {
      hint: "An audit log holds one JSON object of kind Event a line",
    });
  }
  const tuned = tunePolicy(base.policy, counts, {
    detections: detections.map(toTuned),
    leastShare: options.leastShare / 100,
  });
  const generated = tuneProfile(loaded.profile, base.ruleIds, tuned.proposals, { kubernetesVersion });
  if (generated.outcome === "refused") {
    generated.problems.forEach((problem) => sayProblem(problem));
    return EXIT.unusable;
  }
  generated.notices.forEach((notice) => say(`auditsieve: note: ${notice}`));
  const json = options.output === "json" ? toJson(counts, tuned, base.ruleIds, generated.text) : undefined;
  if (options.out !== undefined) {
    await writePolicyFile(options.out, generated.text);
  }
  if (json !== undefined) {
    await writeData(`${wideJson(json)}\n`);
  } else {
    sayTuned(counts, tuned);
    await (options.out === undefined ? writeData(generated.text) : undefined);
  }
  return exit;
}

function refuseBadOptions({ identity, leastShare }: PolicyTuneOptions): void {
  const wild = identity.find((name) => name === "" || /[\s*]/.test(name));
  if (wild !== undefined) {
    throw new Failure(`Cannot take "${safeText(wild)}" for an identity: it must be the whole name of one user`, {
      hint: "Rules have no wildcards; for example: --identity system:serviceaccount:argocd:argocd-application-controller",
    });
  }
  if (!(leastShare >= 0 && leastShare <= 100)) {
    throw new Failure("Cannot use --least-share: it must be a percentage from 0 to 100", {
      hint: "The default is 0.1",
    });
  }
}

async function countLogs(
  { logs, identity }: PolicyTuneOptions,
  base: Policy,
): Promise<{ readonly counts: CandidateCounts; readonly exit: ExitCode }> {
  const counter = new CandidateCounter(base, identity);
  const progress = new Progress("read");
  let exit: ExitCode = EXIT.fine;
  for (const log of logsOrStdin(logs)) {
    try {
      for await (const chunk of readLog(log)) {
        counter.write(chunk);
        progress.add(chunk.length);
      }
    } catch (error) {
      sayUnreadable(error);
      exit = EXIT.unusable;
    }
    counter.end();
  }
  progress.finish();
  return { counts: counter.result(), exit };
}

/** What `tune` asks of a detection. */
export function toTuned(detection: Detection): TunedDetection {
  const { id, title, needs } = detection;
  return { id, title, needs, levelToHit: levelToHit(detection) };
}

async function writePolicyFile(file: string, text: string): Promise<void> {
  await writeFile(file, text).catch((error: unknown) => {
    throw writeFailure(`the policy to "${file}"`, error);
  });
}

function toJson(
  { base, lines, undecidable }: CandidateCounts,
  tuned: Tuned,
  ruleIds: readonly string[],
  policy: string,
): unknown {
  return {
    lines,
    undecidable,
    base,
    saves: totalOf(tuned.proposals),
    proposals: tuned.proposals.map(({ before, narrows, ...proposal }) => ({
      ...proposal,
      before: ruleIds[before],
      narrows: narrows.map(toJsonBlinded),
    })),
    refusals: tuned.refusals.map(({ candidate, why, message, blinds: blinded }) => ({
      why,
      message,
      identity: candidate.identity.name,
      verb: candidate.verb,
      what: whatOf(candidate.request),
      volume: candidate.volume,
      blinds: blinded.map(toJsonBlinded),
    })),
    policy,
  };
}

function toJsonBlinded({ detection: { id, title }, witness }: Proposal["narrows"][number]): unknown {
  return { id, title, witness };
}

function totalOf(proposals: readonly Proposal[]): { readonly events: number; readonly bytes: number } {
  return {
    events: proposals.reduce((sum, { saves }) => sum + saves.events, 0),
    bytes: proposals.reduce((sum, { saves }) => sum + saves.bytes, 0),
  };
}

const REFUSALS_SHOWN = 15;

function sayTuned({ base, lines, undecidable }: CandidateCounts, { proposals, refusals }: Tuned): void {
  const saved = totalOf(proposals);
  say(
    `auditsieve: ${count(lines)} lines${undecidable > 0 ? ` (${count(undecidable)} no audit events)` : ""}; the profile writes ${bytesText(base.bytes)} of them`,
  );
  say(
    `auditsieve: ${count(proposals.length)} rules proposed: they save ${bytesText(saved.bytes)} (${percent(saved.bytes, base.bytes)}) and ${count(saved.events)} events (${percent(saved.events, base.events)})`,
  );
  if (proposals.length > 0) {
    say(
      table(
        [
          { title: "proposed" },
          { title: "events", align: "right" },
          { title: "bytes", align: "right" },
          { title: "share", align: "right" },
          { title: "" },
        ],
        proposals.map(({ title, saves }) => [
          safeText(title),
          count(saves.events),
          bytesText(saves.bytes),
          percent(saves.bytes, base.bytes),
          bar(base.bytes === 0 ? 0 : saves.bytes / base.bytes),
        ]),
      ),
    );
  }
  sayNarrowed(proposals);
  sayRefused(refusals, base.bytes);
}

/** Detections about every request lose those of the rules: said once, not for each rule. */
function sayNarrowed(proposals: readonly Proposal[]): void {
  const titles = new Set(proposals.flatMap(({ narrows }) => narrows.map(({ detection }) => detection.title)));
  if (titles.size > 0) {
    say(
      `auditsieve: note: what these rules drop is also hidden from ${titles.size > 1 ? "detections that look" : "a detection that looks"} at every request: ${safeText([...titles].join("; "), 600)}`,
    );
  }
}

function sayRefused(refusals: readonly Refusal[], bytes: number): void {
  const shown = refusals.filter(({ why }) => why !== "too-small").slice(0, REFUSALS_SHOWN);
  if (shown.length > 0) {
    say("");
    say(
      table(
        [{ title: "kept" }, { title: "bytes", align: "right" }, { title: "share", align: "right" }, { title: "why" }],
        shown.map(({ candidate, message }) => [
          safeText(`${candidate.verb} ${whatOf(candidate.request)} by ${candidate.identity.name}`, 90),
          bytesText(candidate.volume.bytes),
          percent(candidate.volume.bytes, bytes),
          safeText(message, 100),
        ]),
      ),
    );
  }
  const rest = refusals.length - shown.length;
  if (rest > 0) {
    say(`and ${count(rest)} more (--output json has all)`);
  }
}

function whatOf({ isResourceRequest, resource, subresource, path }: Refusal["candidate"]["request"]): string {
  return isResourceRequest ? (subresource === "" ? resource : `${resource}/${subresource}`) : path;
}
