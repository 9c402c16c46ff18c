import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readSubject } from "./certificate-request.ts";

/** Made by openssl 3.0 (`openssl req -new -utf8 -subj …`). */
const REQUESTS: readonly (readonly [string, string, string, readonly string[]])[] = [
  [
    "two organizations and a name",
    "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIME1JR2JBZ0VBTURreEZ6QVZCZ05WQkFvTURuTjVjM1JsYlRwdFlYTjBaWEp6TVF3d0NnWURWUVFLREFOawpaWFl4RURBT0JnTlZCQU1NQjIxaGJHeHZjbmt3V1RBVEJnY3Foa2pPUFFJQkJnZ3Foa2pPUFFNQkJ3TkNBQVM1CndKS2ZsbDE2Y254ODl2akVXbE44Y2wvMDgwViszMTJENkNyOW5ySHljRlY4WTdFYzZDUmphTG11OWlJUGRQOTgKSHZ0YjJwbjh0ckUrWUh6Wm5NYVBvQUF3Q2dZSUtvWkl6ajBFQXdJRFNBQXdSUUlnVitrZ29BTlpSU1hiTXZlVApUTmluMTY5UWp5TnNCSmIrZmVmeWlYY29HRk1DSVFEUFNmb1Y5TlpUMzVRQ0gwVXQvRDFTbjg1aytlQnlEa3NaCjd5RnZ1Mk0wS2c9PQotLS0tLUVORCBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0K",
    "mallory",
    ["system:masters", "dev"],
  ],
  [
    "no organization",
    "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIak1JR0xBZ0VBTUNreEp6QWxCZ05WQkFNTUhuTjVjM1JsYlRwelpYSjJhV05sWVdOamIzVnVkRHB6YUc5dwpPbmRsWWpCWk1CTUdCeXFHU000OUFnRUdDQ3FHU000OUF3RUhBMElBQkxuQWtwK1dYWHB5Zkh6MitNUmFVM3h5ClgvVHpSWDdmWFlQb0t2MmVzZkp3Vlh4anNSem9KR05vdWE3MklnOTAvM3dlKzF2YW1meTJzVDVnZk5tY3hvK2cKQURBS0JnZ3Foa2pPUFFRREFnTkhBREJFQWlBSm1jQXJrbXdOWG9leFB5Vmp3bkRwaGYrMkN4UlhEYm1jM0ExbQpzMk5VbmdJZ1VLNzB2UW5lVjFPZEg3Rm13WHA4bGVRQ2wvbVkxT2NpU3N4VEVRSFRYL0k9Ci0tLS0tRU5EIENFUlRJRklDQVRFIFJFUVVFU1QtLS0tLQo=",
    "system:serviceaccount:shop:web",
    [],
  ],
  [
    "a node",
    "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlId01JR1dBZ0VBTURReEZUQVRCZ05WQkFvTURITjVjM1JsYlRwdWIyUmxjekViTUJrR0ExVUVBd3dTYzNsegpkR1Z0T201dlpHVTZibTlrWlMwNU1Ga3dFd1lIS29aSXpqMENBUVlJS29aSXpqMERBUWNEUWdBRXVjQ1NuNVpkCmVuSjhmUGI0eEZwVGZISmY5UE5GZnQ5ZGcrZ3EvWjZ4OG5CVmZHT3hIT2drWTJpNXJ2WWlEM1QvZkI3N1c5cVoKL0xheFBtQjgyWnpHajZBQU1Bb0dDQ3FHU000OUJBTUNBMGtBTUVZQ0lRQzFTZVpJU1NHWEdpWUNQcTl4b21rNwpaOEVwMFRoVWFMcWJ4NWhJU2tIeHdnSWhBSlBlNExpYmljYk9aZ1JuRTQ2cE1ZWTN2NUJRbXFaTXpuTURoZHJMCnhTeU0KLS0tLS1FTkQgQ0VSVElGSUNBVEUgUkVRVUVTVC0tLS0tCg==",
    "system:node:node-9",
    ["system:nodes"],
  ],
  [
    "two names, of which Go takes the last, and an umlaut",
    "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIdU1JR1ZBZ0VBTURNeERqQU1CZ05WQkFNTUJXWnBjbk4wTVE4d0RRWURWUVFEREFaelpXTnZibVF4RURBTwpCZ05WQkFvTUIxckR2SEpwWTJnd1dUQVRCZ2NxaGtqT1BRSUJCZ2dxaGtqT1BRTUJCd05DQUFTNXdKS2ZsbDE2CmNueDg5dmpFV2xOOGNsLzA4MFYrMzEyRDZDcjluckh5Y0ZWOFk3RWM2Q1JqYUxtdTlpSVBkUDk4SHZ0YjJwbjgKdHJFK1lIelpuTWFQb0FBd0NnWUlLb1pJemowRUF3SURTQUF3UlFJZ0ZJa0JZdUc4akdEaDVSekplUm4zNkphOQoxTUNaTVdWM25QbFhqUXFVRDN3Q0lRQ2dOdld5WW5PQ3BHM015OEhYVk9YS0MyT1N5RDNGR0xTYU1maGx5WXMvCmRRPT0KLS0tLS1FTkQgQ0VSVElGSUNBVEUgUkVRVUVTVC0tLS0tCg==",
    "second",
    ["Zürich"],
  ],
  [
    "an RSA key, another country and another name",
    "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlJQ29qQ0NBWW9DQVFBd05qRUxNQWtHQTFVRUJoTUNRMGd4RnpBVkJnTlZCQW9NRG5ONWMzUmxiVHB0WVhOMApaWEp6TVE0d0RBWURWUVFEREFWaFpHMXBiakNDQVNJd0RRWUpLb1pJaHZjTkFRRUJCUUFEZ2dFUEFEQ0NBUW9DCmdnRUJBT3ZPOEdrUFNsbnFGd2FtNkMvUXd1WFY0MUhTZFgwNG80dm4za040Tm8raFpQV2pSaEJYLzIwdzN1V1EKdTU1Wml3OUtFRVhmYys3WFNHOWRka1lHcVBUb1c0bnpqclVWM0hEWXRmVGtaTVVTT0N1SEdjV2d1dEUrZzVSdQphUHIrcjFPQkZrVUZDSkMrMnQyeFYrV3RISVh5RVJWMEtzczZpTTJTNm9xU0J4TDc5QWVEYVBEWW40bGRXMTVXCjB0S1Y0RGdKK3c3RHI2aFZRZi9BYzlyazBRay8xaCtxb1dKb1lwZ3dEamg3a0dhV2Q5ZDdHUjMrV0dwdjN5N0oKajZzU0FmK280SkswMTJiSzlNQnhLbmI0U1hlT3Bvb1liVllWUGd5NGcvS2FHa3NuUFVWQlZqVHhDbFprYnZYKwpuVkpHdU5razFYZ2ViY0Y1WlVJYm9VRGtGU0VDQXdFQUFhQW5NQ1VHQ1NxR1NJYjNEUUVKRGpFWU1CWXdGQVlEClZSMFJCQTB3QzRJSllTNWxlR0Z0Y0d4bE1BMEdDU3FHU0liM0RRRUJDd1VBQTRJQkFRQ1I3R3dBeWFyQU1GcHkKUkJnVkdzU01leXdqckZlYjdKOW91SFFIVStFNkJKaEdIZzNydXFrZE5zUEY2ZnArbEdBbEV1cExVL2YzNHV1cwpJcDNVTzFMNkR1VCtVUW5Xdlo2blNYNG5tb2kxb21yWXU4b29aa1Y1cUVBVWE5b3JMWmlRcHZxbWVVTFh6Q0Z2CnpkamEzZjNteWIxMHVUSzBrTVRzbWVCTmhPelI3WWZwSFUySlFkYTNFTUZ2N3cvTXIxUC81eExxbmpRc25sakMKOXhrNzFONnBzTDJkVXpHQmhMWC9WSzN3aXBmbEpBOUxzRDRmLzQ4dklycHlXT1ZaUUphNFZBMXdwSFNUaTFvQwpXVU9PSm5UVHVicHlTSmMwVkg1Y0tVUnp2bkxYWk52MVBpNURySlBDakkvWEJwdkFXYVZZRnBPNUJCWHZ4ZkdhCnpkSnlMZDJzCi0tLS0tRU5EIENFUlRJRklDQVRFIFJFUVVFU1QtLS0tLQo=",
    "admin",
    ["system:masters"],
  ],
];

