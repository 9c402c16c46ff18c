import { safeText } from "@auditsieve/detect";
import { addressTest, matches } from "@auditsieve/replay";
import type { Facts, Selection } from "@auditsieve/replay";
import { fewNames, nearNames } from "../near-names.ts";
import { say } from "../output.ts";

/**
 * Says which options alone choose nothing in these logs, and what is near: no finding because of a typing mistake looks as if nothing
 * had happened.
 */
export function sayNothingChosen(selection: Selection, facts: Facts): void {
  for (const { message, hint } of nothingChosen(selection, facts)) {
    say(`auditsieve: ${message}`);
    if (hint !== "") {
      say(`  hint: ${hint}`);
    }
  }
}

interface Nothing {
  readonly message: string;
  readonly hint: string;
}

function* nothingChosen(selection: Selection, facts: Facts): Generator<Nothing, void> {
  const { since, until, actor, resource, namespace, userAgent, sourceIPs } = selection;
  const { from, to } = facts;
  if (from !== undefined && to !== undefined && ((since ?? "") > to || (until ?? "~") <= from)) {
    const option = (since ?? "") > to ? `--since ${since}` : `--until ${until}`;
    yield { message: `${option} chooses nothing: the logs go from ${from} to ${to}`, hint: "" };
  }
  const sessions = facts.sessions.sessions();
  const touches = facts.sessions.touches();
  const people = sessions.flatMap(({ identity, impersonated }) => [identity.name, impersonated ?? ""]);
  yield* of("--actor", actor, people);
  yield* of(
    "--resource",
    resource,
    touches.flatMap((touch) => [touch.resource, touch.resource.replace(/^([^./]+)\.[^/]+/, "$1")]),
  );
  yield* of(
    "--namespace",
    namespace,
    touches.map((touch) => touch.namespace),
  );
  yield* of(
    "--user-agent",
    userAgent,
    sessions.map((session) => session.userAgent),
  );
  if (sourceIPs !== undefined) {
    const addresses = new Set(sessions.flatMap(({ sourceIP }) => sourceIP.split(/ via |, /)));
    const tests = sourceIPs.map(addressTest).filter((test) => test !== undefined);
    if (![...addresses].some((address) => tests.some((test) => test(address)))) {
      yield { message: "--source-ip chooses nothing in these logs", hint: `Requests came from ${fewNames(addresses)}` };
    }
  }
}

function* of(option: string, pattern: string | undefined, all: Iterable<string>): Generator<Nothing, void> {
  if (pattern === undefined) {
    return;
  }
  const values = new Set(all);
  if (values.has(pattern) || [...values].some((value) => matches(value, pattern))) {
    return;
  }
  const near = nearNames(pattern, values);
  yield {
    message: `${option} "${safeText(pattern, 200)}" chooses nothing in these logs`,
    hint:
      near.length > 0
        ? `There are: ${fewNames(near)}; it is compared as a whole, with its case, and * stands for any text`
        : "It is compared as a whole, with its case; * stands for any text",
  };
}
