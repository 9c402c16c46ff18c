import { slotOf } from "@auditsieve/audit";
import type { EventScan } from "@auditsieve/audit";
import { microsText } from "../lines/event-time.ts";

/** An apiserver as its own lease shows it: every apiserver renews one about every ten seconds. */
export interface ApiserverSeen {
  /** Name of its lease in kube-system. */
  readonly lease: string;
  readonly firstRenewed: string;
  readonly lastRenewed: string;
  /** The longest time between two renewals, in seconds. */
  readonly longestSilenceSeconds: number;
  /** It renewed no more though the log goes on for a minute or longer. */
  readonly isSilentAtEnd: boolean;
}

const REQUEST_URI = slotOf("requestURI");
const PATH = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/apiserver-";
const PATH_BYTES = Buffer.from(`"${PATH}`);
/** Where the group begins in the quoted path, and its letter c. */
const GROUP_AT = '"/apis/'.length;
const GROUP_LETTER = 99;
const MAX_APISERVERS = 100;
const SILENT_MICROS = 60_000_000;

/** What {@link ApiserverLeases.restore} goes on from: renewals by lease, in microseconds. */
export type LeasesSnapshot = Map<string, { readonly first: number; last: number; silence: number }>;

/**
 * Follows the leases of the apiservers. An audit event does not say which apiserver wrote it; the leases say at least whether each was
 * alive and heard of.
 *
 * @see https://kubernetes.io/docs/concepts/architecture/leases/#api-server-identity
 */
export class ApiserverLeases {
  #seen: LeasesSnapshot = new Map();

  /** Takes the event last scanned. */
  add(scan: EventScan, micros: number): void {
    const at = scan.slotStart(REQUEST_URI);
    if (
      // Every event is asked: one byte settles most of them.
      scan.bytes[at + GROUP_AT] !== GROUP_LETTER ||
      scan.slotEnd(REQUEST_URI) === 0 ||
      scan.bytes.compare(PATH_BYTES, 0, PATH_BYTES.length, at, at + PATH_BYTES.length) !== 0 ||
      scan.text("user.username") !== "system:apiserver" ||
      !["update", "patch", "create"].includes(scan.text("verb") ?? "") ||
      scan.stage === "RequestReceived"
    ) {
      return;
    }
    const lease = (scan.text("requestURI") ?? "").slice(PATH.length - "apiserver-".length).replace(/\?.*/s, "");
    const known = this.#seen.get(lease);
    if (known !== undefined) {
      known.silence = Math.max(known.silence, micros - known.last);
      known.last = Math.max(known.last, micros);
    } else if (this.#seen.size < MAX_APISERVERS) {
      this.#seen.set(lease, { first: micros, last: micros, silence: 0 });
    }
  }

  snapshot(): LeasesSnapshot {
    return this.#seen;
  }

  restore(seen: LeasesSnapshot): void {
    this.#seen = seen;
  }

  /** What was seen until the log's end. */
  total(end: number): readonly ApiserverSeen[] {
    return [...this.#seen].map(([lease, { first, last, silence }]) => ({
      lease,
      firstRenewed: microsText(first),
      lastRenewed: microsText(last),
      longestSilenceSeconds: silence / 1_000_000,
      isSilentAtEnd: end - last >= SILENT_MICROS,
    }));
  }
}
