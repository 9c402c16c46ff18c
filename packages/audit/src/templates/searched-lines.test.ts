import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createRedactor } from "../redact.ts";
import { sharedEngine } from "../scan-wasm/engine.ts";
import type { Field } from "../scan-fields.ts";
import { EventScan } from "../scan.ts";
import { LineTemplates } from "./line-templates.ts";

/** What stands where lines that are alike may differ. */
interface Values {
  readonly auditID: string;
  readonly name: string;
  readonly query: string;
  readonly group: string;
  readonly key: string;
  readonly credential: string;
  readonly agent: string;
  readonly body: string;
  readonly time: string;
  readonly reason: string;
  readonly noted: string;
  readonly note: string;
}

const BODY = '"requestObject":{"kind":"Deployment","spec":{"replicas":1}},';
const PLAIN: Values = {
  auditID: "1b9ee3e5-8982-4b58-a2cd-0384840d7e4f",
  name: "web",
  query: "resourceVersion=70",
  group: "system:serviceaccounts",
  key: "authentication.kubernetes.io/credential-id",
  credential: "JTI=1",
  agent: "kubectl/v1.34.2 (linux/amd64)",
  body: BODY,
  time: "2026-11-24T00:19:02.482341Z",
  reason: "RBAC: allowed by ClusterRoleBinding",
  noted: "note",
  note: "x",
};

function lineOf(given: Partial<Values>): string {
  const { auditID, name, query, group, key, credential, agent, body, time, reason, noted, note } = {
    ...PLAIN,
    ...given,
  };
  return (
    `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Request","auditID":"${auditID}","stage":"ResponseComplete",` +
    `"requestURI":"${PATH}${name}?${query}","verb":"update",` +
    `"user":{"username":"ann","groups":["${group}"],"extra":{"${key}":["${credential}"]}},` +
    `"sourceIPs":["127.0.0.1"],"userAgent":"${agent}","objectRef":{"resource":"deployments","namespace":"shop",` +
    `"name":"${name}","apiGroup":"apps","apiVersion":"v1"},"responseStatus":{"metadata":{},"code":200},` +
    `${body}"requestReceivedTimestamp":"${time}","stageTimestamp":"${time}",` +
    `"annotations":{"authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":"${reason}","${noted}":"${note}"}}\n`
  );
}

const PATH = "/apis/apps/v1/namespaces/shop/deployments/";
const FIELDS: readonly Field[] = ["level", "stage", "requestURI", "verb", "user.username", "objectRef.resource"];
const redactor = createRedactor({ key: new Uint8Array(32).fill(3) });
const engine = sharedEngine();
const NOTHING = -1;

interface Seen {
  /** Whether it was taken as one like another, so that nothing in it is redacted. */
  readonly isTaken: boolean;
  /** Whether a search of all of it finds nothing. */
  readonly isClean: boolean;
}

