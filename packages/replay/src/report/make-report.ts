import { buildReport } from "./build-report.ts";
import type { ReportOptions } from "./build-report.ts";
import { reportHtml } from "./write-report.ts";

/**
 * Makes the report of a replay: one HTML file that loads nothing. The logs are read once more for the events behind the report's
 * claims, so that memory stays bounded; what is shown is redacted. Gives the bytes of the file.
 *
 * @example
 * const gatherer = new FactGatherer();
 * const { findings, summary } = await replayLogs({ logs, detections, redactor, visitors: [gatherer] });
 * const html = await makeReport({ facts: gatherer.facts(), findings, summary, redactor, logs, tool: "0.1.0", madeAt: new Date() });
 */
export async function makeReport(options: ReportOptions): Promise<Buffer> {
  return reportHtml(await buildReport(options));
}
