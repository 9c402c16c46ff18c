import { stripVTControlCharacters, styleText } from "node:util";
import { hasColour } from "./output.ts";

/** A column of a table: numbers stand right, text left. */
export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
}

/** Rows as text in columns, the title line first. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  return [...tableLines(columns, rows)].join("\n");
}

/** The same line by line: the rows are gone through twice, and need not be held as a whole. */
export function* tableLines(columns: readonly Column[], rows: Iterable<readonly string[]>): Generator<string, void> {
  const widths = columns.map(({ title }) => title.length);
  for (const row of rows) {
    columns.forEach((_, i) => (widths[i] = Math.max(widths[i] ?? 0, width(row[i] ?? ""))));
  }
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => {
        const gap = " ".repeat(Math.max(0, (widths[i] ?? 0) - width(cell)));
        return columns[i]?.align === "right" ? gap + cell : cell + gap;
      })
      .join("  ")
      .trimEnd();
  yield paint("dim", line(columns.map(({ title }) => title)));
  for (const row of rows) {
    yield line(row);
  }
}

/** A bar of at most `cells` characters for a share from 0 to 1. */
export function bar(share: number, cells = 20): string {
  return "█".repeat(Math.round(Math.min(1, Math.max(0, share)) * cells));
}

type Style = "dim" | "bold" | "red" | "yellow" | "green" | "cyan" | "magenta";

/** `text` in a style where people look on and want colour. */
export function paint(style: Style, text: string): string {
  return hasColour() ? styleText(style, text) : text;
}

/** 12,345; of whole numbers. Loading a locale for it would cost 15 ms of a command's start. */
export function count(value: number): string {
  return String(value).replaceAll(/\B(?=(?:\d{3})+$)/g, ",");
}

/** 1 finding, 1,200 findings. */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/** 12.3 MB, in powers of ten. */
export function bytesText(value: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let size = value;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit++;
  }
  return `${unit === 0 ? size : size.toFixed(1)} ${units[unit]}`;
}

/** 94.8 % */
export function percent(part: number, whole: number): string {
  return `${whole === 0 ? "0.0" : ((100 * part) / whole).toFixed(1)} %`;
}

function width(text: string): number {
  return stripVTControlCharacters(text).length;
}
