import type { Level } from "./event.ts";
import type { JsonValue } from "./json/json.ts";
import { isJsonObject, own } from "./json/json.ts";

/** What of an event says whether it was a trial. */
export interface TriedRequest {
  readonly verb: string;
  readonly requestURI: string;
  readonly level: Level;
  readonly requestObject?: JsonValue | undefined;
}

/**
 * Whether a request that succeeded was a trial (`dryRun=All`), which changes nothing. Read as the apiserver reads it, so that nobody can
 * make a write look like a trial: a pair that Go cannot decode is no pair, and of a deletion the body counts where there is one. Undefined
 * where that body was not recorded.
 *
 * @see https://github.com/kubernetes/apiserver/blob/master/pkg/endpoints/handlers/delete.go
 * @example
 * const requestURI = "/api/v1/namespaces/shop/pods?dryRun=All";
 * assert.equal(isDryRun({ verb: "create", requestURI, level: "Metadata" }), true);
 */
export function isDryRun(request: TriedRequest): boolean | undefined {
  const isAsked = asksDryRun(request.requestURI);
  const { verb } = request;
  if (verb !== "delete" && verb !== "deletecollection") {
    return isAsked;
  }
  // Not before: whoever gives an event may parse its body only now.
  const { requestObject } = request;
  if (isJsonObject(requestObject)) {
    return isDryRunOption(own(requestObject, "dryRun"));
  }
  return isAsked && request.level === "Metadata" ? undefined : isAsked;
}

/**
 * Whether `dryRun` of the body of a deletion asks for a trial.
 *
 * @example
 * assert.equal(isDryRunOption(["All"]), true);
 */
export function isDryRunOption(dryRun: JsonValue | undefined): boolean {
  return Array.isArray(dryRun) && dryRun.includes("All");
}

/**
 * Whether the query of a URI asks for a trial; any other value than All is refused.
 *
 * @example
 * assert.equal(asksDryRun("/api/v1/namespaces/shop/pods?fieldManager=kubectl&dryRun=All"), true);
 */
export function asksDryRun(requestURI: string): boolean {
  const question = requestURI.indexOf("?");
  return (
    question !== -1 &&
    requestURI
      .slice(question + 1)
      .split("&")
      .some((pair) => {
        const equals = pair.indexOf("=");
        // Go leaves out a pair with a semicolon.
        return (
          equals !== -1 &&
          !pair.includes(";") &&
          decoded(pair.slice(0, equals)) === "dryRun" &&
          decoded(pair.slice(equals + 1)) === "All"
        );
      })
  );
}

/** As Go's url.QueryUnescape; undefined for what it refuses. What is no UTF-8 is neither a key nor a value that is asked about. */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return undefined;
  }
}
