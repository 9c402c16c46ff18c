import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventAt, logOf } from "../replay-fixtures.suite.ts";
import { moving, show, until, visit } from "./browser.suite.ts";
import type { Visit } from "./browser.suite.ts";
import { investigate, investigateSample, linesOf } from "./investigate.suite.ts";
import { reportHtml } from "./write-report.ts";

const PARTS = [
  "overview",
  "stories",
  "story-0",
  "timeline",
  "matrix",
  "actors",
  "actor-0",
  "objects",
  "object-0",
  "rbac",
  "print",
];
const folder = mkdtempSync(join(tmpdir(), "auditsieve-report-"));
const files = {
  attack: join(folder, "attack.html"),
  lineage: join(folder, "lineage.html"),
  hostile: join(folder, "hostile.html"),
};

beforeAll(async () => {
  writeFileSync(files.attack, reportHtml((await investigateSample("attack.log.zst")).data));
  writeFileSync(files.lineage, reportHtml((await investigateSample("lineage.log.zst")).data));
  writeFileSync(files.hostile, reportHtml((await investigate([logOf(HOSTILE, hostileLog())])).data));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Markup, a URL of a script, what hides itself and what would end the element. */
const HOSTILE = `"><img src=x onerror="window.hit=1"><script>window.hit=2</script></script><svg onload="window.hit=3">\u202ejs:alert(1)`;

function hostileLog(): string {
  const body = { kind: "ClusterRoleBinding", metadata: { name: HOSTILE, annotations: { [HOSTILE]: HOSTILE } } };
  const binding = {
    resource: "clusterrolebindings",
    apiGroup: "rbac.authorization.k8s.io",
    apiVersion: "v1",
    name: HOSTILE,
  };
  const more = {
    user: {
      username: HOSTILE,
      groups: [HOSTILE, "system:masters"],
      extra: { "authentication.kubernetes.io/credential-id": [HOSTILE] },
    },
    userAgent: HOSTILE,
    sourceIPs: [HOSTILE, "127.0.0.1"],
    auditID: HOSTILE,
  };
  return linesOf([
    eventAt(0, {
      ...more,
      verb: "list",
      objectRef: { resource: "secrets", apiVersion: "v1" },
      responseStatus: { code: 403, message: HOSTILE },
    }),
    ...["cluster-admin", HOSTILE].map((role, i) =>
      eventAt(1_000 * (i + 1), {
        ...more,
        level: "RequestResponse",
        verb: i === 0 ? "create" : "update",
        objectRef: binding,
        responseStatus: { code: 201 },
        requestObject: {
          ...body,
          roleRef: { kind: "ClusterRole", name: role },
          subjects: [{ kind: "User", name: HOSTILE }],
        },
        responseObject: {
          ...body,
          roleRef: { kind: "ClusterRole", name: role },
          subjects: [{ kind: "User", name: HOSTILE }],
        },
        annotations: {
          "authorization.k8s.io/reason": `RBAC: allowed by ClusterRoleBinding "${HOSTILE}" of ClusterRole "x" to User "y"`,
        },
      }),
    ),
    eventAt(5_000, {
      ...more,
      requestURI: `/api/v1/namespaces/shop/pods/${HOSTILE}/exec?command=${HOSTILE}`,
      verb: "get",
      objectRef: { resource: "pods", subresource: "exec", namespace: HOSTILE, name: HOSTILE, apiVersion: "v1" },
      responseStatus: { code: 101 },
    }),
  ]);
}

/** Runs `look` on a file, and takes its visit away whatever happens. */
async function visiting(
  file: string,
  look: (visit: Visit) => Promise<void>,
  options: Parameters<typeof visit>[1] = {},
): Promise<void> {
  const visited = await visit(file, options);
  try {
    await look(visited);
  } finally {
    await visited.close();
  }
}

const text = (page: Page, selector = "main"): Promise<string> => page.locator(selector).first().innerText();

describe.each(["attack", "lineage", "hostile"] as const)("the report of the %s log in Chromium", (name) => {
  test("no part has a script error, breaks its policy or asks for anything", () =>
    visiting(files[name], async ({ page, complaints, requests }) => {
      for (const part of PARTS) {
        await show(page, part);
        expect((await text(page)).length, part).toBeGreaterThan(20);
        expect(await page.locator("main h1").first().isVisible(), part).toBe(true);
      }
      expect(complaints).toEqual([]);
      expect(requests).toEqual([]);
    }));

  test.each(["light", "dark"] as const)("words can be read in %s", (colorScheme) =>
    visiting(
      files[name],
      async ({ page }) => {
        for (const part of ["overview", "timeline", "story-0", "actor-0", "matrix"]) {
          await show(page, part);
          expect(await page.evaluate(POOR_CONTRAST), part).toEqual([]);
        }
      },
      { colorScheme },
    ),
  );
});

describe("the report's page", () => {
  test("hostile names stay text", () =>
    visiting(files.hostile, async ({ page }) => {
      for (const part of PARTS) {
        await show(page, part);
        expect(
          await page.evaluate(
            "[window.hit, document.querySelectorAll('img, iframe, object, main script, main style').length]",
          ),
          part,
        ).toEqual([undefined, 0]);
      }
      await show(page, "actors");
      expect(await text(page)).toContain("<img src=x onerror=");
      expect(await page.evaluate("document.documentElement.innerText.includes('\\u202e')")).toBe(false);
      await show(page, "timeline");
      await page.locator("button.evidence").first().click();
      expect(await text(page, "dialog pre")).toContain("onerror");
      expect(await page.evaluate("window.hit")).toBeUndefined();
    }));

  test("the content security policy holds against what would get past the page", () =>
    visiting(files.attack, async ({ page }) => {
      const tried = await page.evaluate(`(async () => {
        const refused = [];
        addEventListener("securitypolicyviolation", (event) => refused.push(event.effectiveDirective));
        const attempt = async (act) => { try { await act(); return "done"; } catch { return "refused"; } };
        const answers = [
          await attempt(() => { document.body.innerHTML = "<b>x</b>"; }),
          await new Promise((resolve) => setTimeout(() => resolve(attempt(() => (0, eval)("1"))), 0)),
          await attempt(() => fetch("http://127.0.0.1:9/")),
          await attempt(() => { const script = document.createElement("script"); script.text = "window.hit = 1"; document.body.append(script); if (window.hit !== 1) throw new Error(); }),
        ];
        const image = new Image(); image.src = "http://127.0.0.1:9/x.png"; document.body.append(image);
        const style = document.createElement("style"); style.textContent = "body { display: none }"; document.head.append(style);
        await new Promise((resolve) => setTimeout(resolve, 300));
        return { answers, refused: [...new Set(refused)].sort(), isShown: getComputedStyle(document.body).display !== "none" };
      })()`);
      expect(tried).toEqual({
        answers: ["refused", "refused", "refused", "refused"],
        refused: expect.arrayContaining(["connect-src", "img-src", "style-src-elem"]),
        isShown: true,
      });
    }));

  test("a newcomer finds the compromised service account and its origin in the attack log", () =>
    visiting(files.attack, async ({ page }) => {
      const first = page.locator(".card").first();
      expect(await first.innerText()).toMatch(
        /shop:web[\s\S]*kubernetes-admin asked for a token of service account shop\/web/,
      );
      expect(await first.innerText()).toContain(
        "ops-carol bound ClusterRole cluster-admin by ClusterRoleBinding web-cluster-admin",
      );
      await first.getByText("asked for a token of service account shop/web").locator("button").click();
      expect(await text(page, "dialog pre")).toContain("/api/v1/namespaces/shop/serviceaccounts/web/token");
      expect(await text(page, "dialog pre")).toContain("redacted:");
    }));

  test("a newcomer finds the way from the foothold to the certificate in the lineage run", () =>
    visiting(files.lineage, async ({ page }) => {
      await moving(page, () => page.locator(".card h3 a").first().click());
      const story = await text(page);
      const way = [
        "dev-dana",
        "image-cache",
        "shop:deployer",
        "kube-system:backup-operator",
        "node-telemetry-7f",
        "ops-shadow",
      ];
      const places = way.map((word) => story.indexOf(word));
      expect(places.every((place) => place >= 0)).toBe(true);
      expect(await page.locator("svg.graph a").count()).toBeGreaterThan(5);
      expect(story).toContain("Where the chains end, and why");
      expect(story).toContain("dev-dana came with a client certificate that no signing request in this log explains");
    }));

  test("the timeline filters by severity, words, identity, technique and range", () =>
    visiting(files.attack, async ({ page }) => {
      await show(page, "timeline");
      const found = async (): Promise<number> =>
        Number(/^([\d,]+)/.exec(await text(page, ".found"))?.[1]?.replaceAll(",", ""));
      const all = await found();
      await page.locator("input[type=checkbox][value=low]").uncheck();
      const withoutLow = await found();
      expect(withoutLow).toBeLessThan(all);
      await page.locator("#search").fill("secrets");
      const secrets = await found();
      expect(secrets).toBeLessThan(withoutLow);
      expect(secrets).toBeGreaterThan(0);
      await page.getByLabel("Identity").selectOption({ index: 1 });
      expect(await found()).toBeLessThan(secrets);
      await show(page, "matrix");
      await moving(page, () => page.locator("a.technique", { hasText: "T1611" }).first().click());
      const escapes = await found();
      expect(escapes).toBeGreaterThan(0);
      expect(await page.locator("tbody tr").count()).toBe(escapes);
      await show(page, "timeline");
      await page.getByRole("button", { name: "Zoom in" }).click();
      await page.getByRole("button", { name: "Zoom in" }).click();
      expect(await found()).toBeLessThan(all);
      await page.getByRole("button", { name: "Whole log" }).click();
      expect(await found()).toBe(all);
      const box = await page.locator("svg.chart").boundingBox();
      if (box === null) {
        throw new Error("There is no chart");
      }
      await page.mouse.move(box.x + box.width * 0.5, box.y + 30);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width * 0.7, box.y + 30, { steps: 4 });
      await page.mouse.up();
      expect(await found()).toBeLessThan(all);
      await page.locator("svg.chart").focus();
      await page.keyboard.press("0");
      expect(await found()).toBe(all);
      await page.keyboard.press("+");
      expect(await found()).toBeLessThan(all);
    }));

  test("RBAC changes with the time that is chosen", () =>
    visiting(files.attack, async ({ page }) => {
      await show(page, "rbac");
      const slider = page.locator("#rbac-time");
      const last = await page.locator("tbody tr").count();
      await slider.focus();
      await page.keyboard.press("Home");
      expect(await page.locator("tbody tr").count()).toBeLessThan(last);
      expect(await slider.getAttribute("aria-valuetext")).toMatch(/^2026-/);
    }));

  test("roles and bindings stand in tables of their own, in which no column is empty", () =>
    visiting(files.attack, async ({ page }) => {
      await show(page, "rbac");
      expect(await page.evaluate(EMPTY_COLUMNS)).toEqual([
        ["Bindings, the last written first", []],
        ["Roles, the last written first", []],
      ]);
    }));

  test("links into one box end apart, and times in sentences are written as in tables", () =>
    visiting(files.attack, async ({ page }) => {
      await show(page, "story-0");
      const ends = await page.evaluate<readonly string[]>(ENDS_OF_LINKS);
      expect(ends.length).toBeGreaterThan(2);
      expect(new Set(ends).size).toBe(ends.length);
      for (const part of ["overview", "story-0", "actor-0"]) {
        await show(page, part);
        expect(await text(page), part).not.toMatch(/T\d\d:\d\d:\d\d/);
      }
    }));

  test("RBAC, identities and objects are searched by all words in any column, and say how many are shown", () =>
    visiting(files.attack, async ({ page, complaints }) => {
      for (const [part, field, words, wanted] of [
        ["rbac", "#rbac-search", "CI/ci-bot edit", "ci-bot-edit"],
        ["actors", "#actor-search", "shop:w", "shop:web"],
        ["objects", "#object-search", "ops-carol web-cluster", "web-cluster-admin"],
      ] as const) {
        await show(page, part);
        const all = await page.locator("tbody tr").count();
        await page.locator(field).focus();
        await page.keyboard.type(words);
        expect([part, await page.locator("tbody tr").count()]).toEqual([part, 1]);
        expect(await page.locator("tbody tr").innerText()).toContain(wanted);
        expect(await page.locator("[role=status]").innerText()).toMatch(new RegExp(`1 of ${all}\\b`));
        await page.locator(field).fill("no such thing <b>");
        expect(await page.locator("tbody tr").count()).toBe(0);
        await page.locator(field).fill("");
        expect(await page.locator("tbody tr").count()).toBe(all);
      }
      await show(page, "rbac");
      // Eight rules are shown: the one that is asked for stands among them.
      await page.locator("#rbac-search").fill("clusterroles admin rolebindings");
      const rows = page.locator("tbody tr").filter({ hasText: "clusterroles admin" });
      expect(await rows.first().innerText()).toMatch(/clusterroles admin[^]*rolebindings/);
      await page.locator("#rbac-search").fill("ci-bot-edit");
      await page.locator("#rbac-time").focus();
      await page.keyboard.press("Home");
      expect(await page.locator("tbody tr").count()).toBe(0);
      expect(complaints).toEqual([]);
    }));

  test("everything works by keyboard alone, and the focus goes where it should", () =>
    visiting(files.attack, async ({ page }) => {
      const focused = (): Promise<unknown> => page.evaluate("document.activeElement?.innerText ?? ''");
      await page.keyboard.press("Tab");
      expect(await focused()).toBe("To the content");
      await page.keyboard.press("Enter");
      await until(page, "document.activeElement?.tagName === 'H1'");
      await page.locator("nav a").nth(1).focus();
      await page.keyboard.press("Enter");
      await until(page, "document.activeElement?.innerText === 'Stories'");
      await show(page, "timeline");
      const button = page.locator("button.evidence").first();
      await button.focus();
      await page.keyboard.press("Enter");
      expect(await page.evaluate("document.activeElement.closest('dialog') !== null")).toBe(true);
      await page.keyboard.press("Escape");
      await until(page, "document.querySelector('dialog') === null");
      expect(await page.evaluate("document.activeElement.className")).toBe("evidence");
      await moving(page, () => page.goBack());
      expect(await text(page, "h1")).toBe("Stories");
    }));

  test("what cannot be seen is said: names of buttons, tables, pictures; one heading a page", () =>
    visiting(files.lineage, async ({ page }) => {
      for (const part of PARTS.filter((each) => each !== "print")) {
        await show(page, part);
        expect(await page.evaluate(UNNAMED), part).toEqual([]);
        expect(await page.locator("h1").count(), part).toBe(1);
        expect(await page.title()).toMatch(/ - auditsieve$/);
      }
      expect(await page.locator("html").getAttribute("lang")).toBe("en");
    }));

  test.each([390, 700, 1360])(
    "what the chart says can be read on a screen of %i pixels, and nothing stands on its names",
    (width) =>
      visiting(
        files.attack,
        async ({ page }) => {
          for (const part of ["overview", "timeline"]) {
            await show(page, part);
            await until(page, "document.querySelector('svg.chart') !== null");
            expect(await page.evaluate(SMALL_LABELS), part).toEqual([]);
          }
          await page.setViewportSize({ width: width === 390 ? 1100 : 390, height: 900 });
          await until(
            page,
            "document.querySelector('svg.chart').viewBox.baseVal.width === Math.round(document.querySelector('svg.chart').getBoundingClientRect().width)",
          );
          expect(await page.evaluate(SMALL_LABELS)).toEqual([]);
          const found = await text(page, ".found");
          const box = await page.locator("svg.chart").boundingBox();
          const [left, span] = [
            (box?.x ?? 0) + (width === 390 ? 210 : 0),
            (box?.width ?? 0) - (width === 390 ? 210 : 0),
          ];
          await page.mouse.move(left + span * 0.5, (box?.y ?? 0) + 30);
          await page.mouse.down();
          await page.mouse.move(left + span * 0.9, (box?.y ?? 0) + 30, { steps: 4 });
          await page.mouse.up();
          expect(await text(page, ".found")).not.toBe(found);
        },
        { width },
      ),
  );

  test.each(["light", "dark"] as const)(
    "a narrow screen shows RBAC row by row, each value with its column's name, in %s",
    (colorScheme) =>
      visiting(
        files.attack,
        async ({ page }) => {
          for (const part of ["rbac", "timeline", "actors", "objects"]) {
            await show(page, part);
            expect(
              await page.evaluate(
                "document.querySelector('.scroll').scrollWidth <= document.querySelector('.scroll').clientWidth",
              ),
              part,
            ).toBe(true);
            expect(await page.getByRole("row").count(), part).toBeGreaterThan(3);
            expect(await page.getByRole("columnheader").count(), part).toBeGreaterThan(2);
            expect(await page.evaluate(POOR_CONTRAST), part).toEqual([]);
          }
          await show(page, "rbac");
          const row = page.locator("tbody tr", { hasText: "all-powerful" }).first();
          expect(await row.locator("[data-column=Rules]").innerText()).toContain("*: * of *");
          expect((await row.boundingBox())?.height).toBeLessThan(160);
        },
        { width: 390, colorScheme },
      ),
  );

  test("it fits a narrow screen", () =>
    visiting(
      files.attack,
      async ({ page }) => {
        for (const part of ["overview", "story-0", "timeline", "matrix", "actor-1", "object-0"]) {
          await show(page, part);
          expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), part).toBe(true);
        }
      },
      { width: 320 },
    ));

  test.each(["attack", "lineage"] as const)(
    "of %s everything fits on paper, nothing is folded, and evidence is told by the auditID",
    (name) =>
      visiting(
        files[name],
        async ({ page, complaints }) => {
          await show(page, "print");
          await page.emulateMedia({ media: "print" });
          await page.evaluate("dispatchEvent(new Event('beforeprint'))");
          expect(await page.locator("nav").isVisible()).toBe(false);
          expect(await page.locator("details:not([open])").count()).toBe(0);
          // A4 without its margins: what is wider than its place would be cut off.
          const wide = `Array.from(document.querySelectorAll(".scroll, .graphbox, figure, main"))
            .filter((each) => each.scrollWidth > each.clientWidth + 1).map((each) => each.ariaLabel ?? each.className)`;
          expect(await page.evaluate(wide)).toEqual([]);
          const said = page.locator(".evidence").first();
          const told = await said.getAttribute("data-audit-id");
          expect(told).toMatch(/^[0-9a-f]{8}$/);
          const printed = 'getComputedStyle(document.querySelector(".evidence"), "::after").content';
          expect(await page.evaluate(printed)).toBe(`"${told}"`);
          await page.emulateMedia({ media: "screen" });
          await said.click();
          await expect(page.locator("dialog pre").textContent()).resolves.toContain(`"auditID": "${told}`);
          await page.keyboard.press("Escape");
          expect((await page.pdf({ format: "A4" })).length).toBeGreaterThan(20_000);
          expect(complaints).toEqual([]);
        },
        { width: 700 },
      ),
  );

  test("a part that is printed by itself opens what is folded, too", () =>
    visiting(files.attack, async ({ page }) => {
      await show(page, "actors");
      await moving(page, () => page.locator("main").getByRole("link", { name: "kubernetes-admin" }).click());
      expect(await page.locator("details:not([open])").count()).toBeGreaterThan(0);
      await page.pdf({ format: "A4" });
      expect(await page.locator("details:not([open])").count()).toBe(0);
    }));
});

