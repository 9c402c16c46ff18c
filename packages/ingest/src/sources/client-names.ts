import type { DetailedPeerCertificate } from "node:tls";

/** How a name of a client's certificate is written: its common name, or an alternative name that is a host or a URI. */
const CLIENT_NAME = /^(?:CN=|DNS:|URI:)./s;

/** Whether it is a name that {@link clientNames} could give. */
export function isClientName(text: string): boolean {
  return CLIENT_NAME.test(text);
}

/**
 * The names of a client's certificate: `CN=…`, `DNS:…` and `URI:…`, exactly as they stand in it. Two common names are none:
 * programs do not agree which one counts.
 *
 * @example
 * clientNames({ subject: { CN: "apiserver" }, subjectaltname: "DNS:a.example" }); // ["CN=apiserver", "DNS:a.example"]
 */
export function clientNames(
  certificate: Pick<DetailedPeerCertificate, "subjectaltname"> & { readonly subject?: { readonly CN?: unknown } },
): readonly string[] {
  const commonName = certificate.subject?.CN;
  // OpenSSL's list; Node puts a name with a comma in it into quotes, and escapes that comma.
  const alternatives = (certificate.subjectaltname ?? "").split(", ").map((name) => {
    const [, kind = "", quoted = ""] = /^([A-Za-z ]+:)(".*")$/s.exec(name) ?? [];
    return quoted === "" ? name : `${kind}${String(JSON.parse(quoted))}`;
  });
  return [...(typeof commonName === "string" ? [`CN=${commonName}`] : []), ...alternatives].filter(isClientName);
}
