import type { EachBatchPayload } from "kafkajs";
import { IngestError } from "../errors.ts";
import type { KafkaCommit } from "./kafka-client.ts";

type CommitOnce = EachBatchPayload["commitOffsetsIfNecessary"];

/** A rebalance is over sooner; where it is not, the caller tries again. */
const PATIENCE_MS = 10_000;

/**
 * Commits offsets so that each commit belongs to the assignment it was made under. The library's own `commitOffsets` repeats
 * itself over a rebalance, where it sets a partition back that another member has read on meanwhile, and says that it has
 * committed when its consumer does not run. What a batch brings along for it tries once: so a commit waits for the first batch
 * of an assignment, which comes wherever something is left to be committed.
 */
export class KafkajsCommits {
  readonly #topic: string;
  readonly #patienceMs: number;
  #commit: CommitOnce | undefined;
  readonly #waiting = new Set<(isOpen: boolean) => void>();

  constructor(topic: string, patienceMs: number = PATIENCE_MS) {
    this.#topic = topic;
    this.#patienceMs = patienceMs;
  }

  /** The assignment is over, or about to be: nothing may be committed under it any more. */
  close(): void {
    this.#commit = undefined;
  }

  /** A batch of the assignment that holds now has come. */
  open(commit: CommitOnce): void {
    this.#commit = commit;
    this.#wake(true);
  }

  /** No batch will come. */
  end(): void {
    this.close();
    this.#wake(false);
  }

  /** `due` is asked once a commit can be made. Resolves when the group holds it; rejects when it may not. */
  async commit(due: () => readonly KafkaCommit[]): Promise<void> {
    if (this.#commit === undefined && !(await this.#opened())) {
      throw new IngestError(
        "unreadable",
        `Cannot commit offsets of topic "${this.#topic}": the group is being balanced`,
        {
          hint: "It is tried again; what is not committed is read again after a restart",
        },
      );
    }
    const commits = due();
    if (commits.length > 0) {
      const partitions = commits.map(({ partition, offset, note }) => ({
        partition,
        offset: String(offset),
        metadata: note,
      }));
      await this.#commit?.({ topics: [{ topic: this.#topic, partitions }] });
    }
  }

  #opened(): Promise<boolean> {
    return new Promise((resolve) => {
      const done = (isOpen: boolean): void => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve(isOpen && this.#commit !== undefined);
      };
      const timer = setTimeout(() => done(false), this.#patienceMs);
      this.#waiting.add(done);
    });
  }

  #wake(isOpen: boolean): void {
    for (const done of this.#waiting) {
      done(isOpen);
    }
  }
}
