import { isLevelBelow } from "@auditsieve/audit";
import type { RequestAttributes, Stage } from "@auditsieve/audit";
import type { Recording } from "../diff/decision-change.ts";

/** A body in the audit log, or why there is none. */
export interface RecordedBody {
  readonly isWritten: boolean;
  readonly reason: string;
}

/** What is really written of a request. */
export interface Written {
  /** Stages of a request that goes well, or of a failed login. */
  readonly stages: readonly Stage[];
  readonly requestObject: RecordedBody;
  readonly responseObject: RecordedBody;
}

const STREAMS = new Set(["attach", "exec", "proxy", "log", "portforward"]);
const WITH_BODY = new Set(["create", "update", "patch", "delete", "deletecollection"]);

/**
 * Stages and bodies that are written at a level: not every request has what the level would allow.
 *
 * @see https://github.com/kubernetes/kubernetes/blob/v1.37.0/pkg/controlplane/apiserver/config.go
 */
export function writtenOf(request: RequestAttributes, recording: Recording): Written {
  const stages = stagesOf(request, recording);
  const obstacle = obstacleOf(request, recording, stages);
  return {
    stages,
    requestObject: obstacle === undefined ? requestBody(request) : notWritten(obstacle),
    responseObject: obstacle === undefined ? responseBody(request, recording) : notWritten(obstacle),
  };
}

function notWritten(reason: string): RecordedBody {
  return { isWritten: false, reason };
}

function stagesOf(request: RequestAttributes, { level, omitStages }: Recording): readonly Stage[] {
  if (level === "None") {
    return [];
  }
  const all: readonly Stage[] =
    request.user === undefined
      ? ["ResponseStarted"]
      : isLongRunning(request)
        ? ["RequestReceived", "ResponseStarted", "ResponseComplete"]
        : ["RequestReceived", "ResponseComplete"];
  return all.filter((stage) => !omitStages.includes(stage));
}

function isLongRunning({ verb, subresource, isResourceRequest, path }: RequestAttributes): boolean {
  return isResourceRequest
    ? verb === "watch" || verb === "proxy" || STREAMS.has(subresource)
    : path.startsWith("/debug/pprof/");
}

/** Why there can be neither body. */
function obstacleOf(request: RequestAttributes, { level }: Recording, stages: readonly Stage[]): string | undefined {
  if (level === "None") {
    return "nothing is written at None";
  }
  if (level === "Metadata") {
    return "there are no bodies at Metadata";
  }
  if (request.user === undefined) {
    return "a failed login is recorded without bodies";
  }
  if (!stages.includes("ResponseComplete")) {
    return "bodies come with the stage ResponseComplete, which is not written";
  }
  if (request.subresource === "log") {
    return "a log is streamed past the audit log";
  }
  if (isStream(request)) {
    return "a session has no bodies; the command of an exec stands in the URL, at every level but None";
  }
  if (AGGREGATED.test(request.apiGroup)) {
    return "the API is another server's: the apiserver passes bodies on and does not record them";
  }
  return undefined;
}

const AGGREGATED = /(?:^|\.)metrics\.k8s\.io$/;

function isStream({ verb, subresource }: RequestAttributes): boolean {
  return verb === "proxy" || STREAMS.has(subresource);
}

function requestBody({ verb, isResourceRequest, resource, apiGroup }: RequestAttributes): RecordedBody {
  if (!isResourceRequest) {
    return notWritten("requests for URLs are recorded without a body");
  }
  if (!WITH_BODY.has(verb)) {
    return notWritten(`a ${verb || "nameless verb"} sends no body`);
  }
  const what =
    verb === "patch"
      ? "the patch as it was sent"
      : verb.startsWith("delete")
        ? "the options of the deletion"
        : "the object as it was sent";
  const secret =
    apiGroup === "authentication.k8s.io" && resource === "tokenreviews"
      ? ", with a token that works"
      : isSecret({ apiGroup, resource }) && !verb.startsWith("delete")
        ? ", with the secret's values"
        : "";
  return { isWritten: true, reason: `${what}${secret} (not if authorization refuses the request)` };
}

function responseBody(request: RequestAttributes, { level, omitManagedFields }: Recording): RecordedBody {
  const { verb, isResourceRequest, path } = request;
  if (isLevelBelow(level, "RequestResponse")) {
    return notWritten(`there are no answers at ${level}`);
  }
  if (!isResourceRequest) {
    return /^\/apis?(?:\/|$)/.test(path)
      ? { isWritten: true, reason: "the discovery document" }
      : notWritten("answers to such URLs are not recorded");
  }
  if (verb === "watch") {
    return notWritten("the events of a watch are not recorded");
  }
  const what =
    verb === "list" || verb === "deletecollection" ? "every object of the answer" : "the object, or a status";
  const fields = omitManagedFields ? ", without managed fields" : "";
  return { isWritten: true, reason: `${what}${secretInAnswer(request)}${fields}` };
}

function secretInAnswer(request: RequestAttributes): string {
  if (request.resource === "serviceaccounts" && request.subresource === "token") {
    return ", with a token that works";
  }
  return isSecret(request) ? ", with the secret's values" : "";
}

function isSecret({ apiGroup, resource }: { readonly apiGroup: string; readonly resource: string }): boolean {
  return apiGroup === "" && resource === "secrets";
}
