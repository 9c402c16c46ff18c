import { parseInstant, zoneProblem } from "@auditsieve/replay";
import { Failure } from "./failure.ts";

/** Also where no time is given that it would be for: who misspells it finds out with the first one otherwise. */
export function refuseZone(zone: string): void {
  const problem = zoneProblem(zone);
  if (problem !== undefined) {
    throw new Failure(`${problem.message} (--zone)`, problem.hint === undefined ? {} : { hint: problem.hint });
  }
}

/** A moment as audit events write it; throws a {@link Failure} that names the option for a text that is none. */
export function readInstant(option: string, text: string, zone: string): string {
  const parsed = parseInstant(text, { now: new Date(), zone });
  if (!parsed.ok) {
    throw new Failure(
      `${parsed.problem.message} (${option})`,
      parsed.problem.hint === undefined ? {} : { hint: parsed.problem.hint },
    );
  }
  return parsed.instant;
}
