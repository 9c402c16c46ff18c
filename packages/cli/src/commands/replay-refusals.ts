import { Failure } from "../failure.ts";
import type { ReplayCommandOptions } from "./replay-options.ts";

/** Throws a {@link Failure} for options that cannot be meant so: two in each other's place, one without its other, an empty one. */
export function refuseOptions(options: ReplayCommandOptions): void {
  refuseEmpty(options);
  refuseTogether(options);
  refuseAlone(options);
}

/** A variable of the shell that is not set: an empty answer would look as if nothing had happened. */
function refuseEmpty({
  actor,
  html,
  seal,
  history,
  credential,
  stateFolder,
  config,
  sink,
  compare,
}: ReplayCommandOptions): void {
  const compared = compare?.length === 0 ? "" : undefined;
  const given = {
    actor,
    html,
    seal,
    history,
    credential,
    "state-folder": stateFolder,
    config,
    sink,
    compare: compared,
  };
  const [empty] = Object.entries(given).find(([, value]) => value?.trim() === "") ?? [];
  if (empty !== undefined) {
    throw new Failure(`Cannot use --${empty}: its value is empty`, {
      hint: `Give one, or leave --${empty} out; a variable of the shell may not be set`,
    });
  }
}

/** Each of them is printed in place of the timeline. */
function refuseTogether(options: ReplayCommandOptions): void {
  const { compare, comparePolicy, history, credential, stories, output } = options;
  const asked = [
    compare !== undefined && "--compare",
    comparePolicy !== undefined && "--compare-policy",
    history !== undefined && "--history",
    credential !== undefined && "--credential",
    stories && "--stories",
    output === "elasticsearch" && "--output elasticsearch",
  ].filter((option) => option !== false);
  if (asked.length > 1) {
    throw new Failure(`Cannot print ${asked.join(" and ")} at once: each takes the place of the timeline`, {
      hint: "One after the other; --html writes its report beside any of them",
    });
  }
}

/** Findings that somebody believes to have sent would be nowhere. */
function refuseAlone({ config, sink, output }: ReplayCommandOptions): void {
  const alone = [config !== undefined && "--config", sink !== undefined && "--sink"].filter((each) => each !== false);
  if (alone.length > 0 && output !== "elasticsearch") {
    throw new Failure(`Cannot use ${alone.join(" and ")}: nothing is sent with --output ${output}`, {
      hint: "--output elasticsearch sends findings to a sink of the configuration",
    });
  }
}
