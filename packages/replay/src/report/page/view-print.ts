import { button, el } from "./dom.ts";
import { report } from "./report.ts";
import { actor } from "./view-actors.ts";
import { matrix } from "./view-matrix.ts";
import { overview } from "./view-overview.ts";
import { story } from "./view-stories.ts";

/** Overview, stories and the identities that stand out on one page, for paper. */
export function printout(): HTMLElement {
  const suspects = report.actors.flatMap(({ isSuspicious }, i) => (isSuspicious ? [i] : []));
  return el(
    "div",
    { class: "printout" },
    el(
      "p",
      { class: "tools" },
      button("Print", () => window.print()),
    ),
    overview(),
    ...report.stories.map((_, i) => story(i)),
    matrix(),
    ...suspects.map((i) => actor(i)),
  );
}
