import { IngestError } from "../errors.ts";

/** How long whoever only checks waits for a server; a daemon waits longer, and tries again. */
const CHECK_MS = 10_000;

/** Aborts when a check waits no longer. */
export function checkPatience(): AbortSignal {
  return AbortSignal.timeout(CHECK_MS);
}

/** What `asking` gives; rejects when `patience` aborts before: the server then takes connections, or not even those, and says nothing. */
export function answered<T>(server: string, asking: Promise<T>, patience: AbortSignal): Promise<T> {
  const silent = new Promise<never>((_resolve, reject) => {
    const fail = (): void =>
      reject(
        new IngestError("unreadable", `Cannot use ${server}: it has not answered within ${CHECK_MS / 1000} s`, {
          hint: "See whether the address is right, whether something in between keeps answers back, and whether the server is too busy",
        }),
      );
    patience.addEventListener("abort", fail, { once: true });
  });
  return Promise.race([asking, silent]);
}
