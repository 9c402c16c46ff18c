import { describe, expect, test } from "vitest";
import { notReady } from "./not-ready.ts";

describe("notReady", () => {
  const tail = { source: "audit", stalledSeconds: 0 };
  const hook = { source: "hook", stalledSeconds: 0, hasRoom: true };

  test("is empty while all goes on, and says that it is stopping", () => {
    expect(notReady([tail, hook], false)).toEqual([]);
    expect(notReady([tail], true)).toEqual(["stopping"]);
  });

  test("names a source whose sinks have taken nothing for over a minute", () => {
    expect(notReady([{ ...tail, stalledSeconds: 60 }], false)).toEqual([]);
    expect(notReady([{ ...tail, stalledSeconds: 61 }, hook], false)).toEqual([
      "source audit: no sink has taken anything for over a minute",
    ]);
  });

  test("of a source that others send to, it matters only whether it can take what they send", () => {
    // Unready, it would get nothing any more, and the apiserver repeats no refused connection.
    expect(notReady([{ ...hook, stalledSeconds: 3600 }], false)).toEqual([]);
    expect(notReady([{ ...hook, hasRoom: false }], false)).toEqual(["source hook: it has no room for what is sent"]);
  });
});
