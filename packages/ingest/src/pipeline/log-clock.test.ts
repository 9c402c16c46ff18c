import { describe, expect, test } from "vitest";
import { LogClock } from "./log-clock.ts";

const MINUTE = 60_000;

/** A clock beside a log whose newest event is of `newest`; the wall and the monotonic clock go on together. */
function clockBeside(newest: string | undefined, { start = "2026-11-24T10:00:00.000Z", bytes = 1 } = {}) {
  const state = { passed: 0, newest, bytes, isFull: false };
  const alarms: string[] = [];
  const told: { readonly time: string; readonly isLive: boolean }[] = [];
  const clock = new LogClock({
    handler: {
      get newest() {
        return state.newest;
      },
      get bytes() {
        return state.bytes;
      },
      advance: (time: string, isLive: boolean) => told.push({ time, isLive }),
    },
    now: () => new Date(Date.parse(start) + state.passed),
    monotonic: () => state.passed,
    isFull: () => state.isFull,
    onAlarm: ({ kind }) => alarms.push(kind),
  });
  return { clock, state, alarms, told };
}

describe("LogClock", () => {
  test("alarms once when a log that was busy falls silent, and again after it has spoken", () => {
    const { clock, state, alarms } = clockBeside(undefined);
    const lookAfter = (ms: number): void => {
      state.passed += ms;
      clock.watchSilence();
    };
    lookAfter(5 * MINUTE);
    expect(alarms).toEqual([]);
    lookAfter(1);
    lookAfter(MINUTE);
    expect(alarms).toEqual(["silence"]);
    clock.read();
    lookAfter(5 * MINUTE);
    expect(alarms).toEqual(["silence"]);
    lookAfter(1);
    expect(alarms).toEqual(["silence", "silence"]);
  });

  test("says nothing of a log that never said anything", () => {
    const { clock, state, alarms } = clockBeside(undefined, { bytes: 0 });
    state.passed = 60 * MINUTE;
    clock.watchSilence();
    expect(alarms).toEqual([]);
  });

  test("tells the newest time once a minute while the log speaks", () => {
    const { clock, state, told } = clockBeside("2026-11-24T09:59:59.000000Z");
    state.passed = MINUTE - 1;
    clock.read();
    expect(clock.tell()).toBe(false);
    state.passed = MINUTE;
    clock.read();
    expect(clock.tell()).toBe(true);
    expect(clock.tell()).toBe(false);
    expect(told.map(({ time }) => time)).toEqual(["2026-11-24T09:59:59.000000Z"]);
  });

  test("goes on by the clock, a minute late, where a live log says nothing more", () => {
    const { clock, state, told } = clockBeside("2026-11-24T09:59:59.000000Z");
    state.passed = 5 * MINUTE;
    expect(clock.tell()).toBe(true);
    expect(told).toEqual([{ time: "2026-11-24T10:03:59.000Z", isLive: true }]);
  });

  test("does not go on by the clock in a log that was written long ago", () => {
    const { clock, state, told } = clockBeside("2026-11-23T00:00:00.000000Z");
    state.passed = 5 * MINUTE;
    expect(clock.tell()).toBe(true);
    expect(told).toEqual([{ time: "2026-11-23T00:00:00.000000Z", isLive: false }]);
  });

  test.each([
    ["reading waits for sinks", "2026-11-24T09:59:59.000000Z", true],
    ["no event has said a time", undefined, false],
  ])("tells nothing while %s", (_, newest, isFull) => {
    const { clock, state, told } = clockBeside(newest);
    state.passed = 5 * MINUTE;
    state.isFull = isFull;
    expect(clock.tell()).toBe(false);
    expect(told).toEqual([]);
  });

  test("says how far the log is behind the clock on the wall, never less than nothing", () => {
    const { clock, state } = clockBeside("2026-11-24T09:59:30.000000Z");
    expect(clock.lagSeconds).toBe(30);
    state.newest = "2026-11-24T10:00:05.000000Z";
    expect(clock.lagSeconds).toBe(0);
    state.newest = undefined;
    expect(clock.lagSeconds).toBeUndefined();
  });
});
