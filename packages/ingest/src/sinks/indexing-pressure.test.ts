import { expect, test } from "vitest";
import { isOverTheServersLimit } from "./indexing-pressure.ts";

test.each([
  // Elasticsearch 9.5.3 with a heap of 512 MB, of one document of 12 MB, with nothing else to do.
  [
    "rejected execution of primary operation [coordinating_and_primary_bytes=12000742, replica_bytes=0, all_bytes=12000742, primary_operation_bytes=48002360, max_primary_bytes=53687091]",
    12_001_100,
    true,
  ],
  // The same document, while others are under way.
  [
    "rejected execution of primary operation [coordinating_and_primary_bytes=42000742, replica_bytes=0, all_bytes=42000742, primary_operation_bytes=48002360, max_primary_bytes=53687091]",
    12_001_100,
    false,
  ],
  [
    "rejected execution of coordinating operation [coordinating_and_primary_bytes=0, replica_bytes=0, all_bytes=0, coordinating_operation_bytes=60000000, max_coordinating_and_primary_bytes=53687091]",
    60_000_000,
    true,
  ],
  // Whatever is under way before a request is coordinated is not its own.
  [
    "rejected execution of coordinating operation [coordinating_and_primary_bytes=9000000, replica_bytes=0, all_bytes=9000000, coordinating_operation_bytes=50000000, max_coordinating_bytes=53687091]",
    50_000_000,
    false,
  ],
  [
    "rejected execution of org.elasticsearch.transport.X on EsThreadPoolExecutor[name = write, queue capacity = 2]",
    1,
    false,
  ],
  ["", 1, false],
])("isOverTheServersLimit tells a server that is too small from a busy one: %#", (reason, requestBytes, expected) => {
  expect(isOverTheServersLimit(reason, requestBytes)).toBe(expected);
});
