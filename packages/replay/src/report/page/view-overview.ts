import { el, link, section, table } from "./dom.ts";
import { actorLink, bar, chapter, facts, time, timed } from "./parts.ts";
import { report } from "./report.ts";
import { timelineChart } from "./timeline-chart.ts";
import { count, counted } from "./write-time.ts";

const MOST_ROWS = 12;
/** Of A4 and Letter without their margins, in CSS pixels. */
const PAPER_WIDTH = 700;

/** What a responder reads first; on paper the chart has the width of a page. */
export function overview({ isPaper = false }: { readonly isPaper?: boolean } = {}): HTMLElement {
  const total = report.findings.length + report.findingsLeftOut;
  const suspects = report.actors.filter(({ isSuspicious }) => isSuspicious);
  return el(
    "div",
    {},
    el("h1", { tabindex: -1 }, headline(suspects.length)),
    el(
      "p",
      { class: "lead" },
      `${counted(total, "finding")} in ${counted(report.log.events, "event")}`,
      ...(report.log.from === ""
        ? ["."]
        : [", ", time(report.log.from), " to ", time(report.log.to), ` UTC${dates()}.`]),
    ),
    el(
      "ul",
      { class: "chips", "aria-label": "Findings by severity" },
      ...report.severities
        .filter(({ findings }) => findings > 0)
        .map(({ severity: name, findings }) =>
          el("li", { class: `chip ${name}` }, el("strong", {}, count(findings)), ` ${name}`),
        ),
    ),
    startHere(),
    report.actors.some(({ score }) => score > 0) && section("Identities by what is unusual about them", ranking()),
    report.log.events > 0 &&
      section(
        "When it happened",
        timelineChart(isPaper ? { isSmall: true, width: PAPER_WIDTH } : { isSmall: true }),
        el("p", { class: "screen" }, link("timeline", "Open the timeline to zoom and filter")),
      ),
    newcomers(),
    limits(),
  );
}

/** The day of the log where the times do not say it. */
function dates(): string {
  const [from, to] = [report.log.from.slice(0, 10), report.log.to.slice(0, 10)];
  return from === to ? ` on ${from}` : "";
}

function headline(suspects: number): string {
  if (report.log.events === 0) {
    return "There is no audit event in these logs";
  }
  return suspects === 0
    ? "No identity stands out"
    : `${counted(suspects, "identity").replace(/ identitys$/, " identities")} stand${suspects === 1 ? "s" : ""} out`;
}

function startHere(): HTMLElement | undefined {
  if (report.stories.length === 0) {
    return undefined;
  }
  const cards = report.stories
    .slice(0, 6)
    .map((story, i) =>
      el(
        "li",
        { class: story.chapters.length > 1 ? "card wide" : "card" },
        el("h3", {}, link(`story-${i}`, story.title)),
        el("div", { class: "chapters" }, ...story.chapters.slice(0, 4).map(chapter)),
        el("p", { class: "screen" }, link(`story-${i}`, `Read the story: ${counted(story.steps.length, "step")}`)),
      ),
    );
  return section("Start here: who did it, and where it came from", el("ol", { class: "cards" }, ...cards));
}

function ranking(): HTMLElement {
  const most = Math.max(1, ...report.actors.map(({ score }) => score));
  const rows = report.actors
    .flatMap((actor, i) => (actor.score > 0 ? [{ actor, i }] : []))
    .slice(0, MOST_ROWS)
    .map(({ actor, i }) => [
      actorLink(i),
      el(
        "span",
        { class: "score" },
        bar(actor.score / most, `${actor.score} points`, !actor.isSuspicious),
        ` ${actor.score}`,
      ),
      el(
        "ul",
        { class: "reasons" },
        ...actor.reasons.slice(0, 4).map(({ text }) => el("li", {}, ...timed(text))),
        actor.reasons.length > 4 &&
          el("li", { class: "quiet" }, link(`actor-${i}`, `${actor.reasons.length - 4} more reasons`)),
      ),
      String(actor.findings),
      count(actor.refused),
      time(actor.first),
      time(actor.last),
    ]);
  return table(
    "Identities by points, most suspicious first",
    ["Identity", "Points", "What is unusual", "Findings", "Refused", "First seen", "Last seen"],
    rows,
  );
}

function newcomers(): HTMLElement | undefined {
  const fresh = report.actors.flatMap((actor, i) =>
    actor.isNew && !/^system:(?:node|kube-|serviceaccount:kube-system)/.test(actor.name) ? [{ actor, i }] : [],
  );
  return fresh.length === 0
    ? undefined
    : section(
        "New identities",
        el("p", {}, "First seen after the first tenth of the log:"),
        el(
          "ul",
          { class: "columns" },
          ...fresh.slice(0, 40).map(({ actor, i }) => el("li", {}, actorLink(i), " at ", time(actor.first))),
        ),
      );
}

function limits(): HTMLElement {
  const { log } = report;
  return section(
    "What this log can and cannot show",
    facts([
      ["Logs", log.inputs.join(", ")],
      ["Levels", log.levels.map(([level, events]) => `${level} ${count(events)}`).join(", ")],
      ["Identities", count(report.actors.length + report.actorsLeftOut)],
      ["Objects written", count(report.objects.length + report.objectsLeftOut)],
    ]),
    log.limits.length === 0 && log.events > 0
      ? el("p", {}, "Nothing is known to be missing.")
      : el("ul", {}, ...log.limits.map((limit) => el("li", {}, limit))),
  );
}
