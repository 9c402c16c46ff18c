import type { EventScan, Field } from "@auditsieve/audit";
import { createRequire } from "node:module";
import type * as Net from "node:net";

/**
 * What only a stream knows of a request, since the apiserver decides before there is an answer and looks at neither client nor
 * impersonation. All set fields must hold.
 *
 * In a policy file it stands under `stream`: in a rule (the rule matches only where it holds), or in the policy's
 * `stream.keep` list (an event for which one of them holds is kept whole, whatever the rules say).
 *
 * A pattern is the text itself, or its beginning and `*`. A field that the event does not have meets no list.
 */
export interface StreamCondition {
  /** Whether the event carries an impersonatedUser. */
  readonly impersonated?: boolean;
  /** Patterns of the impersonated user's name. */
  readonly impersonatedUsers?: readonly string[];
  /** HTTP codes of the answer; `none` stands for an event without one (RequestReceived). */
  readonly responseCodes?: readonly (number | "none")[];
  /** Patterns of the user agent, which the client chooses. */
  readonly userAgents?: readonly string[];
  /** Addresses and networks (`10.0.0.0/8`) of the peer: the last of sourceIPs, since a client may write what stands before it. */
  readonly sourceIPs?: readonly string[];
  /** For each of these annotations the patterns of which its value must meet one. */
  readonly annotations?: Readonly<Record<string, readonly string[]>>;
}

/** Whether `condition` holds for the event last scanned. */
export function conditionHolds(condition: StreamCondition, scan: EventScan): boolean {
  const { impersonated, impersonatedUsers, responseCodes, userAgents, sourceIPs, annotations } = condition;
  return (
    (impersonated === undefined || impersonated === scan.has("impersonatedUser")) &&
    (responseCodes === undefined || responseCodes.includes(scan.code ?? "none")) &&
    (impersonatedUsers === undefined || meets(scan.text("impersonatedUser.username"), impersonatedUsers)) &&
    (userAgents === undefined || meets(scan.text("userAgent"), userAgents)) &&
    (sourceIPs === undefined || isPeerAmong(sourceIPs, scan)) &&
    (annotations === undefined || areAnnotated(annotations, scan))
  );
}

/** The fields whose values these conditions look at; whether there is an impersonatedUser is looked at by every policy. */
export function fieldsOf(conditions: readonly (StreamCondition | undefined)[]): readonly Field[] {
  const keys = new Set(conditions.flatMap((condition) => Object.keys(condition ?? {}) as (keyof StreamCondition)[]));
  return [...keys].flatMap((key) => FIELD_OF[key] ?? []);
}

const FIELD_OF: Readonly<Record<keyof StreamCondition, Field | undefined>> = {
  impersonated: undefined,
  impersonatedUsers: "impersonatedUser.username",
  responseCodes: "responseStatus.code",
  userAgents: "userAgent",
  sourceIPs: "sourceIPs",
  annotations: "annotations",
};

function meets(text: string | undefined, patterns: readonly string[]): boolean {
  return (
    text !== undefined &&
    patterns.some((pattern) => (pattern.endsWith("*") ? text.startsWith(pattern.slice(0, -1)) : text === pattern))
  );
}

function areAnnotated(wanted: NonNullable<StreamCondition["annotations"]>, scan: EventScan): boolean {
  const annotations = new Map(Object.entries((scan.value("annotations") ?? {}) as Record<string, unknown>));
  return Object.entries(wanted).every(([key, patterns]) => {
    const value = annotations.get(key);
    return typeof value === "string" && meets(value, patterns);
  });
}

/** Loaded where a policy asks for addresses: it costs 5 ms of a command's start. */
let library: typeof Net | undefined;

function net(): typeof Net {
  library ??= createRequire(import.meta.url)("node:net") as typeof Net;
  return library;
}

function isPeerAmong(sourceIPs: readonly string[], scan: EventScan): boolean {
  const peer = ((scan.value("sourceIPs") ?? []) as readonly string[]).at(-1);
  if (peer === undefined) {
    return false;
  }
  const kind = familyOf(peer);
  return kind !== undefined && networksOf(sourceIPs).check(peer, kind);
}

const networks = new WeakMap<readonly string[], Net.BlockList>();

function networksOf(sourceIPs: readonly string[]): Net.BlockList {
  let list = networks.get(sourceIPs);
  if (list === undefined) {
    list = new (net().BlockList)();
    for (const each of sourceIPs) {
      const { address, bits, family } = readNetwork(each) as Network;
      list.addSubnet(address, bits, family);
    }
    networks.set(sourceIPs, list);
  }
  return list;
}

interface Network {
  readonly address: string;
  readonly bits: number;
  readonly family: "ipv4" | "ipv6";
}

/** An address, or a network as `10.0.0.0/8`; undefined for anything else. */
export function readNetwork(text: string): Network | undefined {
  const [address = "", bits, ...others] = text.split("/");
  const family = familyOf(address);
  const most = family === "ipv4" ? 32 : 128;
  if (family === undefined || others.length > 0 || (bits !== undefined && !/^\d{1,3}$/.test(bits))) {
    return undefined;
  }
  const length = bits === undefined ? most : Number(bits);
  return length > most ? undefined : { address, bits: length, family };
}

function familyOf(address: string): Network["family"] | undefined {
  const { isIPv4, isIPv6 } = net();
  return isIPv4(address) ? "ipv4" : isIPv6(address) ? "ipv6" : undefined;
}
