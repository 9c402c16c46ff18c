import { button, el, table } from "./dom.ts";
import { filterFindings } from "./filter-findings.ts";
import type { FindingFilter } from "./filter-findings.ts";
import { actorLink, evidence, severity, time } from "./parts.ts";
import { report } from "./report.ts";
import { timelineChart, wholeRange } from "./timeline-chart.ts";
import { count, counted } from "./write-time.ts";

const PAGE = 200;
/** Findings, and what identities that stand out did besides, in order of time. */
const ENTRIES = [...report.findings, ...report.acts].sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
const SEVERITIES = [...report.severities.map(({ severity: name }) => name), "act"];
const OUTCOMES = ["success", "trial", "denied", "failure", "unknown"];

/** All findings in order of time, to zoom into and to filter. */
export function timeline(asked: ReadonlyMap<string, string>): HTMLElement {
  const [fromMs, toMs] = wholeRange();
  let filter: FindingFilter = {
    text: "",
    severities: new Set(SEVERITIES),
    actor: asked.has("actor") ? Number(asked.get("actor")) : -1,
    technique: asked.get("technique") ?? "",
    outcome: "",
    namespace: "",
    fromMs,
    toMs,
  };
  let shown = PAGE;
  const results = el("div", { class: "results" });
  const said = el("p", { role: "status", class: "found" });
  const draw = (): void => {
    const found = filterFindings(ENTRIES, filter, (actor) => report.actors[actor]?.name ?? "");
    const acts = found.filter((i) => ENTRIES[i]?.severity === "act").length;
    said.textContent = `${counted(found.length - acts, "finding")} of ${count(report.findings.length)}, and ${counted(acts, "other request")} of identities that stand out`;
    const rows = found.slice(0, shown).map((i) => rowOf(ENTRIES[i]));
    const more = found.length > shown ? [button(`Show ${Math.min(PAGE, found.length - shown)} more`, showMore)] : [];
    results.replaceChildren(table("Findings in order of time", COLUMNS, rows), ...more);
  };
  const showMore = (): void => {
    shown += PAGE;
    draw();
  };
  const change = (by: Partial<FindingFilter>): void => {
    filter = { ...filter, ...by };
    shown = PAGE;
    draw();
  };
  const actorChoice = choice("Identity", filter.actor === -1 ? "" : String(filter.actor), actorOptions(), (value) =>
    change({ actor: value === "" ? -1 : Number(value) }),
  );
  const chart = timelineChart({
    onRange: (from, to) => change({ fromMs: from, toMs: to }),
    onPick: (actor) => {
      const select = actorChoice.querySelector("select");
      if (select !== null) {
        select.value = String(actor);
      }
      change({ actor });
    },
  });
  draw();
  return el(
    "div",
    {},
    el("h1", { tabindex: -1 }, "Timeline"),
    chart,
    el(
      "form",
      { class: "filters", role: "search", "aria-label": "Filter the findings" },
      search((text) => change({ text })),
      severityBoxes((severities) => change({ severities })),
      actorChoice,
      choice(
        "Technique",
        filter.technique,
        report.techniques.map(({ id, name }) => [id, `${id} ${name}`]),
        (technique) => change({ technique }),
      ),
      choice(
        "Outcome",
        "",
        OUTCOMES.map((outcome) => [outcome, outcome]),
        (outcome) => change({ outcome }),
      ),
      choice(
        "Namespace",
        "",
        namespaces().map((namespace) => [namespace, namespace]),
        (namespace) => change({ namespace }),
      ),
    ),
    said,
    results,
  );
}

/** The columns of a table of findings. */
export const COLUMNS: readonly string[] = ["Time", "Severity", "What happened", "Detection", "Identity", "Evidence"];

/** A row for the finding of this index. */
export function findingRow(index: number): readonly (Node | string)[] {
  return rowOf(report.findings[index]);
}

function rowOf(finding: (typeof report.findings)[number] | undefined): readonly (Node | string)[] {
  if (finding === undefined) {
    return [];
  }
  const techniques =
    finding.techniques.length > 0 ? el("span", { class: "quiet" }, ` ${finding.techniques.join(" ")}`) : "";
  return [
    time(finding.time),
    finding.severity === "act" ? el("span", { class: "quiet" }, "none") : severity(finding.severity),
    el("span", { class: "summary" }, finding.summary),
    el("span", {}, finding.title, techniques),
    actorLink(finding.actor),
    el("span", {}, ...finding.events.slice(0, 3).map((event) => evidence(event))),
  ];
}

function actorOptions(): readonly (readonly [string, string])[] {
  return report.actors.flatMap(({ name, findings }, i) =>
    findings > 0 ? [[String(i), `${name} (${findings})`] as const] : [],
  );
}

function namespaces(): readonly string[] {
  return [...new Set(report.findings.map(({ namespace }) => namespace).filter((name) => name !== ""))].sort();
}

function search(onText: (text: string) => void): HTMLElement {
  const input = el("input", {
    type: "search",
    id: "search",
    autocomplete: "off",
    placeholder: "pods/exec, kubectl, an audit ID …",
  });
  input.addEventListener("input", () => onText(input.value));
  return el("label", {}, "Search ", input);
}

function severityBoxes(onChange: (severities: ReadonlySet<string>) => void): HTMLElement {
  const boxes = SEVERITIES.map((name) => el("input", { type: "checkbox", value: name, checked: true }));
  boxes.forEach((box) =>
    box.addEventListener("change", () =>
      onChange(new Set(boxes.filter(({ checked }) => checked).map(({ value }) => value))),
    ),
  );
  return el(
    "fieldset",
    {},
    el("legend", {}, "Severity"),
    ...boxes.map((box) => el("label", {}, box, box.value === "act" ? " other requests" : ` ${box.value}`)),
  );
}

function choice(
  label: string,
  chosen: string,
  options: readonly (readonly [string, string])[],
  onChoice: (value: string) => void,
): HTMLElement {
  const select = el(
    "select",
    {},
    el("option", { value: "" }, "all"),
    ...options.map(([value, text]) => el("option", { value, selected: value === chosen }, text)),
  );
  select.addEventListener("change", () => onChoice(select.value));
  return el("label", {}, `${label} `, select);
}
