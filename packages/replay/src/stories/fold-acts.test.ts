import { describe, expect, test } from "vitest";
import type { Act, Session } from "../facts/sessions.ts";
import { foldActs } from "./fold-acts.ts";

const [ann, eve] = [{} as Session, {} as Session];
const step = (time: string, verb?: string, { session = ann, code = 200 } = {}) => ({
  time,
  text: `${verb} ${time}`,
  ...(verb !== undefined && {
    act: {
      time,
      place: 0,
      code,
      touch: { session, verb, resource: "events", namespace: "shop", name: time } as unknown as Act["touch"],
    },
  }),
});
const told = (steps: readonly ReturnType<typeof step>[]): readonly string[] => foldActs(steps).map(({ text }) => text);

describe("foldActs", () => {
  test("foldActs tells three and more that differ in the object alone as one", () => {
    expect(told([step("1", "delete"), step("2", "delete"), step("3", "delete"), step("4", "get")])).toEqual([
      "delete 1, and 2 more like it until 3",
      "get 4",
    ]);
  });

  test.each([
    ["two of them", [step("1", "get"), step("2", "get")]],
    ["what a step that is no act stands between", [step("1", "get"), step("2"), step("3", "get"), step("4", "get")]],
    ["other verbs", [step("1", "get"), step("2", "list"), step("3", "get")]],
    ["other answers", [step("1", "get"), step("2", "get", { code: 404 }), step("3", "get")]],
    ["other sessions", [step("1", "get"), step("2", "get", { session: eve }), step("3", "get")]],
    ["steps that are no acts", [step("1"), step("2"), step("3")]],
  ])("foldActs leaves %s", (_name, steps) => {
    expect(foldActs(steps)).toEqual(steps);
  });
});
