import { rbacAt } from "../../history/rbac-at.ts";
import { el, section, table } from "./dom.ts";
import { evidence, objectLink, shortActor, time } from "./parts.ts";
import { report } from "./report.ts";
import { wordSearch } from "./search-rows.ts";
import { count, counted } from "./write-time.ts";

/** Subjects of a binding, rules of a role. */
const MOST_SHOWN = 8;

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
    slider.setAttribute("aria-valuetext", at);
    const those = `${counted(all.length, "role")} and bindings that the log shows`;
    said.replaceChildren(
      "At ",
      time(at),
      ` UTC: ${standing.length === all.length ? "" : `${standing.length} of `}${those}.`,
    );
    const bindings = standing.filter(({ change }) => isBinding(change.key));
    const roles = standing.filter(({ change }) => !isBinding(change.key));
    results.replaceChildren(
      ...[bindings.length > 0 && bindingTable(bindings), roles.length > 0 && roleTable(roles, search.words())].filter(
        (part) => part !== false,
      ),
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
      "Roles and bindings whose writing is in this log; where there are more than this file has room for, those that only the apiserver wrote are left out first. What stood before and was not written is not known; what let a request pass stands on the page of its identity.",
    ),
    el("label", { class: "slider" }, "At ", slider),
    search.field,
    said,
    results,
  );
}

/** By its kind and not by its role, which a write without a body does not say. */
function isBinding(key: string): boolean {
  return /^(?:cluster)?rolebindings\./.test(key);
}

type Standing = ReturnType<typeof rbacAt>[number];

function bindingTable(bindings: readonly Standing[]): HTMLElement {
  const rows = bindings.map((standing) => [
    name(standing),
    el("span", { class: "name" }, standing.change.role),
    list(standing.change.subjects.map(shortActor)),
    ...writing(standing),
  ]);
  return section(
    `Bindings (${count(rows.length)})`,
    table("Bindings, the last written first", ["Binding", "Gives", "To", "Last written", "Evidence"], rows),
  );
}

/** Of many rules few are shown: those that hold the most of `words` come first. */
function roleTable(roles: readonly Standing[], words: readonly string[]): HTMLElement {
  const meant = (rule: string): number => words.filter((word) => rule.toLowerCase().includes(word)).length;
  const rows = roles.map((standing) => [
    name(standing),
    list(standing.change.rules.toSorted((a, b) => meant(b) - meant(a))),
    ...writing(standing),
  ]);
  return section(
    `Roles (${count(rows.length)})`,
    table("Roles, the last written first", ["Role", "Rules", "Last written", "Evidence"], rows),
  );
}

function name({ change: { key } }: Standing): Node {
  return objectLink(
    report.objects.findIndex((object) => object.key === key),
    key.replace(".rbac.authorization.k8s.io", ""),
  );
}

function list(texts: readonly string[]): HTMLElement {
  return el(
    "ul",
    { class: "reasons" },
    ...texts.slice(0, MOST_SHOWN).map((text) => el("li", { class: "name" }, text)),
    texts.length > MOST_SHOWN && el("li", {}, `${count(texts.length - MOST_SHOWN)} more`),
  );
}

function writing({ change, isOlder }: Standing): readonly Node[] {
  return [
    el(
      "span",
      {},
      el("span", { class: "name" }, shortActor(change.actor)),
      " ",
      time(change.time),
      isOlder ? " (older than the log)" : "",
    ),
    el("span", {}, change.hasBody ? "" : "no body in the log ", evidence(change.event)),
  ];
}
