import type { ReportData } from "../report-data.ts";

/** The report's data, out of the file itself. */
export const report: ReportData = JSON.parse(document.getElementById("data")?.textContent ?? "{}") as ReportData;
