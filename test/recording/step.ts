import type { Actors, Credential } from "./actors.ts";

/** What the steps share: who acts, and what earlier steps have got hold of. */
export interface Scene {
  readonly actors: Actors;
  /** Credentials by the name that the step gave them. */
  readonly credentials: Map<string, Credential>;
  /** Names and ids that later steps need. */
  readonly facts: Map<string, string>;
}

/** One step of the recording. */
export interface Step {
  readonly label: string;
  /** ATT&CK technique; `none` for what is meant to be harmless. */
  readonly technique: string;
  /** The user name that the apiserver sees. */
  readonly principal: string;
  /**
   * The requests that are the deed itself, as `verb:resource[/subresource]` or `verb:/path`; what else the principal sends
   * meanwhile (discovery, a get before a patch) is incidental.
   */
  readonly deeds: readonly string[];
  /**
   * For what a controller or a kubelet does because of an earlier step: the label of that step, at whose start the search
   * begins, and a text that is in the event.
   */
  readonly follows?: { readonly label: string; readonly about: (scene: Scene) => string };
  /** Place in the chain from the first foothold to the last step; steps outside it have none. */
  readonly chain?: number;
  /** Name of the credential that is used, and of one that the step gets. */
  readonly uses?: string;
  readonly gets?: string;
  /** What a reader has to know: above all where the recording plays a part that no program here plays. */
  readonly note?: string;
  run(scene: Scene): Promise<unknown>;
}

/** A step of one kubectl command, with the objects that it is given. */
export function byKubectl(
  [label, technique, principal]: readonly [string, string, string],
  deeds: string | readonly string[],
  args: string | readonly string[],
  ...objects: readonly unknown[]
): Step {
  const words = typeof args === "string" ? args.split(" ") : args;
  return {
    label,
    technique,
    principal,
    deeds: typeof deeds === "string" ? [deeds] : deeds,
    run: ({ actors }) => actors.kubectl(principal, words, ...objects),
  };
}

/** Makes steps in which somebody creates objects by kubectl. */
export const createdBy =
  (principal: string) =>
  (label: string, technique: string, resources: string | readonly string[], ...objects: readonly unknown[]): Step => {
    const deeds = [resources].flat().map((resource) => `create:${resource}`);
    return byKubectl([label, technique, principal], deeds, "create", ...objects);
  };
