/** Keys of a service account's Secret that hold what everybody may know: the cluster's certificate, a namespace's name. */
const PUBLIC_KEYS: ReadonlySet<string> = new Set(["ca.crt", "namespace"]);
const SHORTEST = 8;

/** The secret values of the recorded events: of Secrets (as stored and decoded), of their last-applied copies, of tokens. */
export function collectSecrets(lines: readonly Buffer[]): ReadonlySet<string> {
  const secrets = new Set<string>();
  const add = (value: string): void => {
    if (value.length >= SHORTEST) secrets.add(value);
  };
  for (const line of lines) {
    const text = line.toString();
    for (const [token] of text.matchAll(/eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}/g)) {
      add(token);
      add(token.split(".")[2] ?? "");
    }
    if (!text.includes("Secret")) continue;
    const event = JSON.parse(text) as { requestObject?: unknown; responseObject?: unknown };
    const isSecrets = text.includes('"objectRef":{"resource":"secrets"');
    for (const body of [event.requestObject, event.responseObject]) collect(body, isSecrets, add);
  }
  return secrets;
}

/** The kind of a secret that is still in the bytes, plain or in base64; undefined when none is. */
export function findSecret(bytes: Buffer, secrets: ReadonlySet<string>): string | undefined {
  const text = bytes.toString();
  for (const secret of secrets) {
    if (text.includes(secret)) return `a secret value of ${secret.length} letters`;
  }
  if (/eyJ[\w-]{5,}\.[\w-]{5,}/.test(text)) return "a JSON web token";
  if (text.includes("PRIVATE KEY-----")) return "a private key";
  if (/bearer [\w.~+/=-]{12,}/i.test(text)) return "a bearer token";
  return undefined;
}

function collect(value: unknown, isSecret: boolean, add: (value: string) => void): void {
  if (typeof value !== "object" || value === null) return;
  const object = value as { readonly [key: string]: unknown };
  const isHere = isSecret || object["kind"] === "Secret" || object["kind"] === "SecretList";
  for (const [key, member] of Object.entries(object)) {
    if (isHere && (key === "data" || key === "stringData")) addAll(member, add);
    else if (key.endsWith("/last-applied-configuration") && typeof member === "string") {
      const copy = JSON.parse(member) as { kind?: unknown };
      if (copy.kind === "Secret") collect(copy, true, add);
    } else collect(member, isHere, add);
  }
}

function addAll(data: unknown, add: (value: string) => void): void {
  if (typeof data !== "object" || data === null) return;
  for (const [key, value] of Object.entries(data)) {
    if (typeof value !== "string" || PUBLIC_KEYS.has(key)) continue;
    add(value);
    const decoded = Buffer.from(value, "base64").toString();
    if (Buffer.from(decoded).toString("base64") === value) add(decoded);
    else add(Buffer.from(value).toString("base64"));
  }
}
