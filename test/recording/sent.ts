import type { Actors, Credential, Sent } from "./actors.ts";
import type { Step } from "./step.ts";

/** Who sends a request; asked for when the step begins. */
export type Who = (actors: Actors) => Credential | Promise<Credential>;
export type Call = readonly [method: string, path: string, sent?: Sent];

/** A step of requests that the recording sends itself. */
export function sent(
  [label, technique, principal]: readonly [string, string, string],
  who: Who,
  ...calls: readonly Call[]
): Step {
  return {
    label,
    technique,
    principal,
    deeds: [],
    run: async ({ actors }) => {
      const credential = await who(actors);
      for (const [method, path, more] of calls) await actors.send(credential, method, path, more);
      return undefined;
    },
  };
}

/** With the certificate that was made for that person, and for nodes and components. */
export const person =
  (name: string): Who =>
  (actors) =>
    actors.certificate(name);
/** With a fresh token of a service account. */
export const account =
  (namespace: string, name: string): Who =>
  async (actors) => ({ token: await actors.freshToken(namespace, name) });
