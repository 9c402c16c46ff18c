import { el } from "./dom.ts";
import { report } from "./report.ts";
import { counted } from "./write-time.ts";

/** The techniques that were found, under their tactics. */
export function matrix(): HTMLElement {
  const most = Math.max(1, ...report.techniques.map(({ findings }) => findings));
  const columns = report.tactics.map((tactic) => {
    const found = report.techniques.filter(({ tactics }) => tactics.includes(tactic));
    return el(
      "section",
      { class: found.length === 0 ? "tactic none" : "tactic" },
      el("h2", {}, tactic),
      el("ul", {}, ...found.map((technique) => el("li", {}, cell(technique, most)))),
      found.length === 0 && el("p", { class: "quiet" }, "nothing found"),
    );
  });
  const others = report.techniques.filter(({ tactics }) => tactics.length === 0);
  return el(
    "div",
    {},
    el("h1", { tabindex: -1 }, "ATT&CK matrix"),
    el(
      "p",
      {},
      "Techniques that findings name; a technique stands under each of its tactics. A link leads to its findings.",
    ),
    el("div", { class: "matrix" }, ...columns),
    others.length > 0 && el("p", {}, "Without a tactic: ", ...others.map((technique) => cell(technique, most))),
  );
}

function cell({ id, name, findings, worst }: (typeof report.techniques)[number], most: number): HTMLElement {
  const strength = Math.ceil((4 * Math.log(findings + 1)) / Math.log(most + 1));
  return el(
    "a",
    {
      href: `#timeline/technique=${id}`,
      class: `technique ${worst} s${strength}`,
      title: `${name}, at worst ${worst}`,
    },
    el("span", { class: "id" }, id),
    el("span", {}, name),
    el("span", { class: "quiet" }, `${counted(findings, "finding")}, at worst ${worst}`),
  );
}
