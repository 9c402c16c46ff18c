import { el } from "./dom.ts";

type Row = readonly (Node | string)[];

/** A field for words. */
export interface WordSearch {
  readonly field: HTMLElement;
  /** In lower case; none while the field is empty. */
  words(): readonly string[];
  /** Whether a text holds all of them, whatever its case. */
  isIn(text: string): boolean;
}

/** Makes the field; `onChange` draws anew what is searched. */
export function wordSearch(id: string, placeholder: string, onChange: () => void): WordSearch {
  const input = el("input", { type: "search", id, autocomplete: "off", placeholder });
  input.addEventListener("input", onChange);
  const words = (): readonly string[] =>
    input.value
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== "");
  return {
    field: el("div", { class: "filters", role: "search" }, el("label", {}, "Search ", input)),
    words,
    isIn(text) {
      const lower = text.toLowerCase();
      return words().every((word) => lower.includes(word));
    },
  };
}

/** A table below such a field, which searches the text of all cells, and how many rows are shown. */
export function searched(
  id: string,
  placeholder: string,
  rows: readonly Row[],
  draw: (rows: readonly Row[]) => HTMLElement,
): readonly HTMLElement[] {
  const [results, said] = [el("div", {}), el("p", { role: "status", class: "quiet" })];
  const search = wordSearch(id, placeholder, show);
  show();
  return [search.field, said, results];

  function show(): void {
    const kept = rows.filter((row) =>
      search.isIn(row.map((cell) => (typeof cell === "string" ? cell : cell.textContent)).join(" ")),
    );
    said.textContent = kept.length === rows.length ? "" : `${kept.length} of ${rows.length}`;
    results.replaceChildren(draw(kept));
  }
}
