/** Who a certificate signing request asks to be: the names that Kubernetes takes from the certificate. */
export interface RequestedSubject {
  /** The last common name (CN), which becomes the user name. */
  readonly commonName: string | undefined;
  /** All organizations (O), which become the groups. */
  readonly organizations: readonly string[];
}

const MAX_LENGTH = 64 * 1024;
const MAX_NAMES = 64;
const SEQUENCE = 0x30;
const SET = 0x31;
const INTEGER = 0x02;
const OBJECT_IDENTIFIER = 0x06;
const COMMON_NAME = "550403";
const ORGANIZATION = "55040a";

/** An element of DER: its tag, and where its value stands. */
interface Element {
  readonly tag: number;
  readonly start: number;
  readonly end: number;
}

/**
 * Reads the subject of `spec.request` of a CertificateSigningRequest: base64 of a PEM block, which holds DER (PKCS #10,
 * RFC 2986). Nothing else of it is looked at. Undefined when it cannot be read.
 *
 * @see https://pkg.go.dev/crypto/x509/pkix#Name.FillFromRDNSequence
 */
export function readSubject(request: string): RequestedSubject | undefined {
  if (request.length > MAX_LENGTH) {
    return undefined;
  }
  const pem = Buffer.from(request, "base64").toString("latin1");
  const [, base64] = /-----BEGIN CERTIFICATE REQUEST-----([^-]*)-----END CERTIFICATE REQUEST-----/.exec(pem) ?? [];
  const der = base64 === undefined ? undefined : Buffer.from(base64, "base64");
  const name = der && subjectOf(der);
  return der && name && namesOf(der, name);
}

/** CertificationRequest { CertificationRequestInfo { version, subject, … }, … } */
function subjectOf(der: Buffer): Element | undefined {
  const request = elementAt(der, 0, der.length, SEQUENCE);
  const info = request && elementAt(der, request.start, request.end, SEQUENCE);
  const version = info && elementAt(der, info.start, info.end, INTEGER);
  return info && version && elementAt(der, version.end, info.end, SEQUENCE);
}

/** Name: SEQUENCE OF SET OF SEQUENCE { type OBJECT IDENTIFIER, value }. */
function namesOf(der: Buffer, name: Element): RequestedSubject | undefined {
  let commonName: string | undefined;
  const organizations: string[] = [];
  for (const set of elementsOf(der, name)) {
    for (const attribute of set?.tag === SET ? elementsOf(der, set) : [undefined]) {
      const type = attribute && elementAt(der, attribute.start, attribute.end, OBJECT_IDENTIFIER);
      const value = type && elementAt(der, type.end, attribute.end);
      if (!value || organizations.length >= MAX_NAMES) {
        return undefined;
      }
      const oid = der.toString("hex", type.start, type.end);
      const text = textOf(der, value);
      if (text !== undefined && oid === COMMON_NAME) {
        commonName = text;
      } else if (text !== undefined && oid === ORGANIZATION) {
        organizations.push(text);
      }
    }
  }
  return { commonName, organizations };
}

/** The elements within one; undefined ends them where they cannot be read. */
function* elementsOf(der: Buffer, within: Element): Generator<Element | undefined> {
  for (let at = within.start; at < within.end;) {
    const element = elementAt(der, at, within.end);
    yield element;
    if (!element) {
      return;
    }
    at = element.end;
  }
}

function elementAt(der: Buffer, at: number, limit: number, tag?: number): Element | undefined {
  const [first, length] = [der[at], der[at + 1]];
  if (first === undefined || length === undefined || at + 2 > limit || (tag !== undefined && first !== tag)) {
    return undefined;
  }
  const bytes = length < 0x80 ? 0 : length - 0x80;
  // DER has no indefinite length; three bytes of length are more than a request may have.
  if (length === 0x80 || bytes > 3 || at + 2 + bytes > limit) {
    return undefined;
  }
  const start = at + 2 + bytes;
  const end = start + (bytes === 0 ? length : der.readUIntBE(at + 2, bytes));
  return end > limit ? undefined : { tag: first, start, end };
}

function textOf(der: Buffer, { tag, start, end }: Element): string | undefined {
  switch (tag) {
    case 0x0c: // UTF8String
      return der.toString("utf8", start, end);
    case 0x12: // NumericString
    case 0x13: // PrintableString
    case 0x14: // T61String
    case 0x16: // IA5String
      return der.toString("latin1", start, end);
    case 0x1e: // BMPString: UTF-16, the high byte first
      return (end - start) % 2 === 0 ? Buffer.from(der.subarray(start, end)).swap16().toString("utf16le") : undefined;
    default:
      return undefined;
  }
}
