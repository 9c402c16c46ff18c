import { expect, test } from "vitest";
import { readStream } from "./elasticsearch-read.ts";

test("readStream of a server that cannot be reached says so, not that a right is missing", async () => {
  const config = { type: "elasticsearch", name: "search", feed: "findings", node: "http://127.0.0.1:1" } as const;
  await expect(readStream(config, "prod").next()).rejects.toMatchObject({
    message: expect.stringContaining('Cannot read "logs-kubernetes.audit_logs-default" at http://127.0.0.1:1 back'),
    hint: expect.stringContaining("Check host and port of node"),
  });
});
