import { createRequire } from "node:module";
import { open, rm } from "node:fs/promises";
import { makeReport } from "@auditsieve/replay";
import type { ReplayLog, ReportOptions } from "@auditsieve/replay";
import { Failure } from "../failure.ts";
import { checkOutputFile } from "../output-file.ts";
import { say } from "../output.ts";
import { bytesText } from "../table.ts";
import { writeFailure } from "../write-failure.ts";
import { safeText } from "@auditsieve/detect";

/** Only its owner: a report says where a cluster is weak. */
const OWNER_ONLY = 0o600;

/** Throws before the logs are read if no report can be made of them. */
export function checkReport(file: string, logs: readonly ReplayLog[]): void {
  const passing = logs.find(({ isRepeatable }) => isRepeatable === false);
  if (passing !== undefined) {
    throw new Failure(
      `Cannot write "${file}": a report reads the logs twice, and ${passing.name} cannot be read again`,
      {
        hint: "Save the log to a file first, and name that",
      },
    );
  }
  checkOutputFile(
    "--html",
    file,
    logs.map(({ name }) => name),
  );
}

/** Makes the report and writes it, so that only its owner may read it. */
export async function writeReport(file: string, options: Omit<ReportOptions, "tool" | "madeAt">): Promise<void> {
  const { version } = createRequire(import.meta.url)("../../package.json") as { readonly version: string };
  const html = await makeReport({ ...options, tool: version, madeAt: new Date() });
  await writeForOwner(file, html).catch((error: unknown) => {
    throw writeFailure(`the report to "${file}"`, error);
  });
  say(`auditsieve: wrote the report to ${safeText(file, 500)} (${bytesText(html.length)}); open it in a browser`);
}

/** Also where an older file stands that others may read. Half a report would look like a whole one: it is taken away. */
async function writeForOwner(file: string, bytes: Buffer): Promise<void> {
  await using handle = await open(file, "w", OWNER_ONLY);
  const isFile = (await handle.stat()).isFile();
  if (isFile) {
    await handle.chmod(OWNER_ONLY);
  }
  await handle.writeFile(bytes).catch(async (error: unknown) => {
    if (isFile) {
      await handle.truncate().catch(() => {});
      await rm(file, { force: true }).catch(() => {});
    }
    throw error;
  });
}
