import type { JsonObject } from "@auditsieve/audit";
import type { Detection } from "./definition/detection.ts";
import { deriveNeeds } from "./definition/derive-needs.ts";
import { compileCondition } from "./sigma/compile-condition.ts";
import { fieldPipeline } from "./sigma/field-pipeline.ts";
import { problemLog } from "./sigma/problem-log.ts";
import type { MemoryPart } from "./condition/remembered-fields.ts";

/** What changes a part of a pod says it in a body: one that is written without bodies tells nothing. */
const BARE: JsonObject = { level: "Metadata" };

/** Which requests a part of the memory learns from, as Sigma says it: they take the same cheap way as detections. */
const FEEDERS: Readonly<Record<MemoryPart, JsonObject>> = {
  pods: {
    pods: {
      "objectRef.resource": "pods",
      "objectRef.subresource": null,
      verb: ["create", "delete", "deletecollection"],
    },
    parts: {
      "objectRef.resource": "pods",
      "objectRef.subresource": ["binding", "ephemeralcontainers"],
      verb: ["create", "update", "patch"],
    },
    bare: BARE,
    condition: "done and not failed and (pods or (parts and not bare))",
  },
  podAddresses: {
    status: {
      "objectRef.resource": "pods",
      "objectRef.subresource": "status",
      verb: ["update", "patch"],
      "user.groups": "system:nodes",
    },
    bare: BARE,
    condition: "done and not failed and status and not bare",
  },
  grants: {
    bindings: {
      "objectRef.resource": ["rolebindings", "clusterrolebindings"],
      verb: ["create", "update", "patch", "delete"],
    },
    condition: "done and not failed and bindings",
  },
  credentials: {
    tokens: { "objectRef.resource": "serviceaccounts", "objectRef.subresource": "token", verb: "create" },
    certificates: { "objectRef.resource": "certificatesigningrequests", verb: ["create", "update", "patch"] },
    condition: "done and not failed and (tokens or certificates)",
  },
};

const loaded = new Map<MemoryPart, Detection>();

/** A detection that no one sees: what it hits, the memory learns from. */
export function feederOf(part: MemoryPart): Detection {
  const known = loaded.get(part) ?? load(part);
  loaded.set(part, known);
  return known;
}

/** Without what loading a file does beyond the condition: it takes a part of every start. */
function load(part: MemoryPart): Detection {
  const log = problemLog([], "", () => undefined);
  const detection = {
    done: { stage: "ResponseComplete" },
    failed: { "responseStatus.code|gte": 400 },
    ...FEEDERS[part],
  };
  const condition = compileCondition(detection, log, fieldPipeline())?.condition;
  if (condition === undefined) {
    throw new Error(`The memory cannot learn of ${part}: its condition is wrong`);
  }
  return { ...USE, id: `memory-${part}`, title: `Memory of ${part}`, needs: deriveNeeds(condition, []), condition };
}

/** Stands for a credential, or an address of it, that is not in the ledger yet. */
export const USE: Detection = {
  id: "memory-use",
  title: "Use of a credential",
  severity: "informational",
  references: [],
  tags: [],
  techniques: [],
  falsePositives: [],
  runbook: [],
  file: "",
  needs: [],
  condition: { kind: "or", of: [] },
};