describe("a report of a log of many names", () => {
  test("stays bounded and opens", async () => {
    const { data } = await investigate([
      logOf("a.log", linesOf(Array.from({ length: 4_500 }, (_, i) => floodEvent(i)))),
    ]);
    expect(data.findings.length).toBeLessThanOrEqual(4_000);
    expect(data.findings.length + data.findingsLeftOut).toBeGreaterThanOrEqual(4_500);
    expect(data.actors.length).toBeLessThanOrEqual(200);
    expect(data.objects.length).toBeLessThanOrEqual(400);
    expect(data.log.limits.join()).toContain("raw events are not in this file");
    const file = join(folder, "flood.html");
    const html = reportHtml(data).toString();
    expect(html.length).toBeLessThan(25_000_000);
    writeFileSync(file, html);
    await visiting(file, async ({ page, complaints }) => {
      for (const part of PARTS) {
        await show(page, part);
      }
      expect(complaints).toEqual([]);
    });
  });
});

/** A privileged pod or a plain one by a user of its own: of each severity the findings' events have a room of their own. */
function floodEvent(i: number): unknown {
  // Either one is a finding, of another severity: as many events of each have room among the findings, and together not in the file.
  const isPrivileged = i % 2 === 0;
  const pod = {
    kind: "Pod",
    metadata: { name: `p-${i}`, namespace: `n-${i}`, uid: `u-${i}`, annotations: { long: "x".repeat(3_000) } },
    spec: {
      ...(isPrivileged && { hostPID: true }),
      containers: [
        {
          name: "c",
          image: isPrivileged ? "i:1" : "i",
          ...(isPrivileged && { securityContext: { privileged: true } }),
        },
      ],
    },
  };
  return eventAt(i, {
    auditID: `id-${i}`,
    verb: "create",
    level: "RequestResponse",
    requestURI: `/api/v1/namespaces/n-${i}/pods`,
    objectRef: { resource: "pods", namespace: `n-${i}`, name: `p-${i}`, apiVersion: "v1" },
    user: { username: `user-${i}`, groups: [] },
    userAgent: `agent-${i}`,
    responseStatus: { code: 201 },
    requestObject: pod,
    responseObject: pod,
  });
}

