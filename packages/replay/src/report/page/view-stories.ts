import { el, link, section, table } from "./dom.ts";
import { lineageGraph } from "./lineage-graph.ts";
import { actorLink, chapter, evidence, severity, time, timed } from "./parts.ts";
import { report } from "./report.ts";
import { count, counted } from "./write-time.ts";

type Story = (typeof report.stories)[number];

/** All stories, the one with most in it first. */
export function stories(): HTMLElement {
  return el(
    "div",
    {},
    el("h1", { tabindex: -1 }, "Stories"),
    el(
      "p",
      {},
      "Identities that stand out are told together where a token, a certificate, a workload, a binding or a command in a pod leads from one to the other.",
    ),
    report.stories.length === 0 && el("p", {}, "No identity stands out in this log: there is no story to tell."),
    el(
      "ol",
      { class: "cards" },
      ...report.stories.map(({ title, chapters, steps }, i) =>
        el(
          "li",
          { class: "card" },
          el("h2", {}, link(`story-${i}`, title)),
          ...chapters.slice(0, 2).map(chapter),
          el("p", { class: "quiet" }, counted(steps.length, "step")),
        ),
      ),
    ),
  );
}

/** One story: in short, as a graph, where its chains end, step by step. */
export function story(index: number): HTMLElement | undefined {
  const told = report.stories[index];
  if (told === undefined) {
    return undefined;
  }
  return el(
    "div",
    {},
    el("h1", { tabindex: -1 }, told.title),
    section("In short", ...told.chapters.map(chapter)),
    section("Where it came from", told.nodes.length > 0 && lineageGraph(told), links(told)),
    section(
      "Where the chains end, and why",
      el("ul", { class: "chain" }, ...told.ends.map((end) => chainEnd(told, end))),
    ),
    section(`Step by step (${count(told.steps.length)})`, steps(told)),
  );
}

function links({ links: all }: Story): HTMLElement {
  const items = all
    .toSorted((a, b) => (a.time < b.time ? -1 : 1))
    .map(({ time: at, text, event }) => el("li", {}, time(at), ...timed(` ${text} `), evidence(event)));
  return items.length === 0
    ? el("p", {}, "Nothing in this log leads to these credentials.")
    : el("ol", { class: "chain" }, ...items);
}

function chainEnd({ nodes }: Story, { node, text }: Story["ends"][number]): HTMLElement {
  const at = nodes[node];
  const name = at === undefined ? "" : at.actor === -1 ? at.label : actorLink(at.actor);
  return el("li", { class: "end" }, el("strong", {}, name), ": ", ...timed(text));
}

function steps({ steps: all }: Story): HTMLElement {
  return table(
    "Steps in order of time",
    ["Time", "Identity", "What happened", "Severity", "Evidence"],
    all.map((step) => [
      time(step.time),
      el("span", { class: "name" }, step.actor),
      el("span", { class: `step ${step.kind}` }, ...timed(step.text)),
      step.severity === "" ? "" : severity(step.severity),
      evidence(step.event),
    ]),
  );
}
