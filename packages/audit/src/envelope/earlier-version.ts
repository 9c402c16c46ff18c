import { BACKSLASH, CLOSE_OBJECT, QUOTE } from "../json/json-bytes.ts";
import { splice } from "../splice.ts";
import type { Edit } from "../splice.ts";
import { MemberReader } from "./members.ts";
import type { Members, Span } from "./members.ts";

const EARLIER: readonly Buffer[] = ["v1beta1", "v1alpha1"].map((version) => Buffer.from(`"audit.k8s.io/${version}"`));
const V1 = Buffer.from('"audit.k8s.io/v1"');
/** An apiserver writes kind and version first, and the field that only earlier versions have behind `metadata` and `level`. */
const HEAD_BYTES = 256;
/** An item of a list says no version. Unescaped quotes: in no string can it stand. */
const TIMESTAMP = Buffer.from('"timestamp":');
const EVENT = new MemberReader(
  [
    "kind",
    "apiVersion",
    "stage",
    "verb",
    "metadata",
    "timestamp",
    "objectRef",
    "requestReceivedTimestamp",
    "stageTimestamp",
  ],
  { keepsNull: true },
);
const METADATA = new MemberReader(["creationTimestamp"]);
const OBJECT_REFERENCE = new MemberReader(["apiGroup", "apiVersion"], { keepsNull: true });
/** How these versions write a time. */
const SECONDS = /^"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"$/;
const SECONDS_BYTES = 22;

/**
 * An event of audit.k8s.io/v1beta1 or v1alpha1, which apiservers before 1.24 may write, as one of v1, by the apiserver's own conversion: the
 * version is another; where the moments of request and stage are not said, `timestamp` and `metadata.creationTimestamp` are they (whole
 * seconds); a group in `objectRef.apiVersion` is taken out of it. The rest, these fields too, stays byte for byte. Undefined for
 * everything else.
 *
 * @see https://github.com/kubernetes/kubernetes/blob/v1.23.0/staging/src/k8s.io/apiserver/pkg/apis/audit/v1alpha1/conversion.go
 */
export function asV1(bytes: Buffer, start: number, end: number): Buffer | undefined {
  const head = bytes.subarray(start, Math.min(end, start + HEAD_BYTES));
  if (!EARLIER.some((version) => head.includes(version)) && !head.includes(TIMESTAMP)) {
    return undefined;
  }
  const event = EVENT.read(bytes, start, end);
  if (event === undefined) {
    return undefined;
  }
  const { apiVersion, objectRef, stage, verb } = event;
  const isEarlier = apiVersion !== undefined && isAny(bytes, apiVersion, EARLIER);
  const isItem = apiVersion === undefined && stage !== undefined && verb !== undefined;
  if (!isEarlier && !isItem) {
    return undefined;
  }
  const edits = [
    ...(isEarlier ? [{ ...apiVersion, by: V1 }] : []),
    ...momentsOf(bytes, event, end),
    ...referenceOf(bytes, objectRef),
  ];
  return edits.length === 0
    ? undefined
    : splice(
        bytes,
        start,
        end,
        edits.sort((a, b) => a.start - b.start),
      );
}

/** As v1 says them, of the request and of the stage, where the event does not say them like that already. */
function momentsOf(
  bytes: Buffer,
  {
    metadata,
    timestamp,
    requestReceivedTimestamp,
    stageTimestamp,
  }: Members<"metadata" | "timestamp" | "requestReceivedTimestamp" | "stageTimestamp">,
  end: number,
): readonly Edit[] {
  const created = metadata && METADATA.read(bytes, metadata.start, metadata.end)?.creationTimestamp;
  return [
    ...momentOf(bytes, "requestReceivedTimestamp", requestReceivedTimestamp, timestamp, end),
    ...momentOf(bytes, "stageTimestamp", stageTimestamp, created, end),
  ];
}

function momentOf(
  bytes: Buffer,
  key: string,
  said: Span | undefined,
  earlier: Span | undefined,
  end: number,
): readonly Edit[] {
  const isSaid = said !== undefined && bytes[said.start] !== NULL;
  if (isSaid || earlier === undefined || earlier.end - earlier.start !== SECONDS_BYTES) {
    return [];
  }
  const text = bytes.toString("latin1", earlier.start, earlier.end);
  if (!SECONDS.test(text)) {
    return [];
  }
  const moment = `${text.slice(0, -2)}.000000Z"`;
  const close = bytes.lastIndexOf(CLOSE_OBJECT, end - 1);
  return [
    said === undefined
      ? { start: close, end: close, by: Buffer.from(`,"${key}":${moment}`) }
      : { ...said, by: Buffer.from(moment) },
  ];
}

/** v1alpha1 writes `group/version`, of the core group `/v1` or `v1`. */
function referenceOf(bytes: Buffer, objectRef: Span | undefined): readonly Edit[] {
  const { apiGroup, apiVersion } = (objectRef && OBJECT_REFERENCE.read(bytes, objectRef.start, objectRef.end)) ?? {};
  if (apiVersion === undefined || bytes[apiVersion.start] !== QUOTE) {
    return [];
  }
  const text = bytes.toString("latin1", apiVersion.start + 1, apiVersion.end - 1);
  const slash = text.lastIndexOf("/");
  const hasGroup = apiGroup !== undefined && bytes[apiGroup.start] !== NULL;
  if (slash === -1 || hasGroup || bytes.subarray(apiVersion.start, apiVersion.end).includes(BACKSLASH)) {
    return [];
  }
  const version = { ...apiVersion, by: Buffer.from(`"${text.slice(slash + 1)}"`, "latin1") };
  const group = Buffer.from(`"${text.slice(0, slash)}"`, "latin1");
  if (slash === 0) {
    return [version];
  }
  return apiGroup === undefined
    ? [{ ...version, by: Buffer.concat([version.by, Buffer.from(',"apiGroup":'), group]) }]
    : [version, { ...apiGroup, by: group }];
}

function isAny(bytes: Buffer, { start, end }: Span, texts: readonly Buffer[]): boolean {
  return texts.some((text) => bytes.subarray(start, end).equals(text));
}

/** First letter of `null`. */
const NULL = 110;
