import { randomBytes } from "node:crypto";
import type { JsonValue } from "@auditsieve/audit";
import { describe, expect, test } from "vitest";
import { testGroup } from "./kafka-group.suite.ts";
import { encodeInputState } from "../state/detection-state.ts";
import { PartitionStates } from "./partition-states.ts";
import type { LoadedState, TakenPartition } from "./partition-states.ts";
import { StateSeal } from "./state-seal.ts";
import { FakeStateTopic } from "../kafka/state-topic-fake.suite.ts";

const KEY = Buffer.alloc(32, 1);

describe("PartitionStates", () => {
  test("over random lives of two daemons, what one would find that saw everything", async () => {
    await testGroup(3);
  });

  test("gives the next owner what was kept last, however large it is", async () => {
    const topic = new FakeStateTopic();
    const value = randomBytes(700_000).toString("base64");
    const owner = await ownerOf(topic);
    await owner.keep(10n, "first");
    await owner.keep(20n, value);
    await owner.keep(25n, value);
    await owner.keep(30n, "last");
    expect(await loadedFrom(topic, 30n)).toEqual({ snapshot: "last", end: 300 });
    await owner.keep(40n, value);
    expect(await loadedFrom(topic, 40n)).toEqual({ snapshot: value, end: 400 });
  });

  test("takes the state that has read furthest, whoever wrote it, and when", async () => {
    const topic = new FakeStateTopic();
    const lost = await ownerOf(topic);
    await lost.keep(10n, "of the first");
    const next = await ownerOf(topic, 10n);
    await next.keep(30n, "of the second");
    // It does not know yet that the partition is another's.
    await lost.keep(20n, "too late");
    topic.compact();
    expect(await loadedFrom(topic, 30n)).toEqual({ snapshot: "of the second", end: 300 });
    expect(await loadedFrom(topic, 10n)).toEqual({ snapshot: "of the second", end: 300 });
  });

  test("removes what others have left once its own offset is committed, and nothing before", async () => {
    const topic = new FakeStateTopic();
    await (await ownerOf(topic)).keep(10n, "old");
    const next = await ownerOf(topic, 10n);
    await next.keep(20n, "new");
    await next.keep(30n, "newer");
    expect(topic.keys(0)).toHaveLength(5);
    next.states.committed(0);
    await next.keep(40n, "newest");
    expect(topic.keys(0)).toHaveLength(3);
    expect(await loadedFrom(topic, 40n)).toEqual({ snapshot: "newest", end: 400 });
    expect(await loadedFrom(topic, 50n)).toMatch("ends at offset 40, and the group has committed 50");
  });

  test("never writes less than what it found", async () => {
    const topic = new FakeStateTopic();
    await (await ownerOf(topic)).keep(30n, "far");
    const next = await ownerOf(topic, 10n);
    const { length } = topic.records;
    await next.keep(20n, "less");
    expect(topic.records).toHaveLength(length);
    expect(await loadedFrom(topic, 10n)).toEqual({ snapshot: "far", end: 300 });
  });

  test("says why what is kept cannot be used", async () => {
    expect(await loadedFrom(new FakeStateTopic(), 10n)).toBe("nothing is kept of it");
    const topic = new FakeStateTopic();
    await (await ownerOf(topic)).keep(10n, "state");
    expect(await loadedFrom(topic, 10n, { base: 5n })).toMatch("set there by other means");
    expect(await loadedFrom(topic, 10n, {}, Buffer.alloc(32, 2))).toMatch("sealed with another key");
    const large = new FakeStateTopic();
    await (await ownerOf(large)).keep(10n, undefined);
    expect(await loadedFrom(large, 10n)).toBe("it was too large to be kept");
    const torn = new FakeStateTopic();
    await (await ownerOf(torn)).keep(10n, "state");
    const chunk = torn.keys(0).find((key) => !key.endsWith("/head")) ?? "";
    await torn.of(() => undefined).send([{ partition: 0, key: chunk, value: undefined }]);
    expect(await loadedFrom(torn, 10n)).toBe("it is not whole");
    expect(await loadedFrom(topic, 10n, {}, KEY, 100)).toMatch("more is kept of it than may be held");
    // Everything is read again then.
    expect(await loadedFrom(topic, undefined)).toBeUndefined();
  });

  test("shows nothing to who can read the topic, and takes nothing that was moved to another partition", async () => {
    const topic = new FakeStateTopic();
    await (await ownerOf(topic)).keep(10n, "canary-in-the-state");
    const records = [...topic.records];
    expect(records.map(({ key, value }) => `${key} ${value?.toString("latin1")}`).join()).not.toContain("canary");
    const moved = records.map(({ key, value }) => ({
      partition: 1,
      key: key.replace("group/audit/0/", "group/audit/1/"),
      value,
    }));
    await topic.of(() => undefined).send(moved);
    expect(await loadedFrom(topic, 10n, { partition: 1 })).toMatch("or changed");
  });
});

interface Owner {
  readonly states: PartitionStates;
  /** Ten bytes a record; undefined is too large. */
  readonly keep: (next: bigint, snapshot: JsonValue | undefined) => Promise<void>;
}

async function ownerOf(topic: FakeStateTopic, committed?: bigint): Promise<Owner> {
  const states = statesOf(topic, () => undefined);
  await states.take([{ partition: 0, base: 0n, committed, isKept: false }]);
  const packedOf = (snapshot: JsonValue | undefined): Buffer | "" =>
    (snapshot === undefined ? undefined : encodeInputState([JSON.stringify(snapshot)])) ?? "";
  return {
    states,
    keep: async (next, snapshot) => {
      await states.write([{ partition: 0, base: 0n, next, end: Number(next) * 10, packed: packedOf(snapshot) }]);
    },
  };
}

/** What the next owner gets, or why it gets nothing. */
async function loadedFrom(
  topic: FakeStateTopic,
  committed: bigint | undefined,
  over: Partial<TakenPartition> = {},
  key = KEY,
  maxBytes?: number,
): Promise<LoadedState | string | undefined> {
  let refused: string | undefined;
  const states = statesOf(topic, (reason) => (refused = reason), key, maxBytes);
  const taken = { partition: 0, base: 0n, committed, isKept: false, ...over };
  return (await states.take([taken])).get(taken.partition) ?? refused;
}

function statesOf(
  topic: FakeStateTopic,
  onRefused: (reason: string) => void,
  key = KEY,
  maxBytes?: number,
): PartitionStates {
  return new PartitionStates({
    topic: topic.of(() => undefined),
    seal: new StateSeal(key),
    prefix: "group/audit",
    onRefused: (_, reason) => onRefused(reason),
    ...(maxBytes !== undefined && { maxBytes }),
  });
}
