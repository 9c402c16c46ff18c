import { el, svg } from "./dom.ts";
import { layoutGraph } from "./layout-graph.ts";
import type { ReportData } from "../report-data.ts";

const BOX = { width: 320, height: 46, gapX: 60, gapY: 44, margin: 12 };
const MOST_NODES = 80;
/** Room on the right for links that go around. */
const AROUND = 150;
type Story = ReportData["stories"][number];
type Link = Story["links"][number];
interface Place {
  readonly x: number;
  readonly y: number;
}
type PlaceOf = (node: number) => Place;

/** Who and what brought forth whom, from top to bottom. The same stands as a list below it. */
export function lineageGraph(story: Story): HTMLElement {
  const nodes = story.nodes.slice(0, MOST_NODES);
  const links = story.links.filter(({ from, to }) => from < nodes.length && to < nodes.length);
  const places = layoutGraph(nodes.length, links);
  const columns = Math.max(...places.map(({ column }) => column)) + 1;
  const rows = Math.max(...places.map(({ row }) => row)) + 1;
  const width = rows * (BOX.width + BOX.gapX) + 2 * BOX.margin + AROUND;
  const height = columns * (BOX.height + BOX.gapY) - BOX.gapY + 2 * BOX.margin;
  const at = (node: number): Place => ({
    x: BOX.margin + (places[node]?.row ?? 0) * (BOX.width + BOX.gapX),
    y: BOX.margin + (places[node]?.column ?? 0) * (BOX.height + BOX.gapY),
  });
  const arrow = svg(
    "marker",
    {
      id: "arrow",
      viewBox: "0 0 10 10",
      refX: 9,
      refY: 5,
      markerWidth: 7,
      markerHeight: 7,
      orient: "auto-start-reverse",
    },
    svg("path", { d: "M0 0L10 5L0 10z", class: "arrowhead" }),
  );
  const picture = svg(
    "svg",
    {
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      class: "graph",
      role: "group",
      "aria-label": "Lineage: who brought forth whom",
    },
    svg("defs", {}, arrow),
    ...drawLinks(links, at),
    ...nodes.map((node, i) => drawNode(node, at(i))),
  );
  return el("div", { class: "scroll graphbox", tabindex: 0, role: "region", "aria-label": "Lineage graph" }, picture);
}

/** Labels after all lines, so that no line runs through a word. */
function drawLinks(links: readonly Link[], at: PlaceOf): readonly SVGElement[] {
  const drawn = links.map((link) => {
    const [x1, x2] = [
      share(
        links.filter(({ from, to }) => from === link.from && !isLong(at(from), at(to))),
        link,
        ({ to }) => at(to).x,
      ),
      share(
        links.filter(({ from, to }) => to === link.to && !isLong(at(from), at(to))),
        link,
        ({ from }) => at(from).x,
      ),
    ];
    return drawLink(link, at, x1, x2);
  });
  return [...drawn.map(({ path }) => path), ...drawn.map(({ label }) => label)];
}

/** Where at the edge of a box a link stands beside the others, from left to right as they come or go: a share of its width. */
function share(beside: readonly Link[], link: Link, x: (link: Link) => number): number {
  const place = beside.toSorted((a, b) => x(a) - x(b)).indexOf(link);
  return (place + 1) / (beside.length + 1);
}

/** What leads past other boxes goes around them on the right. */
function isLong(a: Place, b: Place): boolean {
  return b.y - a.y > BOX.height + BOX.gapY + 1 || b.y <= a.y;
}

function drawLink(
  { from, to, kind, text }: Link,
  at: PlaceOf,
  start: number,
  end: number,
): { readonly path: SVGElement; readonly label: SVGElement } {
  const [a, b] = [at(from), at(to)];
  const isAround = isLong(a, b);
  const [x1, y1] = isAround ? [a.x + BOX.width, a.y + BOX.height / 2] : [a.x + BOX.width * start, a.y + BOX.height];
  const [x2, y2] = isAround ? [b.x + BOX.width, b.y + BOX.height / 2] : [b.x + BOX.width * end, b.y];
  const out = Math.max(x1, x2) + AROUND * 0.55;
  const middle = (y1 + y2) / 2;
  const d = isAround
    ? `M${x1} ${y1}C${out} ${y1} ${out} ${y2} ${x2} ${y2}`
    : `M${x1} ${y1}C${x1} ${middle} ${x2} ${middle} ${x2} ${y2}`;
  const path = svg(
    "path",
    {
      d,
      class: `edge ${kind}`,
      "marker-end": "url(#arrow)",
    },
    svg("title", {}, text),
  );
  const label = svg(
    "text",
    { x: isAround ? out - AROUND * 0.05 : (x1 + x2) / 2 + 8, y: middle + 4, class: "edge-label" },
    WORDS[kind] ?? kind,
  );
  return { path, label };
}

const WORDS: Readonly<Record<string, string>> = {
  created: "created",
  owns: "brought forth",
  token: "token",
  certificate: "certificate",
  reached: "reached into",
  granted: "gave rights",
  impersonated: "acted as",
};

function drawNode(node: Story["nodes"][number], { x, y }: { readonly x: number; readonly y: number }): SVGElement {
  const target = node.actor !== -1 ? `actor-${node.actor}` : node.object !== -1 ? `object-${node.object}` : undefined;
  const box = [
    svg("rect", {
      x,
      y,
      width: BOX.width,
      height: BOX.height,
      rx: 6,
      class: `box ${node.kind} ${node.isSuspicious ? "suspect" : ""}`,
    }),
    svg("text", { x: x + 10, y: y + 19, class: "node-label" }, cut(node.label, 38)),
    svg("text", { x: x + 10, y: y + 36, class: "node-detail" }, cut(node.detail, 46)),
    svg("title", {}, `${node.label} ${node.detail}`),
  ];
  return target === undefined
    ? svg("g", { "aria-label": node.label, role: "img" }, ...box)
    : svg("a", { href: `#${target}`, "aria-label": `${node.label}, ${node.detail}` }, ...box);
}

function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}
