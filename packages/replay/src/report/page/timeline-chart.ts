import { button, el, svg } from "./dom.ts";
import { report } from "./report.ts";
import { shortTime } from "./write-time.ts";

/** How a chart is made; ranges are milliseconds. */
export interface ChartOptions {
  /** Without controls, of the whole log. */
  readonly isSmall?: boolean;
  readonly onRange?: (fromMs: number, toMs: number) => void;
  readonly onPick?: (actor: number, fromMs: number, toMs: number) => void;
}

const WIDTH = 1_000;
const LABEL = 210;
const LANE = 20;
const SPANS_HEIGHT = 64;
const CELLS = 140;
const MOST_LANES = 14;
const SEVERITIES = ["informational", "low", "medium", "high", "critical"];

/** First and last moment that the log covers: requests may have been received before the first event was written. */
export function wholeRange(): readonly [number, number] {
  const times = [report.log.from, report.log.to, ...[...report.findings, ...report.acts].map(({ time }) => time)];
  const known = times.map((time) => Date.parse(time)).filter((ms) => !Number.isNaN(ms));
  const [from, to] = known.reduce(
    ([least, most], ms) => [Math.min(least, ms), Math.max(most, ms)],
    [Infinity, -Infinity],
  );
  return from === undefined || to === undefined || from > to ? [0, 1] : [from, Math.max(to, from + 1)];
}

/** Requests over time, and below a lane of findings for each identity that has some. Zooms by drag, buttons and keys. */
export function timelineChart({ isSmall = false, onRange, onPick }: ChartOptions): HTMLElement {
  const [first, last] = wholeRange();
  let range: readonly [number, number] = [first, last];
  const lanes = report.actors.flatMap(({ findings }, i) => (findings > 0 ? [i] : [])).slice(0, MOST_LANES);
  const height = SPANS_HEIGHT + lanes.length * LANE + 26;
  const picture = svg("svg", {
    viewBox: `0 0 ${WIDTH} ${height}`,
    class: "chart",
    role: "img",
    "aria-label": `Requests over time and findings of ${lanes.length} identities; the table below has them all`,
  });
  const said = el("p", { class: "range", "aria-live": "polite" });

  const draw = (): void => {
    picture.replaceChildren(
      ...spans(range),
      ...lanes.flatMap((actor, row) => lane(actor, row, range, onPick)),
      ...axis(range, height),
    );
    said.textContent = `${iso(range[0])} to ${iso(range[1])} UTC`;
  };
  const show = (from: number, to: number): void => {
    const least = Math.max(10, (last - first) / 100_000);
    const width = Math.min(last - first, Math.max(least, to - from));
    const begin = Math.min(last - width, Math.max(first, from));
    range = [begin, begin + width];
    draw();
    onRange?.(range[0], range[1]);
  };
  draw();
  if (isSmall) {
    return el("figure", { class: "timeline" }, picture);
  }
  const zoom = (factor: number): void => {
    const middle = (range[0] + range[1]) / 2;
    const half = ((range[1] - range[0]) * factor) / 2;
    show(middle - half, middle + half);
  };
  const pan = (share: number): void => {
    const by = (range[1] - range[0]) * share;
    show(range[0] + by, range[1] + by);
  };
  picture.setAttribute("tabindex", "0");
  picture.addEventListener("keydown", (event) => {
    const act = KEYS[event.key];
    if (act !== undefined) {
      event.preventDefault();
      act({ zoom, pan, reset: () => show(first, last) });
    }
  });
  dragToZoom(picture, () => range, show);
  const tools = el(
    "div",
    { class: "tools", role: "group", "aria-label": "Timeline" },
    button("Zoom in", () => zoom(0.5)),
    button("Zoom out", () => zoom(2)),
    button("Earlier", () => pan(-0.5)),
    button("Later", () => pan(0.5)),
    button("Whole log", () => show(first, last)),
    el("span", { class: "quiet" }, "Drag over the chart to zoom; keys: arrows, + and −, 0"),
  );
  return el("figure", { class: "timeline" }, tools, picture, said);
}

interface Moves {
  readonly zoom: (factor: number) => void;
  readonly pan: (share: number) => void;
  readonly reset: () => void;
}

const KEYS: Readonly<Record<string, (moves: Moves) => void>> = {
  "+": ({ zoom }) => zoom(0.5),
  "=": ({ zoom }) => zoom(0.5),
  "-": ({ zoom }) => zoom(2),
  ArrowLeft: ({ pan }) => pan(-0.25),
  ArrowRight: ({ pan }) => pan(0.25),
  "0": ({ reset }) => reset(),
};

