import { readFileSync } from "node:fs";
import { zstdDecompressSync } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createRedactor } from "../redact.ts";
import { SCAN, sharedEngine } from "../scan-wasm/engine.ts";
import { EventScan } from "../scan.ts";
import { createNameTest } from "./credential-name.ts";
import { FieldTable } from "./field.ts";
import { base64, CANARY, event, JWT, PEM, PLACES } from "./planted-events.suite.ts";
import type { Json } from "./planted-events.suite.ts";
import { expectNoMissedSecret } from "./quiet-line.suite.ts";
import { QuietLine } from "./quiet-line.ts";

const redactor = createRedactor({ key: new Uint8Array(32).fill(3) });
const scan = new EventScan();
const quiet = new QuietLine(new FieldTable(), createNameTest());

/** Fails unless both ways of redaction give the same; gives whether the line was quiet. */
function agree(text: string): boolean {
  const line = Buffer.from(text);
  if (!scan.scan(line, 0, line.length)) {
    return false;
  }
  const isQuiet = quiet.secrets(scan)?.length === 0;
  const expected = redactor.redactLine(line);
  const given = redactor.redactScanned(scan, line);
  if (given.compare(expected) !== 0 || (isQuiet && expected !== line)) {
    throw new Error(`Redacted otherwise:\n${text}\n${expected.toString()}\n${given.toString()}`);
  }
  return isQuiet;
}

