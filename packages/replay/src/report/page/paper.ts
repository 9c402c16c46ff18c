import { report } from "./report.ts";

/** Letters of an auditID that tell an event from others of its log. */
const LETTERS = 8;

/** Whatever part is printed: what is folded opens, and what would show an event says which it is. */
export function prepareForPaper(): void {
  document.querySelectorAll("details").forEach((details) => (details.open = true));
  const known = new Map<string, string>();
  document.querySelectorAll<HTMLElement>(".evidence").forEach((button) => {
    const { event = "" } = button.dataset;
    const auditID = known.get(event) ?? beginningOf(report.events[Number(event)]?.line ?? "");
    known.set(event, auditID);
    button.dataset["auditId"] = auditID;
  });
}

function beginningOf(line: string): string {
  try {
    const { auditID } = JSON.parse(line) as { readonly auditID?: unknown };
    return typeof auditID === "string" ? auditID.slice(0, LETTERS) : "";
  } catch {
    // The event was cut for its size.
    return "";
  }
}
