import { createHash } from "node:crypto";
import { PAGE_SCRIPT, PAGE_STYLE } from "./page-source.ts";
import type { ReportData } from "./report-data.ts";

/**
 * The report as one HTML file. It loads nothing: its content security policy lets its own script and style run, by their hashes,
 * and nothing else; the data stands in it as JSON and is only ever shown as text.
 */
export function reportHtml(data: ReportData): Buffer {
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(PAGE_SCRIPT)}'`,
    `style-src '${hashOf(PAGE_STYLE)}'`,
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; ");
  const before = [
    "<!doctype html>",
    '<html lang="en">',
    "<head>",
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="color-scheme" content="light dark">',
    '<meta name="referrer" content="no-referrer">',
    "<title>auditsieve report</title>",
    `<style>${PAGE_STYLE}</style>`,
    "</head>",
    "<body>",
    '<div id="app"><noscript>This report is drawn by the script in this file: open it in a browser with scripts allowed. The script loads nothing.</noscript></div>',
    '<script type="application/json" id="data">',
  ];
  const behind = ["</script>", `<script>${PAGE_SCRIPT}</script>`, "</body>", "</html>", ""];
  const texts = [before.join("\n"), ...embed(data), behind.join("\n")];
  return Buffer.concat(texts.map((text) => Buffer.from(text)));
}

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

/**
 * JSON that no HTML parser takes for markup: every < is an escape. In pieces: one letter that needs two bytes makes V8 hold the whole text
 * with two bytes a letter, which takes twice as long to write.
 */
function* embed(data: ReportData): Generator<string, void> {
  let separator = "{";
  for (const [name, value] of Object.entries(data) as readonly (readonly [string, ReportData[keyof ReportData]])[]) {
    yield `${separator}${JSON.stringify(name)}:`;
    separator = ",";
    yield* Array.isArray(value) ? members(value) : [escaped(value)];
  }
  yield "}";
}

function* members(values: readonly unknown[]): Generator<string, void> {
  let separator = "[";
  for (const value of values) {
    yield separator + escaped(value);
    separator = ",";
  }
  yield values.length === 0 ? "[]" : "]";
}

function escaped(value: unknown): string {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}