function xOf(ms: number, [from, to]: readonly [number, number]): number {
  return LABEL + ((ms - from) / (to - from)) * (WIDTH - LABEL);
}

function spans(range: readonly [number, number]): readonly SVGElement[] {
  const { widthMs, spans: all } = report.times;
  const seen = all.filter(([from]) => from + widthMs > range[0] && from < range[1]);
  const most = Math.max(1, ...seen.map(([, requests]) => requests));
  const label = svg("text", { x: 0, y: 14, class: "label" }, `requests, at most ${most.toLocaleString("en-US")}`);
  const refusedLabel = svg("text", { x: 0, y: 30, class: "label refused" }, "of them refused");
  const bars = seen.flatMap(([from, requests, , refused]) => {
    const x = Math.max(LABEL, xOf(from, range));
    const width = Math.max(0.8, Math.min(WIDTH, xOf(from + widthMs, range)) - x - 0.4);
    const rect = (value: number, name: string): SVGElement => {
      const height = (value / most) * (SPANS_HEIGHT - 10);
      return svg("rect", { x, width, y: SPANS_HEIGHT - height, height, class: name });
    };
    return refused > 0 ? [rect(requests, "requests"), rect(refused, "refused")] : [rect(requests, "requests")];
  });
  return [label, refusedLabel, ...bars];
}

function lane(
  actor: number,
  row: number,
  range: readonly [number, number],
  onPick: ChartOptions["onPick"],
): readonly SVGElement[] {
  const y = SPANS_HEIGHT + 6 + row * LANE;
  const cells = new Map<number, { count: number; worst: number }>();
  for (const finding of report.findings) {
    const ms = Date.parse(finding.time);
    if (finding.actor === actor && ms >= range[0] && ms <= range[1]) {
      const cell = Math.min(CELLS - 1, Math.floor(((ms - range[0]) / (range[1] - range[0])) * CELLS));
      const known = cells.get(cell) ?? { count: 0, worst: 0 };
      cells.set(cell, { count: known.count + 1, worst: Math.max(known.worst, SEVERITIES.indexOf(finding.severity)) });
    }
  }
  const name = report.actors[actor]?.name ?? "";
  const short = name.replace(/^system:serviceaccount:/, "");
  const width = (WIDTH - LABEL) / CELLS;
  return [
    svg("line", { x1: LABEL, x2: WIDTH, y1: y + LANE / 2, y2: y + LANE / 2, class: "lane" }),
    svg("text", { x: 0, y: y + LANE / 2 + 4, class: "label" }, short.length > 30 ? `${short.slice(0, 29)}…` : short),
    ...[...cells].map(([cell, { count, worst }]) => {
      const word = SEVERITIES[worst] ?? "low";
      const mark = svg(
        "rect",
        {
          x: LABEL + cell * width,
          y: y + 3,
          width: Math.max(4, width - 0.8),
          height: LANE - 6,
          rx: 2,
          class: `mark ${word}`,
        },
        svg("title", {}, `${short}: ${count} findings, at worst ${word}`),
      );
      const step = (range[1] - range[0]) / CELLS;
      mark.addEventListener("click", () => onPick?.(actor, range[0] + cell * step, range[0] + (cell + 1) * step));
      return mark;
    }),
  ];
}

function axis(range: readonly [number, number], height: number): readonly SVGElement[] {
  const isOneDay = iso(range[0]).slice(0, 10) === iso(range[1]).slice(0, 10);
  return [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const x = LABEL + share * (WIDTH - LABEL);
    const anchor = share === 0 ? "start" : share === 1 ? "end" : "middle";
    return svg(
      "text",
      { x, y: height - 6, "text-anchor": anchor, class: "label" },
      shortTime(iso(range[0] + share * (range[1] - range[0])), isOneDay),
    );
  });
}

function dragToZoom(
  picture: SVGSVGElement,
  rangeOf: () => readonly [number, number],
  show: (from: number, to: number) => void,
): void {
  let begin: number | undefined;
  const shareAt = (event: PointerEvent): number => {
    const box = picture.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * WIDTH;
    return Math.min(1, Math.max(0, (x - LABEL) / (WIDTH - LABEL)));
  };
  picture.addEventListener("pointerdown", (event) => {
    begin = shareAt(event);
  });
  picture.addEventListener("pointerup", (event) => {
    const end = shareAt(event);
    if (begin !== undefined && Math.abs(end - begin) > 0.01) {
      const [from, to] = rangeOf();
      const at = (share: number): number => from + share * (to - from);
      show(at(Math.min(begin, end)), at(Math.max(begin, end)));
    }
    begin = undefined;
  });
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
