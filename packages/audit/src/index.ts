/**
 * What an audit event is: its types, the attributes of its request, how its bytes are framed, scanned and decoded,
 * what identifies it, and what of it must never leave.
 *
 * @module
 */
export type { RequestAttributes } from "./attributes.ts";
export { isLevelBelow, LEVELS, STAGES } from "./event.ts";
export type { AuditEvent, Level, ObjectReference, ResponseStatus, Stage, UserInfo } from "./event.ts";
export { isJsonObject, own } from "./json.ts";
export type { JsonObject, JsonValue } from "./json.ts";
export type { Need, RequestClass } from "./need.ts";
export type { Problem } from "./problem.ts";
export { readYaml } from "./yaml.ts";
export type { Position, YamlDocument, YamlLimits, YamlText } from "./yaml.ts";
