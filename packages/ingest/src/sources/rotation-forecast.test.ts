import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RotationForecast } from "./rotation-forecast.ts";
import type { Forecast } from "./rotation-forecast.ts";

/** Looks once a second at a log that grows and is rotated evenly, of which nothing is read from the first rotated file on. */
function simulate(life: {
  readonly growth: number;
  readonly size: number;
  readonly kept: number;
  readonly seconds: number;
}): {
  readonly forecasts: readonly Forecast[];
  /** Second in which the first rotated file is deleted. */
  readonly deletedAt: number;
} {
  const { growth, size, kept, seconds } = life;
  const forecast = new RotationForecast();
  forecast.kept = kept;
  forecast.rotatedBytes = size;
  const forecasts = Array.from({ length: seconds }, (_, second) => {
    const written = growth * second;
    const rotated = Math.floor(written / size);
    const unread = Array.from({ length: rotated }, (__, i) => ({ younger: rotated - 1 - i, bytes: size }));
    return forecast.look({ at: 1000 * second, written, read: 0, activeBytes: written % size, unread });
  });
  return { forecasts, deletedAt: ((kept + 1) * size) / growth };
}

describe("RotationForecast", () => {
  test("says to the second when the first unread file is deleted, whatever the habits are", () => {
    fc.assert(
      fc.property(
        fc.record({
          growth: fc.integer({ min: 10, max: 1000 }),
          size: fc.integer({ min: 1000, max: 20_000 }),
          kept: fc.integer({ min: 1, max: 10 }),
        }),
        (habits) => {
          const { forecasts, deletedAt } = simulate({ ...habits, seconds: 60 });
          forecasts.forEach(({ deadline, outrun }, second) => {
            const isUnread = second >= habits.size / habits.growth && second >= 2 && second < deletedAt;
            if (!isUnread && second < deletedAt) {
              expect(deadline).toBeUndefined();
            } else if (isUnread) {
              expect(deadline).toBeCloseTo(deletedAt - second, 6);
              expect(outrun?.readIn).toBe(Infinity);
            }
          });
        },
      ),
      { numRuns: 200 },
    );
  });

  test("compares with the speed of reading, over all that stands before a file", () => {
    const forecast = new RotationForecast();
    forecast.kept = 3;
    forecast.rotatedBytes = 1000;
    const look = (second: number, read: number): Forecast =>
      forecast.look({
        at: 1000 * second,
        written: 100 * second,
        read,
        activeBytes: 0,
        unread: [
          { younger: 1, bytes: 1000 },
          { younger: 0, bytes: 1000 },
        ],
      });
    look(0, 0);
    // The older one is deleted in 20 s, the younger one in 30 s.
    expect(look(10, 1000)).toEqual({ deadline: 20, outrun: undefined });
    expect(look(20, 2000)).toEqual({ deadline: 20, outrun: undefined });
    expect(look(30, 2100)).toEqual({ deadline: 20, outrun: undefined });
    expect(look(40, 2200).outrun).toEqual({ deletedIn: 30, readIn: 2000 / 55 });
    expect(look(50, 6000)).toEqual({ deadline: 20, outrun: undefined });
  });

  test("says nothing where nothing is known, nothing is written or nothing waits", () => {
    const unread = [{ younger: 0, bytes: 10 }];
    const forecast = new RotationForecast();
    const silent = { deadline: undefined, outrun: undefined };
    const look = (second: number, written: number, waiting = unread): Forecast =>
      forecast.look({ at: 1000 * second, written, read: 0, activeBytes: 0, unread: waiting });
    look(0, 0);
    expect(look(10, 100)).toEqual(silent);
    forecast.kept = 2;
    expect(look(20, 200)).toEqual(silent);
    forecast.rotatedBytes = 100;
    expect(look(30, 300)).toMatchObject({ deadline: 20 });
    expect(look(40, 400, [])).toEqual(silent);
    const resting = new RotationForecast();
    resting.kept = 2;
    resting.rotatedBytes = 100;
    resting.look({ at: 0, written: 5, read: 0, activeBytes: 0, unread });
    expect(resting.look({ at: 9000, written: 5, read: 0, activeBytes: 0, unread })).toEqual(silent);
  });
});
