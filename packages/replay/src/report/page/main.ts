import { el, link } from "./dom.ts";
import { prepareForPaper } from "./paper.ts";
import { report } from "./report.ts";
import { actor, actors } from "./view-actors.ts";
import { matrix } from "./view-matrix.ts";
import { object, objects } from "./view-objects.ts";
import { overview } from "./view-overview.ts";
import { printout } from "./view-print.ts";
import { rbac } from "./view-rbac.ts";
import { stories, story } from "./view-stories.ts";
import { timeline } from "./view-timeline.ts";

const PARTS: readonly (readonly [string, string])[] = [
  ["overview", "Overview"],
  ["stories", "Stories"],
  ["timeline", "Timeline"],
  ["matrix", "ATT&CK"],
  ["actors", "Identities"],
  ["objects", "Objects"],
  ["rbac", "RBAC"],
  ["print", "Print"],
];

const VIEWS: Readonly<Record<string, (asked: ReadonlyMap<string, string>) => HTMLElement>> = {
  overview: () => overview(),
  stories,
  timeline,
  matrix,
  actors,
  objects,
  rbac,
  print: printout,
};

const PAGES: Readonly<Record<string, (index: number) => HTMLElement | undefined>> = { actor, object, story };
/** The part of the navigation that a page belongs to. */
const HOME: Readonly<Record<string, string>> = { actor: "actors", object: "objects", story: "stories" };

const main = el("main", { id: "main" });
const nav = el("nav", { "aria-label": "Parts of the report" }, ...PARTS.map(([target, label]) => link(target, label)));

function route(isFirst: boolean): void {
  const hash = decodeURIComponent(location.hash.slice(1)) || "overview";
  if (hash === "main") {
    main.querySelector("h1")?.focus();
    return;
  }
  const [path = "", ...rest] = hash.split("/");
  const asked = new Map(rest.map((part) => part.split("=", 2) as [string, string]));
  const [, kind = "", index = ""] = /^(actor|object|story)-(\d+)$/.exec(path) ?? [];
  const view =
    kind === "" ? (Object.hasOwn(VIEWS, path) ? VIEWS[path] : undefined)?.(asked) : PAGES[kind]?.(Number(index));
  main.replaceChildren(
    view ?? el("p", {}, "There is no such page in this report. ", link("overview", "To the overview")),
  );
  const home = HOME[kind] ?? path;
  nav.querySelectorAll("a").forEach((each) => {
    if (each.getAttribute("href") === `#${home}`) {
      each.setAttribute("aria-current", "page");
    } else {
      each.removeAttribute("aria-current");
    }
  });
  const title = main.querySelector("h1");
  document.title = `${title?.textContent ?? "Report"} - auditsieve`;
  if (!isFirst) {
    window.scrollTo(0, 0);
    title?.focus();
  }
}

document
  .getElementById("app")
  ?.replaceChildren(
    el("a", { href: "#main", class: "skip" }, "To the content"),
    el("header", { class: "top" }, el("p", { class: "brand" }, "auditsieve", el("span", {}, " report")), nav),
    main,
    el(
      "footer",
      {},
      `Made by auditsieve ${report.tool} at ${report.madeAt}. Secrets are replaced by keyed hashes. This file loads nothing and sends nothing.`,
    ),
  );
window.addEventListener("beforeprint", prepareForPaper);
window.addEventListener("hashchange", () => route(false));
route(true);
