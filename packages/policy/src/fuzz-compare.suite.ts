import type {
  OracleAnswer,
  OracleQuestion,
  OracleRequest,
  PolicyOracle,
} from "../../../test/engines/policy-oracle/policy-oracle.ts";
import { evaluate } from "./evaluate.ts";
import { loadPolicy } from "./load.ts";

/** What one of the two says, in a form that compares as text. */
export interface Verdict {
  readonly error?: string;
  readonly strictError?: string;
  readonly fieldErrors: readonly string[];
  readonly results: readonly unknown[];
}

/** Ours. */
export function ourVerdict({ policy, requests }: OracleQuestion): Verdict {
  const loaded = loadPolicy(policy);
  const strict = loaded.strict === undefined ? {} : { strictError: loaded.strict.strictError };
  if (loaded.outcome === "refused") {
    const fieldErrors = loaded.fieldErrors.map(({ text }) => text);
    return { error: loaded.error, ...strict, fieldErrors, results: [] };
  }
  const results = requests.map((request) => {
    const { level, omitStages, omitManagedFields } = evaluate(loaded.policy, toAttributes(request));
    return { level, omitStages, omitManagedFields };
  });
  return { ...strict, fieldErrors: [], results };
}

/** Upstream's. */
export function theirVerdict({ error, strictError, fieldErrors = [], results = [] }: OracleAnswer): Verdict {
  return {
    ...(error === undefined ? {} : { error }),
    ...(strictError === undefined ? {} : { strictError }),
    fieldErrors,
    results,
  };
}

export function isSame(ours: Verdict, theirs: Verdict): boolean {
  return JSON.stringify(ours) === JSON.stringify(theirs);
}

/** The shortest text and the one request, as far as leaving things out finds them, over which the two still differ. */
export async function shrink(oracle: PolicyOracle, question: OracleQuestion): Promise<OracleQuestion> {
  const differs = async (candidate: OracleQuestion): Promise<boolean> => {
    const [answer] = await oracle.ask([candidate]);
    return answer !== undefined && !isSame(ourVerdict(candidate), theirVerdict(answer));
  };
  let smallest = question;
  for (const requests of [[], ...question.requests.map((request) => [request])]) {
    if (await differs({ ...question, requests })) {
      smallest = { ...question, requests };
      break;
    }
  }
  for (const unit of ["\n", ""]) {
    let shrunk = true;
    while (shrunk) {
      shrunk = false;
      const parts = smallest.policy.split(unit);
      for (let length = parts.length >> 1; length >= 1; length >>= 1) {
        for (let at = 0; at + length <= parts.length;) {
          const rest = parts.toSpliced(at, length);
          const candidate = { ...smallest, policy: rest.join(unit) };
          if (candidate.policy.isWellFormed() && (await differs(candidate))) {
            parts.splice(at, length);
            smallest = candidate;
            shrunk = true;
          } else {
            at += length;
          }
        }
      }
    }
  }
  return smallest;
}

/** A difference as a person reads it. */
export async function describeDifference(oracle: PolicyOracle, question: OracleQuestion): Promise<string> {
  const smallest = await shrink(oracle, question);
  const [answer = {}] = await oracle.ask([smallest]);
  return [
    `policy   ${JSON.stringify(smallest.policy)}`,
    `requests ${JSON.stringify(smallest.requests)}`,
    `upstream ${JSON.stringify(theirVerdict(answer))}`,
    `ours     ${JSON.stringify(ourVerdict(smallest))}`,
  ].join("\n");
}

function toAttributes({ noUser, user = "", groups = [], ...rest }: OracleRequest): Parameters<typeof evaluate>[1] {
  const empty = { apiGroup: "", apiVersion: "", resource: "", subresource: "", namespace: "", name: "", path: "" };
  return {
    ...empty,
    verb: "",
    isResourceRequest: false,
    ...rest,
    user: noUser ? undefined : { name: user, groups },
  };
}
