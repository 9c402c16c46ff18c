import { button, el, svg } from "./dom.ts";
import { shortActor } from "./parts.ts";
import { report } from "./report.ts";
import { shortTime } from "./write-time.ts";

/** How a chart is made; ranges are milliseconds. */
export interface ChartOptions {
  /** Without controls, of the whole log. */
  readonly isSmall?: boolean;
  /** In CSS pixels; without it that of the page, also when that changes. */
  readonly width?: number;
  readonly onRange?: (fromMs: number, toMs: number) => void;
  readonly onPick?: (actor: number, fromMs: number, toMs: number) => void;
}

const MOST_LANES = 14;
const SPANS_HEIGHT = 54;
/** Least width of the place for marks beside names; where there is less, names stand above their lanes. */
const NARROW = 640;
const LEAST_CELL = 5;
const MOST_CELLS = 140;
/** Between two times that are written below. */
const LEAST_TICK = 150;

/** Where things stand in the chart, in CSS pixels: letters have the size of others on the page, however wide it is. */
interface Frame {
  readonly width: number;
  /** Where times begin: behind the names, or at the left edge if they stand above. */
  readonly left: number;
  /** Bottom of the bars. */
  readonly base: number;
  readonly laneHeight: number;
  readonly height: number;
  readonly cells: number;
  /** Letters of a name that have room. */
  readonly letters: number;
  readonly ticks: readonly number[];
}

