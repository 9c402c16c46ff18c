import type { RequestAttributes } from "@auditsieve/audit";
import { safeText } from "@auditsieve/detect";
import type { StreamPolicy } from "@auditsieve/policy";
import { writeLine } from "../output.ts";
import { paint } from "../table.ts";
import type { Explained } from "./explain-event.ts";

/** Prints for a person what each stage does with these lines. */
export async function printExplained(explained: readonly Explained[], policy: StreamPolicy): Promise<void> {
  for (const each of explained) {
    const { log, offset, stage, level, time, request, authorization } = each;
    const { decision, detections, findings, sent, redacted, document } = each;
    await writeLine(
      paint("bold", `${safeText(log, 500)} (offset ${offset}): ${stage} at level ${level}, ${safeText(time, 40)}`),
    );
    await writeLine(`  request    ${safeText(describeRequest(request), 500)}`);
    if (authorization.decision !== "") {
      const { decision: said, reason } = authorization;
      await writeLine(`  authorizer ${safeText(said, 40)}${reason === "" ? "" : `: ${safeText(reason, 1000)}`}`);
    }
    await writeLine(
      `  decision   ${decision.action}${decision.action === "strip" ? ` to ${decision.level}` : ""}: ${safeText(decision.because, 500)}`,
    );
    const earlier = decision.rule ?? 0;
    if (earlier > 0 && policy.rules.policy.rules.length > 1) {
      await writeLine(`             rules[0] to rules[${earlier - 1}] do not match it`);
    }
    if (detections.length === 0) {
      await writeLine("  detections none hits");
    }
    for (const { title, outcome, countsOnly, exceptions = [] } of detections) {
      // What must be the first of its kind in the log, or comes of several stages, may hold for an event and be no finding.
      const isFinding = exceptions.length > 0 || findings.some((finding) => finding.title === title);
      const hits =
        countsOnly === true
          ? "hits, and counts for others"
          : isFinding
            ? paint("red", "hits")
            : "holds, without a finding";
      await writeLine(
        `  detection  ${outcome === "hit" ? hits : "cannot decide, the log says too little"}: ${safeText(title)}`,
      );
      for (const exception of exceptions) {
        await writeLine(`             excused by the exception "${safeText(exception)}"`);
      }
    }
    for (const { severity, title, summary } of findings) {
      // Of a correlation the summary begins with it.
      const what = summary.startsWith(`${title}: `) ? summary : `${safeText(title)}: ${summary}`;
      await writeLine(`  finding    ${severity}: ${what}`);
    }
    await writeLine(`  sent       ${sent}`);
    for (const place of redacted) {
      await writeLine(`  redacted   ${safeText(place, 500)}`);
    }
    await writeLine("  document, redacted:");
    await writeLine(indent(JSON.stringify(document, undefined, 2)));
  }
}

function describeRequest({
  user,
  verb,
  isResourceRequest,
  apiGroup,
  resource,
  subresource,
  namespace,
  name,
  path,
}: RequestAttributes): string {
  const who = user === undefined ? "nobody (failed authentication)" : user.name;
  const what = isResourceRequest
    ? `${resource}${subresource === "" ? "" : `/${subresource}`}${apiGroup === "" ? "" : `.${apiGroup}`}${name === "" ? "" : ` ${name}`}${namespace === "" ? "" : ` in ${namespace}`}`
    : path;
  return `${who}: ${verb} ${what}`;
}

/** JSON.stringify has escaped the control characters; what else could act on a terminal is made safe line by line. */
function indent(text: string): string {
  return text
    .split("\n")
    .map((line) => `    ${safeText(line, 100_000)}`)
    .join("\n");
}
