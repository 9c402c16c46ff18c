import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Progress } from "./progress.ts";

const shown: string[] = [];

beforeEach(() => {
  shown.length = 0;
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.spyOn(process.stderr, "write").mockImplementation((text) => shown.push(String(text)) > 0);
});
const { isTTY } = process.stderr;
function setTerminal(value: boolean): void {
  Object.defineProperty(process.stderr, "isTTY", { value, configurable: true });
}
afterEach(() => {
  setTerminal(isTTY);
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("Progress", () => {
  test("Progress shows rate and time to go on a terminal, and takes its line away", () => {
    setTerminal(true);
    const progress = new Progress("replayed");
    progress.expect(100_000_000);
    vi.advanceTimersByTime(2000);
    progress.reached("a", 10_000_000);
    vi.advanceTimersByTime(2000);
    // Read again from its beginning, and another one begun.
    progress.reached("a", 5_000_000);
    vi.advanceTimersByTime(1000);
    progress.reached("b", 15_000_000);
    progress.finish();
    expect(shown).toEqual([
      "\r\u001b[2Kreplayed 10.0 MB of 100.0 MB, 0:18 to go, 5.0 MB/s",
      "\r\u001b[2Kreplayed 5.0 MB of 100.0 MB, 1:16 to go, 1.3 MB/s",
      "\r\u001b[2Kreplayed 20.0 MB of 100.0 MB, 0:20 to go, 4.0 MB/s",
      "\r\u001b[2K",
    ]);
  });

  test("Progress says nothing where nobody looks", () => {
    setTerminal(false);
    const progress = new Progress("replayed");
    vi.advanceTimersByTime(2000);
    progress.add(10_000_000);
    progress.finish();
    expect(shown).toEqual([]);
  });
});
