import { createHash } from "node:crypto";
import { PAGE_SCRIPT, PAGE_STYLE } from "./page-source.ts";
import type { ReportData } from "./report-data.ts";

/**
 * The report as one HTML file. It loads nothing: its content security policy lets its own script and style run, by their hashes,
 * and nothing else; the data stands in it as JSON and is only ever shown as text.
 */
export function reportHtml(data: ReportData): string {
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(PAGE_SCRIPT)}'`,
    `style-src '${hashOf(PAGE_STYLE)}'`,
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; ");
  return [
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
    `<script type="application/json" id="data">${embed(data)}</script>`,
    `<script>${PAGE_SCRIPT}</script>`,
    "</body>",
    "</html>",
    "",
  ].join("\n");
}

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

/** JSON that no HTML parser takes for markup: every < is an escape. */
function embed(data: ReportData): string {
  return JSON.stringify(data).replaceAll("<", "\\u003c");
}