function frameOf(width: number, lanes: number): Frame {
  const isNarrow = width < NARROW;
  const left = isNarrow ? 0 : 210;
  const base = SPANS_HEIGHT + (isNarrow ? 22 : 10);
  const laneHeight = isNarrow ? 34 : 20;
  return {
    width,
    left,
    base,
    laneHeight,
    height: base + lanes * laneHeight + 26,
    cells: Math.min(MOST_CELLS, Math.floor((width - left) / LEAST_CELL)),
    letters: isNarrow ? Math.floor(width / 8) : 30,
    ticks: width - left < 4 * LEAST_TICK ? [0, 0.5, 1] : [0, 0.25, 0.5, 0.75, 1],
  };
}

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
export function timelineChart({ isSmall = false, width: fixedWidth, onRange, onPick }: ChartOptions): HTMLElement {
  const [first, last] = wholeRange();
  let range: readonly [number, number] = [first, last];
  const lanes = report.actors.flatMap(({ findings }, i) => (findings > 0 ? [i] : [])).slice(0, MOST_LANES);
  let frame = frameOf(fixedWidth ?? pageWidth(), lanes.length);
  const picture = svg("svg", {
    class: "chart",
    role: "img",
    "aria-label": `Requests over time and findings of ${lanes.length} identities; the table below has them all`,
  });
  const said = el("p", { class: "range", "aria-live": "polite" });

  const draw = (): void => {
    picture.setAttribute("viewBox", `0 0 ${frame.width} ${frame.height}`);
    picture.replaceChildren(
      ...spans(range, frame),
      ...lanes.flatMap((actor, row) => lane(actor, row, range, frame, onPick)),
      ...axis(range, frame),
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
  new ResizeObserver(() => {
    const width = Math.round(picture.getBoundingClientRect().width);
    if (fixedWidth === undefined && width > 0 && width !== frame.width) {
      frame = frameOf(width, lanes.length);
      draw();
    }
  }).observe(picture);
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
  dragToZoom(
    picture,
    () => range,
    () => frame,
    show,
  );
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

/** What the chart will have before it stands in the page; what is wrong with that is put right once it does. */
function pageWidth(): number {
  const width = document.querySelector("main")?.clientWidth ?? innerWidth;
  return Math.max(280, width - 2 * Math.min(48, Math.max(16, 0.04 * innerWidth)));
}

function xOf(ms: number, [from, to]: readonly [number, number], { left, width }: Frame): number {
  return left + ((ms - from) / (to - from)) * (width - left);
}

function spans(range: readonly [number, number], frame: Frame): readonly SVGElement[] {
  const { left, base, width: full } = frame;
  const { widthMs, spans: all } = report.times;
  const seen = all.filter(([from]) => from + widthMs > range[0] && from < range[1]);
  const most = Math.max(1, ...seen.map(([, requests]) => requests));
  const label = svg("text", { x: 0, y: 14, class: "label" }, `requests, at most ${most.toLocaleString("en-US")}`);
  const refusedPlace = left === 0 ? { x: full, y: 14, "text-anchor": "end" } : { x: 0, y: 30 };
  const refusedLabel = svg("text", { ...refusedPlace, class: "label refused" }, "of them refused");
  const bars = seen.flatMap(([from, requests, , refused]) => {
    const x = Math.max(left, xOf(from, range, frame));
    const width = Math.max(0.8, Math.min(full, xOf(from + widthMs, range, frame)) - x - 0.4);
    const rect = (value: number, name: string): SVGElement => {
      const height = (value / most) * SPANS_HEIGHT;
      return svg("rect", { x, width, y: base - height, height, class: name });
    };
    return refused > 0 ? [rect(requests, "requests"), rect(refused, "refused")] : [rect(requests, "requests")];
  });
  return [label, refusedLabel, ...bars];
}

function lane(
  actor: number,
  row: number,
  range: readonly [number, number],
  { width: full, left, base, laneHeight, cells: most, letters }: Frame,
  onPick: ChartOptions["onPick"],
): readonly SVGElement[] {
  const y = base + 6 + row * laneHeight;
  // Below the name, or beside it.
  const middle = y + (left === 0 ? laneHeight - 10 : laneHeight / 2);
  const cells = new Map<number, { count: number; worst: number }>();
  for (const finding of report.findings) {
    const ms = Date.parse(finding.time);
    if (finding.actor === actor && ms >= range[0] && ms <= range[1]) {
      const cell = Math.min(most - 1, Math.floor(((ms - range[0]) / (range[1] - range[0])) * most));
      const known = cells.get(cell) ?? { count: 0, worst: 0 };
      cells.set(cell, { count: known.count + 1, worst: Math.max(known.worst, SEVERITIES.indexOf(finding.severity)) });
    }
  }
  const name = report.actors[actor]?.name ?? "";
  const short = shortActor(name);
  const width = (full - left) / most;
  return [
    svg("line", { x1: left, x2: full, y1: middle, y2: middle, class: "lane" }),
    svg(
      "text",
      { x: 0, y: left === 0 ? y + 11 : middle + 4, class: "label" },
      short.length > letters ? `${short.slice(0, letters - 1)}…` : short,
    ),
    ...[...cells].map(([cell, { count, worst }]) => {
      const word = SEVERITIES[worst] ?? "low";
      const mark = svg(
        "rect",
        {
          x: left + cell * width,
          y: middle - 7,
          width: Math.max(4, width - 0.8),
          height: 14,
          rx: 2,
          class: `mark ${word}`,
        },
        svg("title", {}, `${short}: ${count} findings, at worst ${word}`),
      );
      const step = (range[1] - range[0]) / most;
      mark.addEventListener("click", () => onPick?.(actor, range[0] + cell * step, range[0] + (cell + 1) * step));
      return mark;
    }),
  ];
}

function axis(range: readonly [number, number], { width, left, height, ticks }: Frame): readonly SVGElement[] {
  const isOneDay = iso(range[0]).slice(0, 10) === iso(range[1]).slice(0, 10);
  return ticks.map((share) => {
    const x = left + share * (width - left);
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
  frameNow: () => Frame,
  show: (from: number, to: number) => void,
): void {
  let begin: number | undefined;
  const shareAt = (event: PointerEvent): number => {
    const box = picture.getBoundingClientRect();
    const { width, left } = frameNow();
    const x = ((event.clientX - box.left) / box.width) * width;
    return Math.min(1, Math.max(0, (x - left) / (width - left)));
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
