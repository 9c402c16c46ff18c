import { button, el } from "./dom.ts";
import { indentJson } from "./indent-json.ts";
import { report } from "./report.ts";
import { count } from "./write-time.ts";

/** Shows an event in a dialog of its own: the browser keeps the focus in it and gives it back. */
export function showEvent(index: number): void {
  const event = report.events[index];
  if (event === undefined) {
    return;
  }
  const title = el("h2", { id: "event-title" }, "Raw event, redacted");
  const where = event.where === "" ? "As it came with its finding." : `From ${event.where}.`;
  const cut =
    event.cut > 0 ? ` ${count(event.cut)} characters of its bodies are left out of this file; the log holds them.` : "";
  const dialog = el(
    "dialog",
    { "aria-labelledby": "event-title", class: "event" },
    el(
      "header",
      {},
      title,
      button("Close", () => dialog.close(), { autofocus: true }),
    ),
    el("p", { class: "quiet" }, where + cut),
    el("pre", { tabindex: 0, "aria-label": "The event as JSON" }, indentJson(event.line)),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