/** Labels of the chart that are drawn smaller than 11 pixels, cut off at an edge, or that a mark stands on. */
const SMALL_LABELS = `(() => {
  const chart = document.querySelector("svg.chart");
  const edge = chart.getBoundingClientRect();
  const marks = [...chart.querySelectorAll(".mark")].map((mark) => mark.getBoundingClientRect());
  return [...chart.querySelectorAll("text")].filter((label) => {
    const box = label.getBoundingClientRect();
    const size = parseFloat(getComputedStyle(label).fontSize) * (edge.width / chart.viewBox.baseVal.width);
    const isCovered = marks.some((mark) => mark.left < box.right - 1 && mark.right > box.left + 1 && mark.top < box.bottom - 3 && mark.bottom > box.top + 3);
    return size < 11 || box.left < edge.left - 1 || box.right > edge.right + 1 || isCovered;
  }).map((label) => label.textContent);
})()`;

/** Words with less contrast than WCAG AA asks for: 4.5, or 3 for large ones. */
const POOR_CONTRAST = `(() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = (colour) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => { for (let at = element; at !== null; at = at.parentElement) { const colour = rgb(getComputedStyle(at).backgroundColor); if (colour[3] > 0) return colour; } return [255, 255, 255]; };
  const poor = new Set();
  for (const element of document.querySelectorAll("main *, header *, footer")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== "");
    if (!own || element.closest("svg") !== null) continue;
    const style = getComputedStyle(element);
    const [a, b] = [light(rgb(style.color)), light(behind(element))].sort((x, y) => y - x);
    const least = parseFloat(style.fontSize) >= 24 ? 3 : 4.5;
    if ((a + 0.05) / (b + 0.05) < least) poor.add(element.tagName + "." + element.className + " " + ((a + 0.05) / (b + 0.05)).toFixed(2));
  }
  return [...poor];
})()`;

