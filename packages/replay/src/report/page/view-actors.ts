import { el, section, table } from "./dom.ts";
import { actorLink, bar, evidence, facts, objectLink, time, timed } from "./parts.ts";
import { report } from "./report.ts";
import { searched } from "./search-rows.ts";
import { COLUMNS, findingRow } from "./view-timeline.ts";
import { count, counted } from "./write-time.ts";

const MOST_FINDINGS = 300;
type Actor = (typeof report.actors)[number];
type Credential = Actor["credentials"][number];

/** All identities, most suspicious first. */
export function actors(): HTMLElement {
  const rows = report.actors.map((actor, i) => [
    actorLink(i),
    String(actor.score),
    String(actor.findings),
    count(actor.requests),
    count(actor.refused),
    count(actor.writes),
    String(actor.credentials.length),
    time(actor.first),
    time(actor.last),
  ]);
  return el(
    "div",
    {},
    el("h1", { tabindex: -1 }, "Identities"),
    ...searched("actor-search", "a name, a part of it …", rows, (kept) =>
      table(
        "Identities, most suspicious first",
        ["Identity", "Points", "Findings", "Requests", "Refused", "Writes", "Credentials", "First seen", "Last seen"],
        kept,
      ),
    ),
    report.actorsLeftOut > 0 &&
      el("p", { class: "quiet" }, `${count(report.actorsLeftOut)} without findings are not shown.`),
  );
}

/** One identity: what is unusual, its credentials and all that they touched, what let it pass, its findings. */
export function actor(index: number): HTMLElement | undefined {
  const shown = report.actors[index];
  if (shown === undefined) {
    return undefined;
  }
  const found = report.findings.flatMap((finding, i) => (finding.actor === index ? [i] : []));
  return el(
    "div",
    {},
    el("h1", { tabindex: -1, class: "name" }, shown.name),
    el("p", { class: "lead" }, shown.isSuspicious ? "Stands out." : "Does not stand out.", ` ${shown.score} points.`),
    facts([
      ["First seen", time(shown.first)],
      ["Last seen", time(shown.last)],
      ["Requests", count(shown.requests)],
      ["Refused", count(shown.refused)],
      ["Writes", count(shown.writes)],
      ["Groups", shown.groups.join(", ") || "none"],
      ...(shown.impersonated.length > 0 ? [["Impersonated", shown.impersonated.join(", ")] as const] : []),
    ]),
    storiesOf(index),
    shown.reasons.length > 0 && section("What is unusual", reasons(shown)),
    section("Credentials, and everything they touched", ...shown.credentials.map(credential)),
    shown.rights.length > 0 && section("What let it pass", rights(shown)),
    found.length > 0 &&
      section(
        `Findings (${found.length})`,
        table("Findings of this identity", COLUMNS, found.slice(0, MOST_FINDINGS).map(findingRow)),
        found.length > MOST_FINDINGS && el("a", { href: `#timeline/actor=${index}` }, "All of them in the timeline"),
      ),
  );
}

function reasons({ reasons: all }: Actor): HTMLElement {
  const most = Math.max(1, ...all.map(({ points }) => points));
  return table(
    "Reasons by points",
    ["Reason", "Points"],
    all.map(({ points, text }) => [
      el("span", {}, ...timed(text)),
      el("span", { class: "score" }, bar(points / most, `${points} points`), ` ${points}`),
    ]),
  );
}

function storiesOf(index: number): HTMLElement | undefined {
  const told = report.stories.flatMap(({ actors: of, title }, i) => (of.includes(index) ? [{ title, i }] : []));
  return told.length === 0
    ? undefined
    : section(
        "In the stories",
        el("ul", {}, ...told.map(({ title, i }) => el("li", {}, el("a", { href: `#story-${i}` }, title)))),
      );
}

function credential(shown: Credential): HTMLElement {
  const origin = [
    ...shown.origin.map(({ text, time: at, event }) => el("li", {}, time(at), ...timed(` ${text} `), evidence(event))),
    ...shown.ends.map((end) => el("li", { class: "end" }, ...timed(end))),
  ];
  return el(
    "article",
    { class: "card" },
    el("h3", { class: "name" }, shown.kind),
    shown.id !== "" && el("p", { class: "quiet name" }, shown.id),
    el(
      "p",
      {},
      `${counted(shown.requests, "request")}, ${count(shown.refused)} of them refused, `,
      time(shown.first),
      " to ",
      time(shown.last),
      ".",
    ),
    el("h4", {}, "Where it came from"),
    el("ul", { class: "chain" }, ...origin),
    el("h4", {}, "Where it was used"),
    table(
      "Addresses and programs",
      ["Address", "Program", "As", "Requests", "Refused", "First", "Last"],
      shown.uses.map((use) => [
        el("span", { class: "name" }, use.sourceIP),
        el("span", { class: "name" }, use.userAgent),
        el("span", { class: "name" }, use.impersonated),
        count(use.requests),
        count(use.refused),
        time(use.first),
        time(use.last),
      ]),
    ),
    el("h4", {}, "What it touched"),
    touched(shown),
  );
}

function touched(shown: Credential): HTMLElement {
  const rows = shown.touched.map((touch) => {
    const place = touch.namespace === "" ? touch.name : `${touch.namespace}/${touch.name}`;
    return [
      el("span", { class: "name" }, `${touch.verb} ${touch.resource}`),
      objectLink(touch.object, place),
      count(touch.requests),
      touch.refused > 0 ? el("strong", {}, count(touch.refused)) : "0",
      time(touch.first),
      evidence(touch.event),
    ];
  });
  const more =
    shown.touchedLeftOut > 0
      ? ` ${count(shown.touchedLeftOut)} more kinds of requests, the least telling, are not shown.`
      : "";
  return el(
    "details",
    { open: shown.touched.length <= 40 },
    el("summary", {}, `${counted(shown.touched.length, "kind")} of requests.${more}`),
    table("Everything this credential touched", ["Request", "Object", "Times", "Refused", "First", "Evidence"], rows),
  );
}

function rights({ rights: all }: Actor): HTMLElement {
  return table(
    "Bindings that let its requests pass",
    ["Reason of the authorizer", "Times", "First", "Last", "The binding", "Evidence"],
    all.map((right) => [
      el("span", { class: "name" }, right.reason),
      count(right.requests),
      time(right.first),
      time(right.last),
      right.object === -1
        ? el("span", {}, ...timed(right.made))
        : el("a", { href: `#object-${right.object}`, class: "name" }, ...timed(right.made)),
      evidence(right.event),
    ]),
  );
}
