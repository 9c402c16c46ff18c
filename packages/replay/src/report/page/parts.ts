import { button, el, link } from "./dom.ts";
import { showEvent } from "./event-dialog.ts";
import type { ReportData } from "../report-data.ts";
import { report } from "./report.ts";
import { shortTime } from "./write-time.ts";

const isOneDay = report.log.from.slice(0, 10) === report.log.to.slice(0, 10);

/** A time; the whole of it for those who ask. */
export function time(at: string): HTMLElement {
  return el("time", { datetime: at, title: `${at} (UTC)` }, shortTime(at, isOneDay));
}

/** A text with its times as {@link time} shows them. */
export function timed(text: string): readonly (Node | string)[] {
  return text
    .split(/(\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)/)
    .map((part, i) => (i % 2 === 1 ? time(part) : part));
}

/** A severity, as a word with a colour. */
export function severity(name: string): HTMLElement {
  return el("span", { class: `severity ${name}` }, name);
}

/** A button that shows the event behind a claim; nothing where the report has no room for it. */
export function evidence(event: number | undefined, label = "event"): HTMLElement {
  const shown = event === undefined ? undefined : report.events[event];
  return shown === undefined || event === undefined
    ? el("span", { class: "quiet", title: "Left out of this file for its size; the log holds it" }, "in the log")
    : button(label, () => showEvent(event), {
        class: "evidence",
        "aria-label": "Show the raw event, redacted",
        "data-event": event,
      });
}

/** `shop:web` for a service account, any other name as it is. */
export function shortActor(name: string): string {
  return name.replace(/^system:serviceaccount:/, "");
}

/** An actor's name, with a link to its page. */
export function actorLink(index: number, name?: string): Node {
  const actor = report.actors[index];
  return actor === undefined
    ? el("span", { class: "name" }, name ?? "(not in this report)")
    : link(`actor-${index}`, shortActor(actor.name), { class: "name", title: actor.name });
}

/** An object's key, with a link to its page. */
export function objectLink(index: number, key: string): Node {
  return report.objects[index] === undefined
    ? el("span", { class: "name" }, key)
    : link(`object-${index}`, key, { class: "name" });
}

/** A share as a bar. */
export function bar(share: number, label: string, isCalm = false): HTMLElement {
  const fill = el("span", { class: isCalm ? "fill calm" : "fill" });
  fill.style.setProperty("inline-size", `${Math.round(100 * Math.min(1, Math.max(0, share)))}%`);
  return el("span", { class: "bar", role: "img", "aria-label": label }, fill);
}

/** Names and what they stand for. */
export function facts(entries: readonly (readonly [string, Node | string])[]): HTMLElement {
  return el(
    "dl",
    { class: "facts" },
    ...entries.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))),
  );
}

type Chapter = ReportData["stories"][number]["chapters"][number];

/** One identity of a story in short: how it acted, where its credential came from, where that chain ends. */
export function chapter({ actor, name, acted, came, ends }: Chapter): HTMLElement {
  return el(
    "div",
    { class: "chapter" },
    el("p", {}, actorLink(actor, name), ...timed(` acted ${acted}.`)),
    el(
      "ul",
      { class: "chain" },
      ...came.map(({ time: at, text, event }) => el("li", {}, time(at), ...timed(` ${text} `), evidence(event))),
      ...ends.map((end) => el("li", { class: "end" }, ...timed(end))),
    ),
  );
}
