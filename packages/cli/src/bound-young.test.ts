import { expect, test } from "vitest";
import { boundYoung } from "./bound-young.ts";

test("boundYoung stops the growth of the room for new objects once, when it has grown to 8 MB", () => {
  let bytes = 1024 * 1024;
  let stopped = 0;
  const look = boundYoung({ bytes: () => bytes, stopGrowing: () => stopped++ });
  const lookOften = (): number => {
    Array.from({ length: 100 }).forEach(look);
    return stopped;
  };
  look();
  expect(stopped).toBe(0);
  bytes = 8 * 1024 * 1024;
  look();
  expect(stopped).toBe(1);
  bytes = 64 * 1024 * 1024;
  expect(lookOften()).toBe(1);
});
