// Takes the pictures of docs/report.md, of the reports of two samples, in the Chromium that the tests use: node scripts/make-report-images.ts
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { show, visit } from "../packages/replay/src/report/browser.suite.ts";
import { investigateSample } from "../packages/replay/src/report/investigate.suite.ts";
import { reportHtml } from "../packages/replay/src/report/write-report.ts";

const IMAGES = join(import.meta.dirname, "..", "docs", "images");
const PICTURES = [
  { sample: "attack", part: "overview", name: "report-overview", at: "h1" },
  { sample: "attack", part: "timeline", name: "report-timeline", at: "h1" },
  { sample: "lineage", part: "story-0", name: "report-story", at: ".graphbox" },
] as const;

const folder = mkdtempSync(join(tmpdir(), "auditsieve-images-"));
try {
  for (const { sample, part, name, at } of PICTURES) {
    const file = join(folder, `${sample}.html`);
    const { data } = await investigateSample(`${sample}.log.zst`);
    writeFileSync(file, reportHtml(data));
    const visited = await visit(file, { width: 1180 });
    await show(visited.page, part);
    await visited.page.evaluate(
      `scrollTo({ top: document.querySelector(${JSON.stringify(at)}).offsetTop - 120, behavior: "instant" })`,
    );
    await visited.page.screenshot({ path: join(IMAGES, `${name}.png`) });
    await visited.close();
  }
} finally {
  rmSync(folder, { recursive: true });
}
