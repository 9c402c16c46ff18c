import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { auditsieveHere as auditsieve } from "../run-in-process.suite.ts";

const folder = mkdtempSync(join(tmpdir(), "auditsieve-html-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A loaded machine may take its time. */
const LOADED = 120_000;

describe("replay --html", () => {
  test(
    "replay --html writes a report that only its owner may read, beside the usual output",
    async () => {
      const file = join(folder, "report.html");
      writeFileSync(file, "an older one, which all may read", { mode: 0o644 });
      const { code, stdout, stderr } = await auditsieve([
        "replay",
        "samples/small.log",
        "--html",
        file,
        "--output",
        "ndjson",
      ]);
      expect(code).toBe(0);
      expect(stdout.split("\n")[0]).toMatch(/^\{"id":/);
      expect(stderr).toContain(`wrote the report to ${file}`);
      expect(statSync(file).mode & 0o777).toBe(0o600);
      const html = readFileSync(file, "utf8");
      expect(html).toContain("default-src 'none'");
      expect(html).toContain("ops-carol");
    },
    LOADED,
  );

  test(
    "replay --html refuses standard input before it reads, and says what to do",
    async () => {
      const { code, stderr } = await auditsieve(["replay", "-", "--html", join(folder, "no.html")], "");
      expect(code).toBe(2);
      expect(stderr).toContain("standard input cannot be read again");
      expect(stderr).toContain("hint: Save the log to a file first");
    },
    LOADED,
  );

  test(
    "no command writes what it makes over a log that it reads, whatever name leads to it",
    async () => {
      const log = join(folder, "evidence.log");
      cpSync("samples/small.log", log);
      const [link, other] = [join(folder, "link.html"), join(folder, "..", basename(folder), "evidence.log")];
      symlinkSync(log, link);
      const codes: (number | null)[] = [];
      for (const args of [
        ["replay", log, "--html", link],
        ["replay", folder, "--html", other],
        ["replay", log, "--seal", other],
        ["query", "SELECT 1", log, "--parquet", link],
        ["filter", log, "--summary", other],
        ["filter", log, "--findings", link],
      ]) {
        const { code, stdout, stderr } = await auditsieve(args);
        expect(stderr).toContain("which would be lost");
        expect(stdout).toBe("");
        codes.push(code);
      }
      expect(codes).toEqual([2, 2, 2, 2, 2, 2]);
      expect(readFileSync(log)).toEqual(readFileSync("samples/small.log"));
    },
    LOADED,
  );

  test(
    "replay --html says where it cannot write",
    async () => {
      const { code, stderr } = await auditsieve([
        "replay",
        "samples/small.log",
        "--html",
        join(folder, "none", "x.html"),
      ]);
      expect(code).toBe(2);
      expect(stderr).toMatch(/Cannot write --html to ".*": there is no folder/);
      expect(stderr).not.toContain("findings");
    },
    LOADED,
  );

  test(
    "replay --stories prints who stands out, the links of each chain and where it ends",
    async () => {
      const { code, stdout } = await auditsieve(["replay", "samples/small.log", "--stories"]);
      expect(code).toBe(0);
      expect(stdout).toMatch(/^\d+ identities stand out in \d+ findings/);
      expect(stdout).toMatch(/\n +\d+ +ops-carol /);
      expect(stdout).toContain("Story 1: ");
      expect(stdout).toMatch(/ends at ops-carol: ops-carol came with a client certificate/);
    },
    LOADED,
  );

  test(
    "replay --stories gives scripts the same as JSON, and refuses other forms before it reads",
    async () => {
      const args = ["replay", "samples/small.log", "--stories", "--output"];
      const [json, lines, csv] = await Promise.all(
        ["json", "ndjson", "csv"].map((output) => auditsieve([...args, output])),
      );
      const told = JSON.parse(json?.stdout ?? "") as {
        readonly identities: readonly { readonly name: string; readonly reasons: readonly string[] }[];
        readonly stories: readonly {
          readonly ends: readonly unknown[];
          readonly steps: readonly object[];
          readonly links: readonly { readonly text: string; readonly auditIDs?: readonly string[] }[];
        }[];
      };
      expect(told.identities.find(({ name }) => name === "ops-carol")?.reasons.length).toBeGreaterThan(0);
      expect(told.stories[0]?.ends.length).toBeGreaterThan(0);
      expect(told.stories[0]?.steps[0]).toMatchObject({ time: expect.any(String), text: expect.any(String) });
      const links = told.stories.flatMap((story) => story.links);
      const log = readFileSync("samples/small.log", "utf8");
      expect(links.length).toBeGreaterThan(0);
      for (const { auditIDs } of links) {
        expect(log).toContain(`"auditID":"${auditIDs?.[0]}"`);
      }
      expect(lines?.stdout).toBe(told.stories.map((story) => `${JSON.stringify(story)}\n`).join(""));
      expect([csv?.code, csv?.stderr]).toEqual([
        2,
        "auditsieve: Cannot print stories as csv\n  hint: Use one of table, json, ndjson\n",
      ]);
    },
    LOADED,
  );
});
