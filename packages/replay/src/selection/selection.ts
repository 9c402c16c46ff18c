import { isSeverityBelow } from "@auditsieve/detect";
import type { Finding, Severity } from "@auditsieve/detect";
import { addressTest } from "./address-pattern.ts";
import { matches } from "./text-pattern.ts";

/** Which findings a reader asks for; every set field must hold. */
export interface Selection {
  /** From this instant on, as {@link parseInstant} writes it. */
  readonly since?: string;
  /** Before this instant. */
  readonly until?: string;
  /** Name of the user who authenticated or was impersonated; `*` stands for any text. */
  readonly actor?: string;
  /** `pods`, `pods/exec`, `deployments.apps`; `*` stands for any text. */
  readonly resource?: string;
  readonly namespace?: string;
  /** One of the event's source addresses is one of these: addresses, networks, or texts with `*`, as {@link addressTest} takes them. */
  readonly sourceIPs?: readonly string[];
  /** What the client called itself; `*` stands for any text. */
  readonly userAgent?: string;
  /** Id or title of the detection; `*` stands for any text. */
  readonly detection?: string;
  readonly minSeverity?: Severity;
}

/**
 * Whether a finding is asked for.
 *
 * @example
 * assert.equal(isSelected(finding, { actor: "an*", minSeverity: "medium" }), true);
 * assert.equal(isSelected(finding, { actor: "an*", minSeverity: "high" }), false);
 */
export function isSelected(finding: Finding, selection: Selection): boolean {
  const { since, until, actor, resource, namespace, sourceIPs, userAgent, detection, minSeverity } = selection;
  if ((since !== undefined && finding.time < since) || (until !== undefined && finding.time >= until)) {
    return false;
  }
  if (
    actor !== undefined &&
    ![finding.actor, finding.impersonated].some((name) => name !== undefined && matches(name, actor))
  ) {
    return false;
  }
  if (namespace !== undefined && !matches(finding.namespace ?? "", namespace)) {
    return false;
  }
  if (
    resource !== undefined &&
    !finding.events.some(({ objectRef }) => resourcesOf(objectRef).some((name) => matches(name, resource)))
  ) {
    return false;
  }
  if (
    sourceIPs !== undefined &&
    !finding.events.some((event) => event.sourceIPs?.some((address) => isAmong(address, sourceIPs)) === true)
  ) {
    return false;
  }
  if (userAgent !== undefined && !finding.events.some((event) => matches(event.userAgent ?? "", userAgent))) {
    return false;
  }
  if (
    detection !== undefined &&
    ![finding.detection.id, finding.detection.title].some((name) => matches(name, detection))
  ) {
    return false;
  }
  return minSeverity === undefined || !isSeverityBelow(finding.detection.level, minSeverity);
}

const tests = new WeakMap<readonly string[], readonly ((address: string) => boolean)[]>();

function isAmong(address: string, patterns: readonly string[]): boolean {
  let known = tests.get(patterns);
  if (known === undefined) {
    known = patterns.map(addressTest).filter((test) => test !== undefined);
    tests.set(patterns, known);
  }
  return known.some((test) => test(address));
}

/** As people write it, without and with its group. */
function resourcesOf(ref: Finding["events"][number]["objectRef"]): readonly string[] {
  const { resource = "", apiGroup = "", subresource = "" } = ref ?? {};
  const below = subresource === "" ? "" : `/${subresource}`;
  return [`${resource}${below}`, ...(apiGroup === "" ? [] : [`${resource}.${apiGroup}${below}`])];
}
