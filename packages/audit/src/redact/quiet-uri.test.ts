import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isCredentialName } from "./credential-name.ts";
import { unescapeJson } from "./mapped-text.ts";
import { QuietUri } from "./quiet-uri.ts";
import { asksForSecrets, findUriCredentials } from "./request-uri.ts";
import { mayHoldCredential } from "./text-credentials.ts";

const piece = fc.constantFrom(
  "/api/v1/",
  "namespaces/a/",
  "secrets",
  "/",
  "?",
  "?",
  "&",
  String.raw`\u0026`,
  "=",
  "command=",
  "token=",
  "password",
  "%74oken=",
  "limit=500",
  "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJlIn0.c2ln",
  "%65yJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJlIn0.c2ln",
  "Bearer+abcdefgh12345678",
  "Bearer%20abcdefgh12345678",
  "https://eve:hunter2@host",
  "https%3A%2F%2Feve%3Ahunter2%40host",
  "--password=hunter2",
  "hunter2",
  "%",
  "%2F",
  String.raw`\/`,
  String.raw`\u0065yJ`,
  "web-1",
);
const path = fc.constantFrom("", "/api/v1/secrets", "/api/v1/namespaces/a/secrets/b", "/api/v1/namespaces/a/%73ecrets");
const spelled = fc
  .tuple(path, fc.array(piece, { minLength: 1, maxLength: 8 }))
  .map(([begun, pieces]) => begun + pieces.join(""));

describe("QuietUri", () => {
  test("QuietUri calls no URI quiet in which something is found, unless it is spelled plainly, and knows which ask for Secrets", () => {
    const uris = new QuietUri(isCredentialName);
    let quiet = 0;
    let asking = 0;
    fc.assert(
      fc.property(spelled, (raw) => {
        const uri = unescapeJson(raw, 0, raw.length);
        expect(uris.asksForSecrets(raw)).toBe(asksForSecrets(uri));
        asking += asksForSecrets(uri) ? 1 : 0;
        if (uris.isQuiet(raw) && !mayHoldCredential(raw)) {
          quiet++;
          expect(findUriCredentials(uri)).toEqual([]);
        }
      }),
      { numRuns: 300 },
    );
    expect([quiet > 0, asking > 0]).toEqual([true, true]);
  });
});
