import { el, table } from "./dom.ts";
import { actorLink, evidence, facts, objectLink, time } from "./parts.ts";
import { report } from "./report.ts";
import { searched } from "./search-rows.ts";
import { COLUMNS, findingRow } from "./view-timeline.ts";
import { count, counted } from "./write-time.ts";

type Revision = (typeof report.objects)[number]["revisions"][number];

/** The objects that findings and stories are about. */
export function objects(): HTMLElement {
  const rows = report.objects.map(({ key, findings, revisions, omitted }, i) => {
    const last = revisions.at(-1);
    return [
      objectLink(i, key),
      String(findings),
      count(revisions.length + omitted),
      last === undefined ? "" : actorLink(last.actor, last.actorName),
      last === undefined ? "" : time(last.time),
    ];
  });
  return el(
    "div",
    {},
    el("h1", { tabindex: -1 }, "Objects"),
    el(
      "p",
      {},
      `Objects that findings or stories are about, and roles and bindings. ${count(report.objectsLeftOut)} other objects were written in this log.`,
    ),
    ...searched("object-search", "secrets payments, a name, who wrote it …", rows, (kept) =>
      table("Objects", ["Object", "Findings", "Revisions", "Last written by", "Last written"], kept),
    ),
  );
}

/** One object: its revisions, what each changed, and who did it. */
export function object(index: number): HTMLElement | undefined {
  const shown = report.objects[index];
  if (shown === undefined) {
    return undefined;
  }
  const found = report.findings.flatMap((finding, i) => (finding.object === index ? [i] : []));
  return el(
    "div",
    {},
    el("h1", { tabindex: -1, class: "name" }, shown.key),
    facts([
      ["Revisions in the log", count(shown.revisions.length + shown.omitted)],
      ["Findings about it", count(shown.findings)],
    ]),
    shown.omitted > 0 && el("p", { class: "quiet" }, `${count(shown.omitted)} revisions in the middle are not shown.`),
    el("h2", {}, "History"),
    el("ol", { class: "revisions" }, ...shown.revisions.map(revision)),
    found.length > 0 && el("h2", {}, "Findings"),
    found.length > 0 && table("Findings about this object", COLUMNS, found.map(findingRow)),
  );
}

function revision(shown: Revision): HTMLElement {
  return el(
    "li",
    { class: "card" },
    el(
      "p",
      { class: "deed" },
      time(shown.time),
      " ",
      el("strong", {}, shown.verb),
      " by ",
      actorLink(shown.actor, shown.actorName),
      " ",
      evidence(shown.event),
    ),
    shown.note !== "" && el("p", { class: "quiet" }, shown.note),
    shown.changes.length > 0 && changes(shown),
  );
}

function changes({ changes: all }: Revision): HTMLElement {
  const entries = all.map(({ path, before, after }) =>
    el(
      "div",
      { class: "change" },
      el("p", { class: "path name" }, path),
      before !== undefined && el("pre", { class: "before", "aria-label": "before" }, before),
      after !== undefined && el("pre", { class: "after", "aria-label": "after" }, after),
    ),
  );
  return el(
    "details",
    { open: all.length <= 12 },
    el("summary", {}, `${counted(all.length, "field")} changed`),
    ...entries,
  );
}
