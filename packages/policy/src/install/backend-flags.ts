/** One flag of the apiserver, without its dashes. */
export interface BackendFlag {
  readonly name: string;
  readonly value: string;
}

/** What an apiserver writes, as `policy simulate` measures it for the policy. */
export interface EventLoad {
  readonly eventsPerMinute: number;
  /** Mean size of an event. */
  readonly bytesPerEvent: number;
}

/** Flags of an audit backend, and why they are so. */
export interface BackendFlags {
  readonly flags: readonly BackendFlag[];
  readonly notes: readonly string[];
}

/**
 * What a burst is beside the mean: rolling deployments on the measured cluster wrote 8,055 events a minute, its quiet
 * phase 358.
 */
const BURST = 20;

/** A log backend that blocks adds the disk's latency to each request; up to here a disk of today keeps pace. */
const BLOCKING_EVENTS_PER_SECOND = 2_000;
const BLOCKING_BYTES_PER_SECOND = 20 * 1024 * 1024;

/** CIS Kubernetes Benchmark 1.2.17 to 1.2.19 ask for no less than these. */
const LEAST = { days: 30, files: 10, megabytes: 100 };

/** Hours of log that stay on the node, so that an ingester may be away for a long weekend. */
const KEPT_HOURS = 72;

const MEGABYTE = 1024 * 1024;

/**
 * Flags of the log backend: rotation, and whether requests wait for the disk. Without a load the least that the CIS
 * benchmark asks for.
 *
 * @see https://github.com/kubernetes/kubernetes/blob/v1.37.0/staging/src/k8s.io/apiserver/pkg/server/options/audit.go
 */
export function logFlags(load: EventLoad | undefined): BackendFlags {
  if (load === undefined) {
    return {
      flags: rotation(LEAST.files, LEAST.megabytes),
      notes: [
        "Rotation is the least that the CIS benchmark asks for; --events-per-minute sizes it by what was measured",
      ],
    };
  }
  const megabytesPerHour = (load.eventsPerMinute * 60 * load.bytesPerEvent) / MEGABYTE;
  const megabytes = clamp(Math.ceil(megabytesPerHour * 2), LEAST.megabytes, 1024);
  const files = clamp(Math.ceil((megabytesPerHour * KEPT_HOURS) / megabytes), LEAST.files, 500);
  const peak = peakOf(load);
  const isCalm = peak.events <= BLOCKING_EVENTS_PER_SECOND && peak.bytes <= BLOCKING_BYTES_PER_SECOND;
  const size = `${count(((files + 1) * megabytes) / 1024)} GiB at most`;
  return {
    flags: [
      ...rotation(files, megabytes),
      { name: "audit-log-mode", value: isCalm ? "blocking" : "batch" },
      ...(isCalm ? [] : logBatch(peak)),
    ],
    notes: [
      `${count(megabytesPerHour)} MiB an hour; ${files} files of ${megabytes} MiB hold ${count(((files + 1) * megabytes) / Math.max(megabytesPerHour, 0.001))} hours, ${size}`,
      isCalm
        ? "A request waits until its event is written: nothing is lost, and the disk's latency is the API's"
        : `A burst of ${count(peak.events)} events a second is too much to wait for: events are buffered, and what is buffered is lost when the apiserver is killed`,
    ],
  };
}

/** Flags of the webhook backend: batches, throttle, buffer, truncation. */
export function webhookFlags(load: EventLoad | undefined): BackendFlags {
  const peak = peakOf(load ?? { eventsPerMinute: 3_000, bytesPerEvent: 2_048 });
  const perBatch = clamp(Math.floor(MAX_BATCH_BYTES / 2 / (peak.bytes / peak.events)), 1, 400);
  const qps = Math.max(10, Math.ceil((2 * peak.events) / perBatch));
  const buffer = bufferOf(peak);
  const flags: readonly (readonly [string, string | number])[] = [
    ["audit-webhook-mode", "batch"],
    ["audit-webhook-batch-buffer-size", buffer],
    ["audit-webhook-batch-max-size", perBatch],
    ["audit-webhook-batch-max-wait", "5s"],
    ["audit-webhook-batch-throttle-enable", "true"],
    ["audit-webhook-batch-throttle-qps", qps],
    ["audit-webhook-batch-throttle-burst", Math.ceil(qps * 1.5)],
    ["audit-webhook-truncate-enabled", "true"],
    ["audit-webhook-truncate-max-event-size", MEGABYTE],
    ["audit-webhook-truncate-max-batch-size", MAX_BATCH_BYTES],
  ];
  return {
    flags: flags.map(([name, value]) => ({ name, value: String(value) })),
    notes: [
      `${count(qps * perBatch)} events a second go out at most, twice a burst; ${count(buffer)} are buffered, then the apiserver drops them ("audit buffer queue blocked")`,
      "Events over 1 MiB lose their bodies; what is buffered is lost when the apiserver is killed. The log backend loses neither",
      ...(load === undefined ? ["Sized for 3,000 events a minute; --events-per-minute says what was measured"] : []),
    ],
  };
}

const MAX_BATCH_BYTES = 10 * MEGABYTE;

/** A burst is buffered for this long, where the apiserver's memory allows. */
const BUFFERED_SECONDS = 60;
const BUFFERED_BYTES = 512 * MEGABYTE;

function rotation(files: number, megabytes: number): readonly BackendFlag[] {
  return [
    { name: "audit-log-maxage", value: String(LEAST.days) },
    { name: "audit-log-maxbackup", value: String(files) },
    { name: "audit-log-maxsize", value: String(megabytes) },
  ];
}

function logBatch(peak: Peak): readonly BackendFlag[] {
  return [
    { name: "audit-log-batch-buffer-size", value: String(bufferOf(peak)) },
    { name: "audit-log-batch-max-size", value: "100" },
    { name: "audit-log-batch-max-wait", value: "1s" },
    { name: "audit-log-batch-throttle-enable", value: "false" },
  ];
}

/** Events that may wait; the apiserver's default where that is more. */
function bufferOf({ events, bytes }: Peak): number {
  const wanted = Math.min(events * BUFFERED_SECONDS, BUFFERED_BYTES / (bytes / events));
  return Math.max(10_000, Math.ceil(wanted / 1_000) * 1_000);
}

/** What a burst brings in a second. */
interface Peak {
  readonly events: number;
  readonly bytes: number;
}

function peakOf({ eventsPerMinute, bytesPerEvent }: EventLoad): Peak {
  const events = Math.max(1, (eventsPerMinute / 60) * BURST);
  return { events, bytes: events * Math.max(1, bytesPerEvent) };
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}

function count(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: value < 10 ? 1 : 0 });
}
