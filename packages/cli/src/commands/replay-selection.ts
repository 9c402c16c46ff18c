import type { Detection } from "@auditsieve/detect";
import { addressTest, matches } from "@auditsieve/replay";
import type { Selection } from "@auditsieve/replay";
import { basename } from "node:path";
import { Failure } from "../failure.ts";
import { readInstant, refuseZone } from "../read-instant.ts";
import type { ReplayCommandOptions } from "./replay-options.ts";

/**
 * What the options choose. Throws a {@link Failure} for what can choose nothing: an empty answer would look as if nothing had
 * happened. `detections` are all that may find something.
 */
export function readSelection(options: ReplayCommandOptions, detections: readonly Detection[]): Selection {
  const { since, until, zone, actor, resource, namespace, sourceIp, userAgent, detection, minLevel } = options;
  refuseZone(zone);
  const selection: Selection = {
    ...(since === undefined ? {} : { since: readInstant("--since", since, zone) }),
    ...(until === undefined ? {} : { until: readInstant("--until", until, zone) }),
    ...(actor === undefined ? {} : { actor }),
    ...(resource === undefined ? {} : { resource }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(sourceIp === undefined ? {} : { sourceIPs: readAddresses(sourceIp) }),
    ...(userAgent === undefined ? {} : { userAgent }),
    ...(detection === undefined ? {} : { detection: readDetection(detection, detections) }),
    ...(minLevel === undefined ? {} : { minSeverity: minLevel }),
  };
  refuseEmptyRange(selection);
  return selection;
}

/** The pattern as it is where it is of an id or a title; of the name of a file the id of the detection in it. */
function readDetection(pattern: string, detections: readonly Detection[]): string {
  if (detections.some(({ id, title }) => matches(id, pattern) || matches(title, pattern))) {
    return pattern;
  }
  // The others of a file are the parts of the first.
  const ofFile = detections.find(({ file }) => basename(file).replace(/\.ya?ml$/, "") === pattern);
  if (ofFile === undefined) {
    throw new Failure(`Cannot select by --detection: none has the id, title or file name "${pattern}"`, {
      hint: "It is compared as a whole, with its case; * stands for any text: '*secret*'. `auditsieve detections list` has them all",
    });
  }
  return ofFile.id;
}

function readAddresses(written: readonly string[]): readonly string[] {
  const patterns = written.flatMap((each) => each.split(",")).map((each) => each.trim());
  const wrong = patterns.filter((each) => addressTest(each) === undefined).map((each) => `"${each}"`);
  if (wrong.length > 0) {
    const are = wrong.length === 1 ? "is no address and no network" : "are no addresses and no networks";
    throw new Failure(`Cannot select by --source-ip: ${wrong.join(", ")} ${are}`, {
      hint: "Write addresses and networks, several with commas between: 10.0.0.7, 10.0.0.0/8, fd00::/8; or a part with * for any text: '10.0.*'",
    });
  }
  return patterns;
}

function refuseEmptyRange({ since, until }: Selection): void {
  if (since !== undefined && until !== undefined && since >= until) {
    throw new Failure(`Cannot select a time: --since ${since} is not before --until ${until}`, {
      hint: "Exchange them; a time without an offset is read in --zone",
    });
  }
}
