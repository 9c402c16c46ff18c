import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

/** The files that a configuration names (certificates, keys, secrets), as they were when they were read. */
export class NamedFiles {
  readonly #read = new Map<string, string>();

  /** Text of the file; throws when it cannot be read. */
  read(path: string): string {
    const text = readFileSync(path, "utf8");
    this.#read.set(path, hashOf(text));
    return text;
  }

  /** Forgets them: they are read anew. */
  clear(): void {
    this.#read.clear();
  }

  /** Whether one holds something else now. One that is away is about to be replaced. */
  haveChanged(): boolean {
    return [...this.#read].some(([path, before]) => {
      try {
        return hashOf(readFileSync(path, "utf8")) !== before;
      } catch {
        return false;
      }
    });
  }
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
