import type { Offsets } from "kafkajs";
import { describe, expect, test } from "vitest";
import { KafkajsCommits } from "./kafkajs-commits.ts";

const COMMIT = { partition: 4, offset: 1474n, note: "auditsieve 1 0 9" };

describe("KafkajsCommits", () => {
  test("waits for a batch of the assignment, and asks only then what is due", async () => {
    const commits = new KafkajsCommits("audit");
    let due = [COMMIT];
    const committed: Offsets[] = [];
    commits.open(async () => expect.fail("this assignment is over"));
    commits.close();
    const done = commits.commit(() => due);
    due = [{ ...COMMIT, offset: 1524n }];
    commits.open(async (offsets) => void committed.push(offsets as Offsets));
    await done;
    expect(committed).toEqual([
      { topics: [{ topic: "audit", partitions: [{ partition: 4, offset: "1524", metadata: COMMIT.note }] }] },
    ]);
  });

  test("a commit that fails is not repeated by itself: it may belong to another member by then", async () => {
    const commits = new KafkajsCommits("audit");
    let tries = 0;
    commits.open(async () => {
      tries++;
      throw new Error("connection lost");
    });
    await expect(commits.commit(() => [COMMIT])).rejects.toThrow("connection lost");
    expect(tries).toBe(1);
  });

  test("never says that it has committed what it has not", async () => {
    const commits = new KafkajsCommits("audit", 1);
    await expect(commits.commit(() => [COMMIT])).rejects.toThrow("the group is being balanced");
    const patient = new KafkajsCommits("audit");
    const waiting = patient.commit(() => [COMMIT]);
    patient.end();
    await expect(waiting).rejects.toThrow("the group is being balanced");
  });

  test("commits nothing where nothing is due", async () => {
    const commits = new KafkajsCommits("audit");
    commits.open(async () => expect.fail("nothing was due"));
    await commits.commit(() => []);
  });
});