/** Controls, tables and pictures that a screen reader could not name. */
/** Of each table its name, and its columns without a word below their heads. */
const EMPTY_COLUMNS = `[...document.querySelectorAll("main table")].map((table) => [
  table.caption.textContent,
  [...table.tHead.rows[0].cells].flatMap((head, i) =>
    [...table.tBodies[0].rows].every((row) => row.cells[i].textContent.trim() === "") ? [head.textContent] : []),
])`;

const ENDS_OF_LINKS = `[...document.querySelectorAll("path.edge")].map((path) => path.getAttribute("d").split(" ").slice(-2).join(" "))`;

const UNNAMED = `(() => {
  const named = (element) => (element.getAttribute("aria-label") ?? element.getAttribute("aria-labelledby") ?? "") !== "" || element.innerText?.trim() !== "";
  const missing = [];
  for (const element of document.querySelectorAll("button, a")) if (!named(element) && element.querySelector("text") === null) missing.push(element.outerHTML);
  for (const input of document.querySelectorAll("input, select")) if (input.closest("label") === null && !input.hasAttribute("aria-label")) missing.push(input.outerHTML);
  for (const table of document.querySelectorAll("table")) if (table.caption === null) missing.push("table");
  for (const picture of document.querySelectorAll("svg[role]")) if (!picture.hasAttribute("aria-label")) missing.push("svg");
  return missing;
})()`;
