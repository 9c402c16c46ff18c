import { readFileSync } from "node:fs";
import { zstdDecompressSync } from "node:zlib";
import type { RequestAttributes } from "@auditsieve/audit";
import { expect, test } from "vitest";
import type { OracleRequest } from "../../../test/engines/policy-oracle/policy-oracle.ts";
import { BLANK_REQUEST } from "./blank-request.ts";
import { evaluate } from "./evaluate.ts";
import { loadPolicy } from "./load.ts";

interface Vector {
  readonly id: number;
  readonly policy: string;
  readonly requests: readonly OracleRequest[];
  readonly expect: {
    readonly error?: string;
    readonly strictError?: string;
    readonly fieldErrors?: readonly string[];
    readonly results?: readonly unknown[];
  };
}

const file = new URL("../fixtures/policy-vectors.jsonl.zst", import.meta.url);
const vectors = zstdDecompressSync(readFileSync(file))
  .toString("utf8")
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line) as Vector);

test("loadPolicy() accepts and refuses every upstream vector in upstream's words", () => {
  const differences = vectors.flatMap((vector) => {
    const loaded = loadPolicy(vector.policy);
    const got = {
      id: vector.id,
      error: loaded.outcome === "refused" ? loaded.error : undefined,
      strictError: loaded.strict?.strictError,
      fieldErrors: loaded.outcome === "refused" ? loaded.fieldErrors.map(({ text }) => text) : [],
    };
    const { error, strictError, fieldErrors = [] } = vector.expect;
    const want = { id: vector.id, error, strictError, fieldErrors };
    return JSON.stringify(got) === JSON.stringify(want) ? [] : [{ got, want }];
  });
  expect(vectors.length).toBeGreaterThan(1000);
  expect(differences).toEqual([]);
});

test("evaluate() decides every upstream vector as upstream does", () => {
  let requests = 0;
  const differences = vectors.flatMap((vector) => {
    const loaded = loadPolicy(vector.policy);
    if (loaded.outcome === "refused") {
      return [];
    }
    return vector.requests.flatMap((request, index) => {
      requests += 1;
      const { level, omitStages, omitManagedFields } = evaluate(loaded.policy, toAttributes(request));
      const got = JSON.stringify({ level, omitStages, omitManagedFields });
      const want = JSON.stringify(vector.expect.results?.[index]);
      return got === want ? [] : [{ id: vector.id, request, got, want }];
    });
  });
  expect(requests).toBeGreaterThan(20_000);
  expect(differences).toEqual([]);
});

function toAttributes(request: OracleRequest): RequestAttributes {
  const { noUser, user = "", groups = [], ...rest } = request;
  return {
    ...BLANK_REQUEST,
    user: noUser ? undefined : { name: user, groups },
    ...rest,
  };
}
