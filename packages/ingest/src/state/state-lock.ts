import { createHash } from "node:crypto";
import { realpath } from "node:fs/promises";
import { createServer } from "node:net";
import { IngestError, systemCode } from "../errors.ts";

/** A folder that this process has for itself. */
export interface StateLock {
  release(): Promise<void>;
}

/**
 * Takes a state folder for this process: two daemons that write one checkpoint would lose lines. Held by an abstract Unix socket
 * (Linux), which the kernel frees when the process dies in whatever way, and which no container that restarts can leave behind.
 * `what` the folder is, for people. Rejects with `state-in-use` when another process has it; elsewhere than on Linux it takes nothing.
 *
 * @see https://man7.org/linux/man-pages/man7/unix.7.html
 */
export async function lockState(folder: string, what = "state folder"): Promise<StateLock> {
  const name = createHash("sha256")
    .update(await realpath(folder))
    .digest("hex")
    .slice(0, 32);
  const server = createServer((socket) => socket.destroy());
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ path: `\0auditsieve-state-${name}` }, resolve);
    });
  } catch (error) {
    if (systemCode(error) !== "EADDRINUSE") {
      return { release: () => Promise.resolve() };
    }
    throw new IngestError("state-in-use", `Cannot use ${what} "${folder}": another process uses it`, {
      path: folder,
      cause: error,
      hint: `Stop that one, or give each its own ${what}`,
    });
  }
  // It alone keeps no process alive.
  server.unref();
  return {
    release: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
