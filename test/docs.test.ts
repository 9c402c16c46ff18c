import { existsSync, globSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const PAGES = globSync("**/*.md", { cwd: ROOT, exclude: ["**/node_modules", "**/.cache", "out"] });

/** As GitHub makes it of a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, "")
    .trim()
    .replaceAll(" ", "-");
}

function read(page: string): string {
  return readFileSync(join(ROOT, page), "utf8");
}

function leadsNowhere(page: string, link: string): boolean {
  const [path = "", anchor] = link.split("#");
  const target = path === "" ? page : join(dirname(page), path);
  if (!existsSync(join(ROOT, target))) {
    return true;
  }
  const headings = anchor === undefined ? [] : [...read(target).matchAll(/^#+ (.*)$/gm)];
  return anchor !== undefined && !headings.some(([, heading = ""]) => anchorOf(heading) === anchor);
}

test("docs/README.md lists every page of docs", () => {
  const index = read("docs/README.md");
  const pages = PAGES.filter((page) => dirname(page) === "docs").map((page) => basename(page));
  expect(pages.length).toBeGreaterThan(40);
  expect(pages.filter((page) => page !== "README.md" && !index.includes(`](${page})`))).toEqual([]);
});

test("links in Markdown lead to a file, and to a heading of it", () => {
  const links = PAGES.flatMap((page) =>
    [...read(page).matchAll(/\]\((?![a-z]+:)([^)\s]+)\)/g)].map(([, link = ""]) => ({ page, link })),
  );
  expect(links.length).toBeGreaterThan(100);
  expect(links.filter(({ page, link }) => leadsNowhere(page, link))).toEqual([]);
});

test("sources name pages that are there", () => {
  const sources = globSync("packages/*/{src,assembly}/**/*.ts", { cwd: ROOT });
  const named = sources.flatMap((file) =>
    [...read(file).matchAll(/\b(?:docs|benchmarks|samples|profiles)\/[\w./-]+\.md\b/g)].map(([page]) => ({
      file,
      page,
    })),
  );
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter(({ page }) => !existsSync(join(ROOT, page)))).toEqual([]);
});
