import type { Measured } from "./measure.ts";
import { speedOf } from "./section.ts";

const WIDTH = 760;
const LABELS = 250;
const ROW = 24;

/** Bars of speeds on a logarithmic scale, fastest first. */
export function plot(title: string, measured: readonly Measured[]): string {
  const rows = measured
    .map((each) => ({ name: each.name.replace(/ \(.*/, ""), speed: speedOf(each) }))
    .toSorted((a, b) => b.speed - a.speed);
  const most = Math.log10(Math.max(...rows.map(({ speed }) => speed)));
  const height = 56 + ROW * rows.length;
  const bars = rows.map(({ name, speed }, i) => {
    const width = Math.max(2, ((WIDTH - LABELS - 90) * Math.log10(Math.max(1.1, speed))) / most);
    const y = 44 + ROW * i;
    const isOurs = name.startsWith("auditsieve");
    return [
      `<text x="${LABELS - 8}" y="${y + 13}" text-anchor="end">${escapeText(name)}</text>`,
      `<rect x="${LABELS}" y="${y}" width="${width.toFixed(1)}" height="${ROW - 7}" fill="${isOurs ? "#1a6fb0" : "#9aa5b1"}"/>`,
      `<text x="${(LABELS + width + 6).toFixed(1)}" y="${y + 13}">${speed < 10 ? speed.toFixed(1) : speed.toFixed(0)}</text>`,
    ].join("");
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="13">`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="12" y="22" font-size="15">${escapeText(title)}</text>`,
    ...bars,
    "</svg>",
    "",
  ].join("\n");
}

function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
