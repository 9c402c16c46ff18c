import { isSeverityBelow } from "@auditsieve/detect";
import type { Finding, Severity } from "@auditsieve/detect";

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
  /** One of the event's source addresses; `*` stands for any text. */
  readonly sourceIP?: string;
  /** What the client called itself; `*` stands for any text. */
  readonly userAgent?: string;
  /** Id or title of the detection; `*` stands for any text. */
  readonly detection?: string;
  readonly minSeverity?: Severity;
}

/** Whether a finding is asked for. */
export function isSelected(finding: Finding, selection: Selection): boolean {
  const { since, until, actor, resource, namespace, sourceIP, userAgent, detection, minSeverity } = selection;
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
    sourceIP !== undefined &&
    !finding.events.some(({ sourceIPs }) => sourceIPs?.some((address) => matches(address, sourceIP)) === true)
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

/** As people write it, without and with its group. */
function resourcesOf(ref: Finding["events"][number]["objectRef"]): readonly string[] {
  const { resource = "", apiGroup = "", subresource = "" } = ref ?? {};
  const below = subresource === "" ? "" : `/${subresource}`;
  return [`${resource}${below}`, ...(apiGroup === "" ? [] : [`${resource}.${apiGroup}${below}`])];
}

/** Plain comparison but for `*`. Walks back only to the last star, so that no pattern is slow. */
export function matches(text: string, pattern: string): boolean {
  const parts = pattern.split("*");
  if (parts.length === 1) {
    return text === pattern;
  }
  const [first = ""] = parts;
  const last = parts.at(-1) ?? "";
  if (!text.startsWith(first) || text.length < first.length + last.length || !text.endsWith(last)) {
    return false;
  }
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at);
    if (found === -1 || found + part.length > text.length - last.length) {
      return false;
    }
    at = found + part.length;
  }
  return true;
}