const pem = (der: Buffer, label = "CERTIFICATE REQUEST"): string =>
  Buffer.from(`-----BEGIN ${label}-----\n${der.toString("base64")}\n-----END ${label}-----\n`).toString("base64");
const derOf = (request: string): Buffer =>
  Buffer.from(
    Buffer.from(request, "base64")
      .toString()
      .replace(/-----[^-]*-----/g, ""),
    "base64",
  );

const element = (tag: number, ...parts: readonly Buffer[]): Buffer => {
  const value = Buffer.concat(parts);
  const length =
    value.length < 0x80
      ? [value.length]
      : value.length < 0x100
        ? [0x81, value.length]
        : [0x82, value.length >> 8, value.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), value]);
};
const attribute = (oid: string, tag: number, value: Buffer): Buffer =>
  element(0x31, element(0x30, element(0x06, Buffer.from(oid, "hex")), element(tag, value)));
const requestOf = (...names: readonly Buffer[]): Buffer =>
  element(0x30, element(0x30, element(0x02, Buffer.from([0])), element(0x30, ...names), element(0x30)), element(0x30));

describe("readSubject", () => {
  it.each(REQUESTS)("reads %s", (_, request, commonName, organizations) => {
    expect(readSubject(request)).toEqual({ commonName, organizations });
  });

  it("reads whatever names were written, in every kind of text", () => {
    const text = fc.string({ unit: "grapheme", maxLength: 200 });
    fc.assert(
      fc.property(text, fc.array(text, { maxLength: 5 }), (name, organizations) => {
        const utf8 = organizations.map((one) => attribute("55040a", 0x0c, Buffer.from(one)));
        const wide = attribute("550403", 0x1e, Buffer.from(name, "utf16le").swap16());
        const other = attribute("550406", 0x13, Buffer.from("CH"));
        expect(readSubject(pem(requestOf(other, ...utf8, wide)))).toEqual({ commonName: name, organizations });
      }),
    );
  });

  it.each([
    ["", "nothing"],
    ["redacted:0000", "a placeholder"],
    [pem(Buffer.alloc(0)), "no bytes"],
    [pem(Buffer.from([0x30, 0x80])), "an indefinite length"],
    [pem(Buffer.from([0x30, 0x84, 0xff, 0xff, 0xff, 0xff])), "a length beyond its end"],
    [pem(derOf(REQUESTS[0]?.[1] ?? ""), "CERTIFICATE"), "a certificate"],
    ["A".repeat(70_000), "more than a request may have"],
  ])("gives nothing for %#: %s", (request) => {
    expect(readSubject(request)).toBeUndefined();
  });

  it("neither throws nor tells of another subject, whatever is cut or changed", () => {
    const [, request = "", name] = REQUESTS[0] ?? [];
    const der = derOf(request);
    fc.assert(
      fc.property(fc.nat(der.length), fc.nat(255), (at, byte) => {
        const cut = readSubject(pem(der.subarray(0, at)));
        expect(cut === undefined || cut.commonName === name).toBe(true);
        const changed = Buffer.from(der);
        changed[Math.min(at, der.length - 1)] = byte;
        readSubject(pem(changed));
      }),
      { numRuns: 200 },
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void readSubject(pem(Buffer.from(bytes)))));
  });
});
