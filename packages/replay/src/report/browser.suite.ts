import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { chromium } from "playwright-core";
import type { BrowserContext, Page } from "playwright-core";

const CHROMIUM = "/usr/bin/chromium";
/** Debian's build, without anything that would talk to somebody. */
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A page in a real browser, with all that went wrong in it and all that it asked for. */
export interface Visit {
  readonly page: Page;
  /** Script errors, refusals of the content security policy, messages of the console. */
  readonly complaints: readonly string[];
  /** URLs that were asked for, the file itself left out. */
  readonly requests: readonly string[];
  close(): Promise<void>;
}

/** Opens a file in Chromium, with an empty profile. */
export async function visit(
  file: string,
  options: { readonly colorScheme?: "light" | "dark"; readonly width?: number } = {},
): Promise<Visit> {
  if (!existsSync(CHROMIUM)) {
    throw new Error(`Cannot open a report: there is no ${CHROMIUM}; install Debian's chromium (.ci/run does)`);
  }
  const profile = mkdtempSync(join(tmpdir(), "auditsieve-chromium-"));
  const context: BrowserContext = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM,
    headless: true,
    args: FLAGS,
    viewport: { width: options.width ?? 1360, height: 900 },
    colorScheme: options.colorScheme ?? "light",
    timeout: 120_000,
  });
  const page = context.pages()[0] ?? (await context.newPage());
  page.setDefaultTimeout(60_000);
  const complaints: string[] = [];
  const requests: string[] = [];
  page.on("pageerror", (error) => complaints.push(`error: ${error.message}`));
  page.on("console", (message) => complaints.push(`${message.type()}: ${message.text()}`));
  page.on("dialog", (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(`file://${file}`)) {
      requests.push(request.url());
    }
  });
  await page.goto(`file://${file}`);
  await page.waitForSelector("h1");
  return {
    page,
    complaints,
    requests,
    close: async () => {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

/** Goes to a part of the report, and returns when it is drawn. */
export async function show(page: Page, part: string): Promise<void> {
  const hash = `#${part}`;
  if ((await page.evaluate("location.hash")) !== hash) {
    await moving(page, () => page.evaluate(`location.hash = ${JSON.stringify(hash)}`));
  }
}

/** Does what leads to another part, and returns when it is drawn: the page's own listener came before this one. */
export async function moving(page: Page, act: () => Promise<unknown>): Promise<void> {
  await page.evaluate(
    "void (window.moved = new Promise((resolve) => addEventListener('hashchange', () => resolve(), { once: true })))",
  );
  await act();
  await page.evaluate("window.moved");
}

/** Looks until an expression holds. Playwright's own way evaluates in the page, whose policy refuses it from the second look on. */
export async function until(page: Page, expression: string): Promise<void> {
  const end = performance.now() + 60_000;
  while ((await page.evaluate(`Boolean(${expression})`)) !== true) {
    if (performance.now() > end) {
      throw new Error(`The page did not come to ${expression} in a minute`);
    }
    await sleep(20);
  }
}
