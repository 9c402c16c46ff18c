import { execFile } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A key and a certificate in PEM, and where they stand. */
export interface KeyPair {
  readonly certFile: string;
  readonly keyFile: string;
  readonly cert: string;
  readonly key: string;
}

/** Makes certificates with openssl (3.0 or later) in one folder. */
export class CertificateMaker {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** A certificate that signs others. */
  authority(name: string): Promise<KeyPair> {
    return this.#make(name, `/CN=${name}`, ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign"]);
  }

  /** A client's certificate: the user is CN, the groups are the Os. */
  client(name: string, signer: KeyPair, user: string, groups: readonly string[] = []): Promise<KeyPair> {
    const subject = `${groups.map((group) => `/O=${group}`).join("")}/CN=${user}`;
    return this.#make(name, subject, ["extendedKeyUsage=clientAuth"], signer);
  }

  /** A server's certificate for the loopback interface and further names. */
  server(name: string, signer: KeyPair, subject: string, names: readonly string[] = []): Promise<KeyPair> {
    const alternatives = ["IP:127.0.0.1", "DNS:localhost", ...names].join(",");
    return this.#make(name, subject, ["extendedKeyUsage=serverAuth", `subjectAltName=${alternatives}`], signer);
  }

  /** A request to be signed by somebody else. */
  async request(name: string, subject: string): Promise<{ readonly key: string; readonly request: string }> {
    const [keyFile, file] = [join(this.#folder, `${name}.key`), join(this.#folder, `${name}.csr`)];
    await run("openssl", ["req", "-new", ...NEW_KEY, "-keyout", keyFile, "-out", file, "-subj", subject]);
    return { key: await readFile(keyFile, "utf8"), request: await readFile(file, "utf8") };
  }

  async #make(name: string, subject: string, extensions: readonly string[], signer?: KeyPair): Promise<KeyPair> {
    const [keyFile, certFile] = [join(this.#folder, `${name}.key`), join(this.#folder, `${name}.crt`)];
    const signed = signer === undefined ? [] : ["-CA", signer.certFile, "-CAkey", signer.keyFile];
    const extended = extensions.flatMap((extension) => ["-addext", extension]);
    const written = ["-keyout", keyFile, "-out", certFile, "-subj", subject];
    await run("openssl", ["req", "-x509", "-days", "30", ...NEW_KEY, ...written, ...signed, ...extended]);
    return { certFile, keyFile, cert: await readFile(certFile, "utf8"), key: await readFile(keyFile, "utf8") };
  }
}

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc"];

/** The credential id that the apiserver gives to a client certificate in `user.extra`. */
export function credentialIdOfCertificate(pem: string): string {
  return `X509SHA256=${createHash("sha256").update(new X509Certificate(pem).raw).digest("hex")}`;
}

/** The credential id that the apiserver gives to a service account token in `user.extra`. */
export function credentialIdOfToken(token: string): string {
  const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as { jti?: string };
  return `JTI=${claims.jti ?? ""}`;
}

/** A kubeconfig for a certificate or a token. */
export async function writeKubeconfig(
  file: string,
  server: string,
  ca: KeyPair,
  user: KeyPair | { readonly token: string },
): Promise<void> {
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  const shown =
    "token" in user
      ? { token: user.token }
      : { "client-certificate-data": base64(user.cert), "client-key-data": base64(user.key) };
  const configuration = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "c", cluster: { server, "certificate-authority-data": base64(ca.cert) } }],
    users: [{ name: "u", user: shown }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "x",
  };
  await writeFile(file, JSON.stringify(configuration), { mode: 0o600 });
}
