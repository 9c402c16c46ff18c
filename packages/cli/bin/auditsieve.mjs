#!/usr/bin/env node
// Runs the command on a Node that can: this one where it is new enough, else the one that the workspace installs.
// Plain JavaScript without new syntax, because an old Node must be able to read it.
import { existsSync } from "node:fs";
import * as module from "node:module";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const WANTED = 24;
const here = dirname(fileURLToPath(import.meta.url));
const source = join(here, "..", "src", "main.ts");
const built = join(here, "..", "dist", "start.cjs");
const entry = existsSync(source) ? source : built;

if (Number.parseInt(process.versions.node, 10) >= WANTED) {
  if (entry === source) {
    // Sources are TypeScript: with their compiled form kept, a command starts in half the time.
    module.enableCompileCache?.(join(here, "..", "..", "..", "node_modules", ".cache", "auditsieve"));
  }
  await import(pathToFileURL(entry).href);
} else {
  const node = join(here, "..", "..", "..", "node_modules", ".bin", "node");
  if (!existsSync(node)) {
    process.stderr.write(
      `auditsieve: Cannot run on Node ${process.versions.node}: Node ${WANTED} or newer is needed\n` +
        "  hint: Install a newer Node; in a checkout of the project `npm start` installs one beside it\n",
    );
    process.exit(2);
  }
  const { spawn } = await import("node:child_process");
  const child = spawn(node, [entry, ...process.argv.slice(2)], { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => child.kill(signal));
  }
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
  });
}
