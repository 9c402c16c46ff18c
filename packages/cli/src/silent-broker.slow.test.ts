import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ENVIRONMENT, MAIN, ROOT } from "./run-command.suite.ts";

test.each([
  ["as it is usually started", "-c", []],
  ["with options that are read by yargs alone", "--config", ["--watch-files", "3600"]],
])(
  "ingest %s ends with 3 soon after its drain though a broker takes connections and never says a word",
  async (_how, option, more) => {
    const folder = mkdtempSync(join(tmpdir(), "silent-broker-"));
    const held: Socket[] = [];
    const asked = Promise.withResolvers<void>();
    const broker = createServer((socket) => {
      held.push(socket.on("error", () => undefined));
      asked.resolve();
    });
    await new Promise<void>((resolve) => broker.listen(0, "127.0.0.1", resolve));
    const { port } = broker.address() as AddressInfo;
    writeFileSync(
      join(folder, "auditsieve.yaml"),
      `cluster: c
stateFolder: ${join(folder, "state")}
sources: [{ type: file, path: ${join(ROOT, "samples/small.log")} }]
sinks: [{ type: kafka, brokers: ["127.0.0.1:${port}"], topic: t, feed: all }]
limits: { drainMs: 200 }
`,
    );
    const args = [MAIN, "ingest", option, join(folder, "auditsieve.yaml"), ...more];
    const daemon = spawn(process.execPath, args, { cwd: ROOT, env: ENVIRONMENT, stdio: "ignore" });
    const ended = new Promise<number | null>((resolve) => daemon.once("close", resolve));
    await asked.promise;
    daemon.kill("SIGTERM");
    expect(await ended).toBe(3);
    held.forEach((socket) => socket.destroy());
    broker.close();
    rmSync(folder, { recursive: true });
  },
  60_000,
);
