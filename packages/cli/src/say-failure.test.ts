import { IngestError } from "@auditsieve/ingest";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { EXIT } from "./exit-code.ts";
import { sayFailure } from "./say-failure.ts";

let said: string;
beforeEach(() => {
  said = "";
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    said += String(text);
    return true;
  });
});
afterEach(() => vi.restoreAllMocks());

test.each([
  ["state-in-use", EXIT.failed],
  ["address-in-use", EXIT.failed],
  ["unreadable", EXIT.unusable],
  ["checkpoint-version", EXIT.unusable],
] as const)(
  "says what %s is and what to do, and ends so that it is tried again only where that may help",
  (code, exit) => {
    expect(sayFailure(new IngestError(code, "Cannot do it\u001b[2J", { hint: "Do that" }))).toBe(exit);
    expect(said).toBe("auditsieve: Cannot do it\\u001b[2J\n  hint: Do that\n");
  },
);
