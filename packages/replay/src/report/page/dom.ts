type Child = Node | string | undefined | false;
type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

const SVG = "http://www.w3.org/2000/svg";

/** Makes an HTML element. Text goes in as text nodes only, so that nothing out of a log is ever markup. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  return fill(document.createElement(tag), attributes, children);
}

/** Makes an SVG element, in the same way. */
export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): SVGElementTagNameMap[K] {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/** A button that does something. */
export function button(label: string, onClick: () => void, attributes: Attributes = {}): HTMLButtonElement {
  const made = el("button", { type: "button", ...attributes }, label);
  made.addEventListener("click", onClick);
  return made;
}

/** A link to another part of this report. */
export function link(target: string, label: string, attributes: Attributes = {}): HTMLAnchorElement {
  return el("a", { href: `#${target}`, ...attributes }, label);
}

/**
 * A table with a caption for those who cannot see where it stands. On a narrow screen its cells stand below one another, each with the
 * name of its column; the roles say that it still is a table.
 */
export function table(
  caption: string,
  columns: readonly string[],
  rows: readonly (readonly (Node | string)[])[],
): HTMLElement {
  const head = el(
    "tr",
    { role: "row" },
    ...columns.map((column) => el("th", { scope: "col", role: "columnheader" }, column)),
  );
  const body = rows.map((cells) =>
    el(
      "tr",
      { role: "row" },
      ...cells.map((cell, i) =>
        i === 0
          ? el("th", { scope: "row", role: "rowheader" }, cell)
          : el("td", { role: "cell", "data-column": isEmpty(cell) ? undefined : columns[i] }, cell),
      ),
    ),
  );
  return el(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    el(
      "table",
      { role: "table" },
      el("caption", { class: "unseen" }, caption),
      el("thead", { role: "rowgroup" }, head),
      el("tbody", { role: "rowgroup" }, ...body),
    ),
  );
}

function isEmpty(cell: Node | string): boolean {
  return typeof cell === "string" ? cell === "" : cell.textContent === "" && !(cell instanceof SVGElement);
}

/** A heading of a part of a page. */
export function section(title: string, ...children: readonly Child[]): HTMLElement {
  return el("section", {}, el("h2", {}, title), ...children);
}

function fill<T extends Element>(element: T, attributes: Attributes, children: readonly Child[]): T {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) {
      element.setAttribute(name, "");
    } else if (value !== undefined && value !== false) {
      element.setAttribute(name, String(value));
    }
  }
  element.append(...children.filter((child) => child !== undefined && child !== false));
  return element;
}
