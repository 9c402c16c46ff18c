import { describe, expect, test } from "vitest";
import { sampleDelivery, testSink } from "../sink.suite.ts";
import { createStdoutSink } from "./stdout.ts";

testSink("standard output", {
  prepare: async () => {
    const printed: string[] = [];
    return {
      create: () =>
        createStdoutSink({
          name: "stdout",
          write: async (bytes) => {
            await new Promise((resolve) => setImmediate(resolve));
            printed.push(bytes.toString());
          },
        }),
      stored: async () =>
        printed
          .join("")
          .split("\n")
          .filter((line) => line !== ""),
      isIdempotent: false,
      cleanUp: async () => undefined,
    };
  },
});

const signal = new AbortController().signal;

describe("standard output", () => {
  test("prints what its format makes of a delivery, and nothing of what it leaves out", async () => {
    const printed: string[] = [];
    const sink = createStdoutSink({
      name: "stdout",
      write: async (bytes) => void printed.push(bytes.toString()),
      format: ({ kind, id }) => (kind === "finding" ? `found ${id.length}` : undefined),
    });
    const results = await sink.write([sampleDelivery(1), sampleDelivery(2, "finding")], signal);
    expect(results).toHaveLength(2);
    expect(printed).toEqual(["found 32\n"]);
    await sink.write([sampleDelivery(1)], signal);
    expect(printed).toHaveLength(1);
  });

  test("says that nobody reads, and writes on when somebody does", async () => {
    let isOpen = false;
    const printed: string[] = [];
    const sink = createStdoutSink({
      name: "stdout",
      write: async (bytes) => {
        if (!isOpen) {
          throw new Error("EPIPE");
        }
        printed.push(bytes.toString());
      },
    });
    await expect(sink.write([sampleDelivery(1)], signal)).rejects.toThrow("EPIPE");
    isOpen = true;
    await sink.write([sampleDelivery(1)], signal);
    expect(printed).toHaveLength(1);
  });
});
