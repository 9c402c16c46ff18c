import { button, el } from "./dom.ts";
import { report } from "./report.ts";
import { actor } from "./view-actors.ts";
import { matrix } from "./view-matrix.ts";
import { overview } from "./view-overview.ts";
import { story } from "./view-stories.ts";

/** Overview, stories and the identities that stand out on one page, for paper. */
export function printout(): HTMLElement {
  const suspects = report.actors.flatMap(({ isSuspicious }, i) => (isSuspicious ? [i] : []));
  const parts = [...report.stories.map((_, i) => story(i)), matrix(), ...suspects.map((i) => actor(i))];
  return el(
    "div",
    { class: "printout" },
    el(
      "p",
      { class: "tools" },
      button("Print", () => window.print()),
    ),
    el(
      "p",
      { class: "quiet" },
      "On paper evidence is told by the first letters of the event's auditID; the file shows the events.",
    ),
    overview({ isPaper: true }),
    ...parts.flatMap((part) => (part === undefined ? [] : [el("div", { class: "part" }, part)])),
  );
}