/** Takes line after line as a filter does that redacts: what is not known is learned. */
function seen(lines: readonly string[], fields: readonly Field[] = FIELDS, by = redactor, isExact = false): Seen[] {
  const heads = by.heads as NonNullable<typeof by.heads>;
  const templates = new LineTemplates<object>(() => {}, { isExact });
  const scan = new EventScan();
  const value = {};
  return lines.map((text) => {
    const line = Buffer.from(text);
    heads.prepare();
    templates.load(line, 0, line.length);
    const { memory, exports } = engine;
    const isClean = exports.nextSuspect(INPUT, INPUT + line.length) === NOTHING;
    expect(memory.compare(line, 0, line.length, INPUT, INPUT + line.length)).toBe(0);
    if (templates.take() === line.length) {
      return { isTaken: true, isClean };
    }
    const { suspect, isLearnable } = templates;
    if (suspect !== undefined) {
      heads.edits(suspect.start, suspect.end - 1);
    } else if (scan.scan(line, 0, line.length - 1)) {
      by.redactScanned(scan, line.subarray(0, -1));
      const kept = heads.about(scan);
      if (isLearnable && kept !== undefined) {
        const uriEnd = scan.valueStart("requestURI") + 1 + PATH.length;
        const end = uriEnd + text.slice(uriEnd).search(/[?"]/);
        const decidedBy = { fields, uriEnd, name: { start: uriEnd, end }, kept };
        templates.learn(scan, value, { isKept: true, isSearched: true }, decidedBy);
      }
    }
    return { isTaken: false, isClean };
  });
}
/** As assembly/memory.ts has it. */
const INPUT = 0xa_0000;

function isRedacted(text: string): boolean {
  const line = Buffer.from(text.slice(0, -1));
  return redactor.redactLine(line) !== line;
}

/** The line is learned and one like it is taken twice, so that it is known where such lines are searched; then those that are asked about. */
function seenLast(base: Partial<Values>, asked: readonly Partial<Values>[], fields = FIELDS, by = redactor): Seen[] {
  const like = (n: number): string => lineOf({ ...base, auditID: PLAIN.auditID.replace("1", String(n)) });
  const all = seen([lineOf(base), like(2), like(3), like(4), ...asked.map((values) => lineOf(values))], fields, by);
  expect(all.at(3)?.isTaken, "like the first").toBe(true);
  return all.slice(4);
}

const TOKEN = "hvs.0123456789abcdef01234567";
/** The same without the dot that makes it one: nothing in it is searched for. */
const NO_TOKEN = TOKEN.replace(".", "x");

describe("LineTemplates take no line with a secret", () => {
  const none = [{ isTaken: false, isClean: false }];
  /** So many letters before it that it stands anywhere in the 64 bytes that are compared at once. */
  const shifts = Array.from({ length: 64 }, (_, n) => "x".repeat(n));

  test.each([
    ["that begins with bytes that are the same in both", NO_TOKEN, TOKEN],
    ["where a text is longer", "x", `${"x".repeat(150)}${TOKEN}`],
    ["where a text is shorter", "x".repeat(150), TOKEN],
    ["far behind the first difference", "x".repeat(200), `${"y".repeat(150)}${TOKEN}${"y".repeat(22)}`],
  ])("in a free text %s", (_, before, after) => {
    for (const shift of shifts) {
      expect(seenLast({ agent: shift + before }, [{ agent: shift + after }])).toEqual(none);
      expect(seenLast({ note: shift + before, body: "" }, [{ note: shift + after, body: "" }])).toEqual(none);
    }
  });

  test("behind a name that is longer, or where it alone is", () => {
    for (const shift of shifts) {
      const name = `a${shift}`;
      expect(seenLast({ agent: NO_TOKEN }, [{ name, agent: TOKEN }])).toEqual(none);
      expect(seenLast({}, [{ name: `${name}${TOKEN}` }])).toEqual(none);
    }
  });

  test("that begins where the head ends", () => {
    const body = `"requestObject":"{\\"password\\":\\"x\\"}",`;
    for (const agent of shifts) {
      expect(seenLast({ agent }, [{ agent, body }])).toEqual(none);
    }
  });

  test("in a body with brackets in a text, behind which no tail is looked for", () => {
    expect(seenLast({}, [{ body: `"requestObject":{"x":"}","y":"${TOKEN}"},` }])).toEqual(none);
    expect(seenLast({}, [{ body: `"requestObject":{"y":"${TOKEN}"},` }])).toEqual(none);
  });

  test("behind a head that is known, where another tail follows", () => {
    const base = { body: "" };
    // The body of a line before this one stands elsewhere.
    seenLast({ agent: "x".repeat(2000) }, []);
    expect(seenLast(base, [{ ...base, noted: "password", note: "hunter2" }])).toEqual(none);
  });

  test("in a tail that no line was searched with", () => {
    const base = { noted: "password", note: "hunter2" };
    for (const body of ["", BODY]) {
      const lines = [{ ...base, body }, { body }, { body }, { ...base, body }].map((values) => lineOf(values));
      expect(seen(lines).map(({ isTaken }) => isTaken)).toEqual([false, true, true, false]);
    }
  });

  test("where what was redacted before stood", () => {
    const base = { noted: "password", note: "redacted:0123456789abcdef" };
    for (const pad of shifts) {
      const reason = `RBAC: ${pad}`;
      expect(seenLast({ ...base, reason }, [{ ...base, reason, note: `hunter2${"x".repeat(18)}` }])).toEqual(none);
    }
  });

  test("or what a search of all of it would find: the dot of a token behind another text, another kind of body", () => {
    const fields: readonly Field[] = [...FIELDS, "user"];
    const base = { credential: "token" };
    expect(seenLast(base, [{ ...base, agent: ".0123456789abcdef0" }], fields)).toEqual(none);
    const body = '"requestObject":"x",';
    for (const agent of shifts) {
      // Knows nothing that was found harmless before.
      const own = createRedactor({ key: new Uint8Array(32).fill(3), extraNames: ["remark"] });
      expect(seenLast({ agent }, [{ agent, body }], FIELDS, own)).toEqual(none);
    }
  });
});

/** Secrets, what looks like one, and halves of both: two of them may stand side by side. */
const PIECES = [
  "Bearer abcdefgh12345678",
  " Bearer abcdefgh12345678",
  "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln",
  "eyJhbGciOiJIUzI1NiJ9",
  ".eyJzdWIiOiJ4In0.c2ln",
  "token: abcdef.0123456789abcdef",
  "token: abcdef",
  ".0123456789abcdef",
  "tokens",
  "bearer",
  "https://user:hunter2@host/",
  "https://host/",
  "user:hunter2@host",
  "ghp_0123456789abcdef0123456789",
  TOKEN,
  "password",
  "redacted:0123456789abcdef",
  "passwords",
  "keys",
  "authorization.k8s.io",
  "Authorization: x1y2z3",
  '{\\"password\\":\\"x\\"}',
  '{\\"a\\":\\"x\\"}',
  " ",
  "a",
  "7",
] as const;
const CHANGED = Object.keys(PLAIN) as readonly (keyof Values)[];
const BODIES = [
  '"requestObject":{"kind":"Deployment","spec":{"replicas":2}},',
  '"requestObject":{"spec":{"x":"VALUE"}},',
  '"requestObject":{"x":["VALUE"]},"responseObject":{"y":"VALUE"},',
  '"requestObject":"VALUE","responseObject":{},',
  '"requestObject":{"password":"VALUE"},',
  '"requestObject":{"x":"}","y":"VALUE"},',
  '"requestObject":{"kind":"Secret","data":{"a":"eA=="}},',
] as const;

interface Change {
  readonly where: keyof Values;
  readonly text: string;
  /** Where in the value it stands, in fourths. */
  readonly place: number;
  readonly isWhole: boolean;
  readonly body: string;
}

function changed(values: Values, { where, text, place, isWhole, body }: Change): Values {
  const before = values[where];
  if (where === "body") {
    return { ...values, body: before === "" ? before : body.replaceAll("VALUE", text) };
  }
  const at = Math.floor((before.length * place) / 4);
  return { ...values, [where]: isWhole ? text : before.slice(0, at) + text + before.slice(at) };
}

test("LineTemplates take no line in which something has to be redacted, whatever differs", () => {
  const piece = fc.constantFrom(...PIECES);
  const change: fc.Arbitrary<Change> = fc.record({
    where: fc.constantFrom(...CHANGED),
    text: fc.oneof(
      piece,
      fc.tuple(piece, piece).map((pieces) => pieces.join("")),
    ),
    place: fc.nat(4),
    isWhole: fc.boolean(),
    body: fc.constantFrom(...BODIES),
  });
  const begun = fc.constantFrom<Partial<Values>>(
    {},
    { body: "" },
    { noted: "password", note: "redacted:0123456789abcdef" },
    { body: "", noted: "password", note: "redacted:0123456789abcdef" },
  );
  const first = fc.tuple(begun, fc.array(change, { maxLength: 1 }));
  const others = fc.array(fc.array(change, { minLength: 1, maxLength: 2 }), { minLength: 4, maxLength: 8 });
  const plain = ["7", "70", "123456"].map((digit, i) => ({
    auditID: PLAIN.auditID.replaceAll("8", digit),
    name: `web-${digit}`,
    query: `resourceVersion=${digit}`,
    time: PLAIN.time.replace("341", `${i}77`),
  }));
  let [takenOnes, redactedOnes] = [0, 0];
  fc.assert(
    fc.property(first, others, fc.boolean(), fc.boolean(), ([values, differing], rest, isOfAnnotations, isExact) => {
      const base = differing.reduce(changed, { ...PLAIN, ...values });
      // Twice: what was found harmless the first time is known the second one.
      const variants = [...plain, ...plain].map((each) => lineOf({ ...base, ...each }));
      const more = rest.flatMap((changes) => [lineOf(changes.reduce(changed, base)), lineOf(base)]);
      const lines = [lineOf(base), ...variants, ...more];
      const fields: readonly Field[] = isOfAnnotations ? [...FIELDS, "annotations"] : FIELDS;
      seen(lines, fields, redactor, isExact).forEach(({ isTaken }, i) => {
        const isSecret = isRedacted(lines[i] as string);
        redactedOnes += isSecret ? 1 : 0;
        takenOnes += isTaken ? 1 : 0;
        expect(isTaken && isSecret, lines[i]).toBe(false);
      });
    }),
    { numRuns: 80 },
  );
  expect(takenOnes).toBeGreaterThan(300);
  expect(redactedOnes).toBeGreaterThan(80);
});
