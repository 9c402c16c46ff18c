import { asksDryRun } from "@auditsieve/audit";
import type { KeyPaths } from "@auditsieve/audit";
import type { HeadView } from "../reading/head-view.ts";
import { isSuccess } from "./body.ts";

/** A change of one pod of which the memory learns by little of the event. */
export type PodChange = "deleted" | "bound" | "addressed";

/** What of an event that tells of a {@link PodChange} is asked for. */
export interface ToldEvent {
  readonly auditID: string;
  /** What `hashOfID` gives of its auditID. */
  readonly idHash: number;
  /** What `timeOf` gives of it, and the same in microseconds. */
  readonly time: number;
  readonly micros: number;
  /** `namespace/name` of the object that the request is for. */
  readonly object: string;
  /** What `hashOfObject` gives of that. */
  readonly objectHash: number;
  /** Whether that is this text; it need not be made. */
  isObject(text: string): boolean;
  /** Has the paths looked for in the requestObject; the rest of it need not be parsed. */
  find(paths: KeyPaths): void;
}

/** Which change an event tells of, as far as its head says for sure; undefined where it may be any other, or none. */
export function changeOfPod(head: HeadView): PodChange | undefined {
  const uri = head.get("requestURI");
  if (
    !isSuccess(head) ||
    head.get("objectRef.resource") !== "pods" ||
    typeof head.get("objectRef.namespace") !== "string" ||
    typeof head.get("objectRef.name") !== "string" ||
    typeof uri !== "string" ||
    asksDryRun(uri)
  ) {
    return undefined;
  }
  const verb = head.get("verb");
  const subresource = head.get("objectRef.subresource");
  if (subresource === undefined) {
    return verb === "delete" ? "deleted" : undefined;
  }
  return typeof subresource === "string" && verb !== "deletecollection" ? CHANGED_BY.get(subresource) : undefined;
}

const CHANGED_BY: ReadonlyMap<string, PodChange> = new Map([
  ["binding", "bound"],
  ["status", "addressed"],
]);
