import { afterEach, describe, expect, test, vi } from "vitest";
import { stopSignal } from "./stop-signal.ts";

describe("stopSignal", () => {
  const exit = vi.spyOn(process, "exit").mockImplementation((() => undefined) as () => never);
  afterEach(() => exit.mockClear());

  test("takes copies of the first signal for one, and ends at once at a later one", () => {
    let now = 1000;
    const stop = stopSignal(() => now);
    expect(stop.signal.aborted).toBe(false);
    // A terminal and `timeout` send it to the whole group, and who has started the process passes it on.
    process.emit("SIGINT");
    now += 400;
    process.emit("SIGTERM");
    expect(stop.signal.aborted).toBe(true);
    expect(exit).not.toHaveBeenCalled();
    now += 200;
    process.emit("SIGINT");
    expect(exit).toHaveBeenCalledExactlyOnceWith(3);
    stop.release();
  });
});