/** Every letter but those of the event's own fields as an escape. */
function disguised(text: string): string {
  return text.replaceAll(
    /(?<=[:,[{]")(?!kind"|level"|stage"|requestURI"|verb"|user")[a-z](?=[^"\\]*")/gi,
    (letter) => String.raw`\u00${letter.charCodeAt(0).toString(16)}`,
  );
}

describe("a quiet line has nothing to redact", () => {
  test.each(Object.entries(PLACES))("%s: found all the same", (_, planted) => {
    const compact = JSON.stringify(planted);
    const texts = [
      compact,
      JSON.stringify(planted, undefined, 1).replaceAll("\n", " "),
      compact.replaceAll('":', '"\t:'),
      disguised(compact),
    ];
    for (const text of texts) {
      expect(agree(text)).toBe(false);
    }
  });

  test("of a working day nine of ten lines are quiet", () => {
    const lines = zstdDecompressSync(readFileSync(new URL("../../../../samples/working-day.log.zst", import.meta.url)))
      .toString("utf8")
      .trim()
      .split("\n")
      .filter((_, i) => i % 30 === 0);
    const count = lines.filter(agree).length;
    expect(count).toBeGreaterThan(0.9 * lines.length);
  });

  test("what was redacted before is quiet, unless arguments are looked for in it", () => {
    const lineWith = (member: string): string =>
      JSON.stringify({ ...event({}), responseObject: { a: 1 } }).replace('"a":1', member);
    const hash = '"redacted:0123456789abcdef"';
    for (const key of [
      "kubectl.kubernetes.io/last-applied-configuration",
      "password",
      "Token",
      "stringData",
      "api-key",
    ]) {
      expect(agree(lineWith(`"${key}":${hash}`))).toBe(true);
      for (const other of [
        hash.toUpperCase(),
        hash.replace("f", "g"),
        hash.replace("f", ""),
        hash.replace("f", "f0"),
      ]) {
        expect(agree(lineWith(`"${key}":${other}`))).toBe(false);
      }
    }
    for (const key of ["args", "Command", "value"]) {
      expect(agree(lineWith(`"${key}":${hash}`))).toBe(false);
    }
    const own = createRedactor({ key: new Uint8Array(32).fill(3), extraNames: ["redacted"] });
    const line = Buffer.from(lineWith(`"command":${hash}`));
    expect(scan.scan(line, 0, line.length)).toBe(true);
    expect(own.redactScanned(scan, line).toString()).toBe(own.redactLine(line).toString());
  });

  test("whatever stands where in an event: both ways of redaction give the same", () => {
    const bearer = `Bearer ${base64(CANARY)}`;
    const loud = fc.constantFrom(
      JWT,
      base64(JWT),
      PEM,
      base64(PEM),
      bearer,
      "basic dXNlcjpwYXNzd29yZDE=",
      "Authorization: x",
      "authorization.",
      "https://u:pw4711@h/",
      "http://h?token=abc123",
      "://",
      "token: abcdef.0123456789abcdef",
      "abcdef.0123456789abcdef",
      "ghp_abcdefghijklmnopqrstuv",
      "glpat-abcdefghijklmnopqrst",
      "hvs.abcdefghijklmnopqrstuv",
      "xoxb-1234567890ab",
      "eyJ",
      '{"token":"x1"}',
      '["--password","x2"]',
      '\n{"kind":"Secret","data":{"a":"x3"}}',
      "{",
      "[",
      '"',
      "\\",
      "/",
      " ",
      "\t",
      "Secret",
      "secrets",
      "token",
      "tokenreviews",
      "/secrets",
      "%2Fsecrets",
      "password=x4",
      "--token=x5",
      "é",
      "<&>",
      "plain",
      "",
    );
    const pieces = fc.oneof(
      { weight: 12, arbitrary: fc.constantFrom("plain", "kube-proxy", "10.0.0.1", "a.b", "x17") },
      { weight: 1, arbitrary: loud },
    );
    const text = fc.array(pieces, { maxLength: 2 }).map((parts) => parts.join(""));
    const name = fc.oneof(
      {
        weight: 40,
        arbitrary: fc.constantFrom("kind", "name", "spec", "metadata", "items", "env", "path", "op", "message"),
      },
      {
        weight: 3,
        arbitrary: fc.constantFrom(
          "value",
          "data",
          "stringData",
          "StringData",
          "token",
          "Password",
          "api_key",
          "apiKey",
          "client-key-data",
          "args",
          "command",
          "kubectl.kubernetes.io/last-applied-configuration",
          "$patch",
          "tokens",
          "subresource",
        ),
      },
      { weight: 1, arbitrary: text },
    );
    const { body } = fc.letrec<{ body: Json }>((tie) => ({
      body: fc.oneof(
        { maxDepth: 4, withCrossShrink: true },
        text,
        fc.constantFrom<Json>(null, true, 17),
        fc.array(tie("body"), { maxLength: 3 }),
        fc.array(fc.tuple(name, tie("body")), { maxLength: 4 }).map((members) => Object.fromEntries(members)),
      ),
    }));
    const parameter = fc.tuple(
      fc.constantFrom("command", "watch", "access_token", "continue", "limit", "fieldSelector", "timeout", "x"),
      text,
    );
    const uri = fc
      .tuple(
        fc.constantFrom(
          "/api/v1/pods",
          "/api/v1/secrets",
          "/api/v1/namespaces/a/%73ecrets/b",
          "/x",
          "/y",
          "/apis",
          "/z",
        ),
        text,
        fc.array(parameter, { maxLength: 2 }),
      )
      .map(([path, more, query]) => {
        const encoded = query.map(([key, given], i) => `${key}=${i === 0 ? given : encodeURIComponent(given)}`);
        return `${path}${more}${query.length === 0 ? "" : "?"}${encoded.join("&")}`;
      });
    const reference = fc.record(
      {
        resource: fc.constantFrom(
          "pods",
          "secrets",
          "configmaps",
          "serviceaccounts",
          "tokenreviews",
          "nodes",
          "jobs",
          "leases",
        ),
        subresource: fc.constantFrom("token", "exec", "status", "scale"),
        name: text,
      },
      { requiredKeys: [] },
    );
    const fields = fc.record(
      {
        requestURI: uri,
        objectRef: reference,
        userAgent: text,
        requestObject: body,
        responseObject: body,
        annotations: fc.dictionary(name, text, { maxKeys: 2 }),
        responseStatus: fc.record({ message: text }),
      },
      { requiredKeys: [] },
    );
    const spelling = fc.constantFrom(undefined, 1, "escaped" as const);
    let quietOnes = 0;
    const property = fc.property(fields, spelling, (given, spelled) => {
      const compact = JSON.stringify(event(given));
      const written =
        spelled === 1
          ? JSON.stringify(event(given), undefined, 1).replaceAll("\n", " ")
          : spelled === undefined
            ? compact.replaceAll(/[<>&]/g, (letter) => String.raw`\u00${letter.charCodeAt(0).toString(16)}`)
            : disguised(compact);
      quietOnes += agree(written) ? 1 : 0;
    });
    fc.assert(property, { numRuns: 300 });
    expect(quietOnes).toBeGreaterThan(40);
  });

  test("names of the user's own count, whatever they are made of", () => {
    for (const extraNames of [["pin-code"], ['a"b'], ["größe"]]) {
      const own = createRedactor({ key: new Uint8Array(32).fill(3), extraNames });
      const line = Buffer.from(
        JSON.stringify(event({ requestObject: { spec: { [(extraNames[0] ?? "").toUpperCase()]: "x17" } } })),
      );
      expect(scan.scan(line, 0, line.length)).toBe(true);
      expect(own.redactScanned(scan, line).equals(own.redactLine(line))).toBe(true);
    }
    const own = createRedactor({ key: new Uint8Array(32).fill(3), extraNames: ["pin-code"] });
    const line = Buffer.from(JSON.stringify(event({ requestObject: { "PIN-code": "x17" } })));
    scan.scan(line, 0, line.length);
    expect(own.redactScanned(scan, line).toString()).not.toContain("x17");
  });
});

test("an event about secrets or tokens, with and without what may show them: both ways of redaction give the same", () => {
  const object = fc.constantFrom<Json>(
    { resource: "secrets", namespace: "a", name: "b" },
    { resource: "tokenreviews" },
    { resource: "serviceaccounts", subresource: "token" },
    { resource: "serviceaccounts" },
    { resource: "pods" },
  );
  const shown = fc.record(
    {
      requestURI: fc.constantFrom("/api/v1/namespaces/a/secrets?limit=5", "/api/v1/%73ecrets/b", "/api/v1/pods"),
      objectRef: object,
      responseStatus: fc.constantFrom<Json>(
        { metadata: {}, code: 200 },
        { metadata: {}, code: 404, message: 'secrets "b" not found' },
        { metadata: {}, code: 422, Message: `Invalid value: "${CANARY}"` },
        { metadata: {}, code: 422, details: { causes: [{ message: `not ${CANARY}` }] } },
      ),
      annotations: fc.constantFrom<Json>(
        { "authorization.k8s.io/decision": "allow" },
        { data: CANARY },
        { Data: { a: CANARY }, metadata: "x" },
      ),
      requestObject: fc.constantFrom<Json>({ data: { a: CANARY } }, { spec: {} }, CANARY),
      responseObject: fc.constantFrom<Json>({ kind: "Status", message: CANARY }, { items: [{ data: { a: CANARY } }] }),
    },
    { requiredKeys: ["requestURI"] },
  );
  let quietOnes = 0;
  fc.assert(
    fc.property(shown, fc.boolean(), (fields, isDisguised) => {
      const text = JSON.stringify(event(fields));
      quietOnes += agree(isDisguised ? disguised(text) : text) ? 1 : 0;
    }),
    { numRuns: 200 },
  );
  expect(quietOnes).toBeGreaterThan(5);
});

test("whatever a string is made of: both ways of redaction give the same", () => {
  const piece = fc.constantFrom(
    "https://kubernetes.io/docs",
    "http://u:pw@h",
    "://",
    "@",
    "?x=1",
    "?token=x",
    String.raw`\u0026token=x`,
    String.raw`\u003c`,
    "users",
    "clusters",
    "password: x",
    String.raw`\"`,
    String.raw`\\`,
    String.raw`\n`,
    " eyJ",
    "eyJhbGciOiJIUzI1NiJ9",
    "eyJzdWIiOiJ4In0",
    ".",
    "_-",
    "/",
    ",",
    "é",
    "KEY",
    "hvs.0123456789abcdef01234567",
    "glpat-0123456789abcdef0123",
    "ghp_0123456789abcdef0123456789",
    "github_pat_0123456789abcdef01234",
    "token",
    "a",
    "x".repeat(17),
    `${"y".repeat(130)} `,
    "z".repeat(2000),
  );
  const text = fc.array(piece, { minLength: 1, maxLength: 7 }).map((pieces) => pieces.join(""));
  let quietOnes = 0;
  fc.assert(
    fc.property(text, fc.constantFrom("x", "values", "keys"), text, (value, name, other) => {
      const line = `{"level":"Request","stage":"ResponseComplete","requestURI":"/x","verb":"create","user":{"username":"x"},"requestObject":{"y":["${other}"],"${name}":"${value}"}}`;
      quietOnes += agree(line) ? 1 : 0;
    }),
    { numRuns: 250 },
  );
  expect(quietOnes).toBeGreaterThan(40);
});

describe("a reference to a Secret", () => {
  test.each([
    ['{"group":"","version":"","kind":"Secret"}', true],
    ['{"kind":"Secret","namespace":"a","name":"b"}', true],
    ['{"kind":"Secret","data":"x17"}', false],
    ['{"Data":"x17","kind":"Secret"}', false],
    ['{"kind":"Secret","data":{"a":"x17"}}', false],
    ['{"data":{"a":"x17"},"kind":"Secret"}', false],
    ['{"data":"x17","a":"{","kind":"Secret"}', false],
    ['{"data":"x17","a{":"{","b":"x","kind":"Secret"}', false],
    ['{"a":"}","kind":"Secret","b":"}","data":"x17"}', false],
    ['{"kind":"Secret","a":"\\"}","data":"x17"}', false],
    ['{"kind":"Secret","message":"x17"}', false],
    ['{"op":"add","kind":"Secret","path":"/data/a","value":"x17"}', false],
    ['["{","x","Secret",{"data":"x17"}]', false],
  ])("%s: quiet %s", (object, isQuiet) => {
    const line = (about: string): string =>
      `{"level":"Request","stage":"ResponseComplete","requestURI":"/x","verb":"create","user":{"username":"x"},"requestObject":${about}}`;
    expect(agree(line(object))).toBe(isQuiet);
    // In a long line little is looked at around it.
    const far = `"${"x".repeat(6000)}"`;
    expect(agree(line(`[${far},${object},{"y":${object}},${far}]`))).toBe(isQuiet);
  });
});

describe("a request URI", () => {
  const path = fc.constantFrom(
    ...Array<string>(4).fill("/api/v1/namespaces/a-1/pods/p-2/exec"),
    "/api/v1/namespaces/a/secrets/b",
    "/api/v1/%73ecrets",
    "/apis/x/v1/y/bearer%20abcdefgh12345678",
  );
  const plain = fc.constantFrom(
    "limit=500",
    "timeout=7m12s",
    "watch",
    "fieldSelector=metadata.name%3Dweb-1",
    "labelSelector=app+in+(a%2Cb9)",
  );
  const telling = fc.constantFrom(
    "continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEifQ",
    "continue=eyJ2IjoibWV0YS5r.OHMuaW8vdjEifQ.c2ln",
    "x=basic%09dXNlcjpwYXNzd29yZA==",
    "x=basic+dXNlcjpwYXNzd29yZA",
    "x=%62earer%20abcdefgh12345678",
    "x=token%3A+abcdef.0123456789abcdef",
    "x=token:abcdef.0123456789abcdef",
    "url=https%3A%2F%2Fu%3Ap4%40h",
    "token=x1",
    "to%6ben=x1y2",
    String.raw`to\u006ben=x1y2`,
    "pass1=x",
    "command=sh",
    "command=--password%3Dx",
    "x=a%26token%3Dy",
    String.raw`x=a\\u0026token=1`,
    "x=%zz7",
    "x=%C3%A9",
    "x=%C0%AF4",
    String.raw`x=\u003c5`,
    "é=1",
  );
  const parameter = fc.oneof({ weight: 3, arbitrary: plain }, { weight: 1, arbitrary: telling });
  const separator = fc.constantFrom("&", String.raw`\u0026`);
  const uri = fc
    .tuple(path, fc.array(fc.tuple(parameter, separator), { maxLength: 4 }))
    .map(([start, parts]) => start + parts.map(([part, by], i) => (i === 0 ? "?" : by) + part).join(""));
  const lineOf = (written: string): string =>
    `{"level":"Request","stage":"ResponseComplete","requestURI":"${written}","verb":"get","user":{"username":"x"}}`;

  test("however it is written: both ways of redaction give the same", () => {
    let quietOnes = 0;
    fc.assert(
      fc.property(uri, (written) => {
        quietOnes += agree(lineOf(written)) ? 1 : 0;
      }),
      { numRuns: 300 },
    );
    expect(quietOnes).toBeGreaterThan(30);
  });

  test("QuietLine.about: with other digits where they may differ, what the search lets pass has nothing to redact", () => {
    let passed = 0;
    fc.assert(
      fc.property(
        uri,
        fc.array(fc.constantFrom("0", "7", "16", "3141592653589793"), { minLength: 1 }),
        (written, others) => {
          const line = Buffer.from(lineOf(written));
          expect(scan.scan(line, 0, line.length)).toBe(true);
          const kept = quiet.about(scan);
          if (kept === undefined) {
            return;
          }
          const query = line.indexOf("?");
          const behind = scan.valueEnd("requestURI");
          let turn = 0;
          const other = line
            .toString("latin1")
            .replaceAll(/\\u[0-9a-f]{4}|\d+/g, (digits, at: number) =>
              digits.startsWith("\\") ||
              query === -1 ||
              at < query ||
              at >= behind ||
              kept.some(({ start, end }) => at + digits.length > start && at < end)
                ? digits
                : (others[turn++ % others.length] ?? ""),
            );
          const bytes = Buffer.from(other, "latin1");
          expect(scan.scan(bytes, 0, bytes.length)).toBe(true);
          quiet.secrets(scan);
          if (sharedEngine().exports.nextSuspect(SCAN, SCAN + bytes.length) === -1) {
            passed += turn > 0 ? 1 : 0;
            expect(redactor.redactLine(bytes), other).toBe(bytes);
          }
        },
      ),
      { numRuns: 300 },
    );
    expect(passed).toBeGreaterThan(20);
  });
});

describe("QuietLine", () => {
  const table = new FieldTable();
  const isQuiet = (rest: string): boolean => {
    const line = Buffer.from(
      `{"level":"Request","stage":"ResponseComplete","requestURI":"/x","verb":"create","user":{"username":"x"}${rest}}`,
    );
    return scan.scan(line, 0, line.length) && quiet.secrets(scan)?.length === 0;
  };

  test.each(table.telling())("sees the field %s in any case", (name) => {
    const mixed = name
      .split("")
      .map((letter, i) => (i % 2 === 0 ? letter.toUpperCase() : letter))
      .join("");
    for (const spelled of [name, name.toUpperCase(), mixed]) {
      expect(isQuiet(`,"requestObject":{"${spelled}":"x"}`), spelled).toBe(false);
      expect(isQuiet(`,"requestObject":{"a":[{"${spelled}" \t:7}]}`), spelled).toBe(false);
    }
  });

  test("finds far into long lines what the walk finds", () => {
    const far = "x".repeat(5000);
    for (const [value, name] of [
      ["https://u:pw4711@h/", "x"],
      [`${far} \\" https://u:pw4711@h/`, "x"],
      [`https://h/ ${far}@`, "x"],
      ["pw4711", "kapp.k14s.io/original"],
      [`pw4711 \\"${far}`, "kapp.k14s.io/original"],
      [`eyJhbGciOiJIUzI1NiJ9${"y".repeat(1900)}.eyJzdWIiOiJ4In0.pw4711`, "x"],
      [`eyJhbGciOiJIUzI1NiJ9${"y".repeat(4900)}.eyJzdWIiOiJ4In0.pw4711`, "x"],
    ]) {
      for (const lead of ["", `"y":"${far}",`]) {
        const line = Buffer.from(
          `{"level":"Request","stage":"ResponseComplete","requestURI":"/x","verb":"create","user":{"username":"x"},"requestObject":{${lead}"z":"http://z/","${name}":"${value}"}}`,
        );
        expect(scan.scan(line, 0, line.length)).toBe(true);
        const expected = redactor.redactLine(line);
        expect(redactor.redactScanned(scan, line).equals(expected), value).toBe(true);
        expect(expected.includes("pw4711")).toBe(false);
      }
    }
  });

  test("says the same whichever scans and redactors are used by turns", () => {
    const own = createRedactor({ key: new Uint8Array(32).fill(3), extraNames: ["zz"] });
    const lines = ['{"zz":"x"}', '{"y":"x"}', '{"password":"x"}'].map((body) =>
      Buffer.from(JSON.stringify(event({ requestObject: JSON.parse(body) as Json }))),
    );
    const scans = lines.map((line) => {
      const one = new EventScan();
      expect(one.scan(line, 0, line.length)).toBe(true);
      return one;
    });
    const changed = (by: typeof redactor): boolean[] =>
      lines.map((line, i) => by.redactScanned(scans[i] as EventScan, line) !== line);
    for (let turn = 0; turn < 3; turn++) {
      expect(changed(redactor)).toEqual([false, false, true]);
      expect(changed(own)).toEqual([true, false, true]);
    }
  });

  test("is not quiet over the size that is looked at", () => {
    expect(isQuiet(`,"requestObject":"${"x".repeat(400_000)}"`)).toBe(true);
    expect(isQuiet(`,"requestObject":"${"x".repeat(600_000)}"`)).toBe(false);
  });

  test.each(["eyJ", "key", "://", String.raw`token\"`, "a://b?", "authorization"])(
    "does not take long over a line full of %s",
    (piece) => {
      const start = process.cpuUsage();
      isQuiet(`,"requestObject":{"x":"${piece.repeat(500_000 / piece.length)}"}`);
      // Milliseconds, where each place walked to the end would take minutes.
      expect(process.cpuUsage(start).user / 1e6).toBeLessThan(20);
    },
  );

  test("calls nothing quiet that the walk would change, whatever is put into recorded lines", () => {
    expectNoMissedSecret(800);
  });

  test("arguments of a command must stay as they are, all of them", () => {
    const kept = (uri: string): readonly string[] | undefined => {
      const line = Buffer.from(JSON.stringify({ ...event({}), requestURI: uri }).replaceAll("&", String.raw`\u0026`));
      expect(scan.scan(line, 0, line.length)).toBe(true);
      return quiet.about(scan)?.map(({ start, end }) => line.toString("latin1", start, end));
    };
    const path = "/api/v1/namespaces/a/pods/b/exec";
    expect(kept(`${path}?container=c1&command=mysql&command=%2D%69x`)).toEqual([
      String.raw`container=c1\u0026command=mysql\u0026command=%2D%69x`,
    ]);
    expect(kept(`${path}?container=c1&command=mysql&command=%2D%70x`)).toBeUndefined();
    expect(kept(`${path}?container=c1&limit=5&x2=y`)).toEqual(["x2=y"]);
  });
});
