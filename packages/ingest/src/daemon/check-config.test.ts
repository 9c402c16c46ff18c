import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { checkConfig } from "./check-config.ts";
import { daemonFixture, soundConfig } from "./daemon-fixture.suite.ts";

const fixture = daemonFixture();
let servers: Server[] = [];
let held: Socket[] = [];
afterEach(() => {
  held.forEach((socket) => socket.destroy());
  servers.forEach((server) => server.close());
  [servers, held] = [[], []];
});

/** A server that takes connections and says nothing; `onAsked` is called once, when something was sent to it. */
async function silentServer(onAsked: () => void): Promise<number> {
  const asked = Promise.withResolvers<void>();
  const server = createServer((socket) => {
    held.push(socket.on("error", () => undefined).on("data", () => asked.resolve()));
  });
  servers.push(server);
  void asked.promise.then(onAsked);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

describe("checkConfig", () => {
  test("asks all servers at once, and says of each that does not answer in time", async () => {
    const patience = new AbortController();
    let left = 3;
    // Were one asked after the other, the second would never be.
    const onAsked = (): void => void (--left === 0 && patience.abort());
    const [elasticsearch, out, source] = [
      await silentServer(onAsked),
      await silentServer(onAsked),
      await silentServer(onAsked),
    ];
    const config = soundConfig(`cluster: test
stateFolder: ${join(fixture.folder, "state")}
sources: [{ type: kafka, brokers: ["127.0.0.1:${source}"], topic: audit, detectionState: folder }]
sinks:
  - { type: elasticsearch, node: "http://127.0.0.1:${elasticsearch}", feed: all }
  - { type: kafka, brokers: ["127.0.0.1:${out}"], topic: out, feed: all }
`);
    expect(await checkConfig(config, () => undefined, patience.signal)).toMatchObject([
      {
        id: "check-source",
        path: "sources[0]",
        severity: "error",
        message: 'Cannot use Kafka: it has not answered within 10 s (source "kafka")',
      },
      { id: "check-sink", path: "sinks[0]", message: expect.stringContaining("Cannot use Elasticsearch") as string },
      { id: "check-sink", path: "sinks[1]", message: expect.stringContaining("Cannot use Kafka") as string },
    ]);
  });
});
