import { rbacAt } from "../../history/rbac-at.ts";
import { el, table } from "./dom.ts";
import { evidence, objectLink, time } from "./parts.ts";
import { report } from "./report.ts";
import { wordSearch } from "./search-rows.ts";
import { counted } from "./write-time.ts";

/** Roles and bindings as they were at a time that the reader chooses. */
export function rbac(): HTMLElement {
  const times = [...new Set(report.rbac.map((change) => change.time))];
  const results = el("div", {});
  const said = el("p", { role: "status" });
  const slider = el("input", {
    type: "range",
    min: 0,
    max: Math.max(0, times.length - 1),
    value: Math.max(0, times.length - 1),
    id: "rbac-time",
    "aria-label": "Time",
  });
  const draw = (): void => {
    const at = times[Number(slider.value)] ?? report.log.to;
    const all = rbacAt(report.rbac, at).toSorted((a, b) => (a.change.time < b.change.time ? 1 : -1));
    const standing = all.filter(({ change: { key, role, subjects, rules, actor } }) =>
      search.isIn([key, role, ...subjects, ...rules, actor].join(" ")),
    );
    const words = search.words();
    // Of many rules few are shown: those that are asked for come first.
    const meant = (rule: string): number => words.filter((word) => rule.toLowerCase().includes(word)).length;
    slider.setAttribute("aria-valuetext", at);
    const rows = standing.map(({ change, isOlder }) => [
      objectLink(
        report.objects.findIndex(({ key }) => key === change.key),
        change.key.replace(".rbac.authorization.k8s.io", ""),
      ),
      change.role === "" ? "" : change.role,
      el("span", { class: "name" }, change.subjects.join(", ")),
      el(
        "ul",
        { class: "reasons" },
        ...change.rules
          .toSorted((a, b) => meant(b) - meant(a))
          .slice(0, 8)
          .map((rule) => el("li", { class: "name" }, rule)),
        change.rules.length > 8 && el("li", {}, `${change.rules.length - 8} more`),
      ),
      el(
        "span",
        {},
        el("span", { class: "name" }, change.actor),
        " ",
        time(change.time),
        isOlder ? " (older than the log)" : "",
      ),
      el("span", {}, change.hasBody ? "" : "no body in the log ", evidence(change.event)),
    ]);
    const those = `${counted(all.length, "role")} and bindings that the log shows`;
    said.replaceChildren("At ", time(at), ` UTC: ${rows.length === all.length ? "" : `${rows.length} of `}${those}.`);
    results.replaceChildren(
      table("Roles and bindings", ["Role or binding", "Gives", "To", "Rules", "Last written", "Evidence"], rows),
    );
  };
  const search = wordSearch("rbac-search", "cluster-admin, a subject, secrets …", () => draw());
  slider.addEventListener("input", draw);
  draw();
  return el(
    "div",
    {},
    el("h1", { tabindex: -1 }, "RBAC as it was"),
    el(
      "p",
      {},
      "Roles and bindings that were written in this log by others than the apiserver at its start. What stood before and was not written is not known; what let a request pass stands on the page of its identity.",
    ),
    el("label", { class: "slider" }, "At ", slider),
    search.field,
    said,
    results,
  );
}
