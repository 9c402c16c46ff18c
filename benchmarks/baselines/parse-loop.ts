import { openSync, readSync, writeSync } from "node:fs";
import { attributesOfEvent } from "@auditsieve/audit";
import type { AuditEvent } from "@auditsieve/audit";
import { evaluate, loadStreamPolicy } from "@auditsieve/policy";
import { readFileSync } from "node:fs";

/**
 * What everybody writes first: split into lines, JSON.parse each, ask the policy, write what is kept. The same decisions as the
 * filter's, remembered per request so that only the parsing is compared.
 */
const [, , log = "", out = "", policyFile = ""] = process.argv;
const loaded = loadStreamPolicy(readFileSync(policyFile, "utf8"));
if (loaded.outcome !== "accepted") {
  throw new Error(loaded.problems[0]?.message);
}
const { policy, keep, conditions } = loaded.rules;
const input = openSync(log, "r");
const output = openSync(out, "w");
const buffer = Buffer.allocUnsafeSlow(512 * 1024);
const decoder = new TextDecoder();
const remembered = new Map<string, boolean>();
let rest = "";
let kept = 0;
for (let length = readSync(input, buffer); length > 0; length = readSync(input, buffer)) {
  const lines = (rest + decoder.decode(buffer.subarray(0, length), { stream: true })).split("\n");
  rest = lines.pop() ?? "";
  let text = "";
  for (const line of lines) {
    const event = JSON.parse(line) as AuditEvent;
    if (isKept(event)) {
      kept++;
      text += `${line}\n`;
    }
  }
  writeSync(output, text);
}
console.log(kept);

function isKept(event: AuditEvent): boolean {
  const code = event.responseStatus?.code ?? "none";
  const isImpersonated = event.impersonatedUser !== undefined;
  const holds = (condition: (typeof keep)[number]): boolean =>
    (condition.impersonated === undefined || condition.impersonated === isImpersonated) &&
    (condition.responseCodes === undefined || condition.responseCodes.includes(code));
  if (keep.some(holds)) {
    return true;
  }
  const key = `${event.user.username} ${event.user.groups?.join()} ${event.verb} ${code} ${event.requestURI}`;
  let isDropped = remembered.get(key);
  if (isDropped === undefined) {
    const rules = policy.rules.filter((_, i) => {
      const condition = conditions[i];
      return condition === undefined || holds(condition);
    });
    isDropped = evaluate({ ...policy, rules }, attributesOfEvent(event)).level === "None";
    remembered.set(key, isDropped);
  }
  return !isDropped;
}
