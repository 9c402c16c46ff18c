import type { RequestAttributes } from "@auditsieve/audit";
import type { RequestLine } from "../request-class/write-request.ts";
import type { Recording } from "./decision-change.ts";
import type { RequestRegion } from "./request-region.ts";

/** A request that shows a change. */
export interface Witness {
  readonly request: RequestAttributes;
  /** As it goes over the wire; undefined where no request has these attributes. */
  readonly http: RequestLine | undefined;
  /** The kubectl command that sends it, if there is one. */
  readonly kubectl: string | undefined;
}

/**
 * A class of requests that two policies record differently: what is in `requests`, and is decided by one of
 * `rules.old` in the old policy and by one of `rules.new` in the new one.
 */
export interface PolicyChange {
  readonly from: Recording;
  readonly to: Recording;
  /** Indexes of the rules that decide; null where none matches. */
  readonly rules: { readonly old: readonly (number | null)[]; readonly new: readonly (number | null)[] };
  readonly requests: RequestRegion;
  /** Indexes of earlier rules that take some of `requests`, so that it is not in this class. */
  readonly except: { readonly old: readonly number[]; readonly new: readonly number[] };
  readonly witness: Witness;
  /** Whether apiservers serve such requests and have such users; others can be sent all the same. */
  readonly isUsual: boolean;
  /** Whether the level falls, or a stage is lost. */
  readonly isLessVisible: boolean;
  /** Requests of this class whose bodies, with values of secrets or tokens, were not in the log and now are. */
  readonly secrets: readonly Witness[];
}
