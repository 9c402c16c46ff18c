import { afterAll, beforeAll, expect, test } from "vitest";
import { startPolicyOracle } from "../../../test/engines/policy-oracle/policy-oracle.ts";
import type { OracleQuestion, PolicyOracle } from "../../../test/engines/policy-oracle/policy-oracle.ts";
import { describeDifference, isSame, ourVerdict, theirVerdict } from "./fuzz-compare.suite.ts";
import { randomPolicy } from "./fuzz-policy.suite.ts";
import { Random } from "./fuzz-random.suite.ts";
import { randomRequest } from "./fuzz-request.suite.ts";
import type { Nature } from "./fuzz-write.suite.ts";

const REQUESTS = Number(process.env["FUZZ_REQUESTS"] ?? 100_000);
/** `FUZZ_SEED=random` looks where nobody has looked; the printed seed repeats it. */
const SEED = seedOf(process.env["FUZZ_SEED"] ?? "1");
const REQUESTS_PER_POLICY = 10;
const BATCH = 250;
const MOST_SHOWN = 3;
const MS_PER_REQUEST = 6;

let oracle: PolicyOracle;

beforeAll(async () => {
  const begun = performance.now();
  oracle = await startPolicyOracle();
  console.log(`policy oracle: ready after ${minutesSince(begun)} min`);
});

afterAll(() => oracle?.stop());

test(
  `loadPolicy() and evaluate() agree with upstream over ${REQUESTS} random requests (seed ${SEED})`,
  async () => {
    const begun = performance.now();
    const random = new Random(SEED);
    const policies: Record<Nature, number> = { valid: 0, "nearly valid": 0, hostile: 0, broken: 0 };
    const differing: OracleQuestion[] = [];
    let decided = 0;
    let refused = 0;
    while (decided < REQUESTS) {
      const batch = Array.from({ length: BATCH }, () => randomQuestion(random));
      const answers = await oracle.ask(batch.map(({ question }) => question));
      for (const [at, { nature, question }] of batch.entries()) {
        const theirs = theirVerdict(answers[at] ?? {});
        policies[nature] += 1;
        decided += theirs.results.length;
        refused += theirs.error === undefined ? 0 : 1;
        if (!isSame(ourVerdict(question), theirs)) {
          differing.push(question);
        }
      }
    }
    const counts = Object.entries(policies).map(([nature, count]) => `${count} ${nature}`);
    console.log(
      `policy fuzz: seed ${SEED}, ${decided} requests decided, policies ${counts.join(", ")}, ${refused} refused, ` +
        `${differing.length} differences, ${minutesSince(begun)} min`,
    );
    const shown = await Promise.all(differing.slice(0, MOST_SHOWN).map((one) => describeDifference(oracle, one)));
    expect(shown.join("\n\n"), `${differing.length} differences; FUZZ_SEED=${SEED} repeats them`).toBe("");
    expect(refused).toBeGreaterThan(0);
  },
  120_000 + REQUESTS * MS_PER_REQUEST,
);

function randomQuestion(random: Random): { readonly nature: Nature; readonly question: OracleQuestion } {
  const { nature, text } = randomPolicy(random);
  const requests = Array.from({ length: REQUESTS_PER_POLICY }, () => randomRequest(random));
  return { nature, question: { policy: text, requests } };
}

function seedOf(text: string): number {
  return text === "random" ? Math.floor(Math.random() * 2 ** 32) : Number(text);
}

function minutesSince(begun: number): string {
  return ((performance.now() - begun) / 60_000).toFixed(2);
}
