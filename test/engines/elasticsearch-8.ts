import { execFile, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, open, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { freePort } from "./free-port.ts";
import { ENGINES } from "./engine-cache.ts";

/** A real Elasticsearch 8 on 127.0.0.1 with TLS and security. */
export interface SecuredElasticsearch {
  readonly url: string;
  readonly version: string;
  /** PEM of the authority that signed its certificate. */
  readonly ca: string;
  readonly username: string;
  readonly password: string;
  /** Path and body to the server as its administrator; the status and the answer. */
  readonly ask: (method: string, path: string, body?: unknown) => Promise<{ status: number; answer: unknown }>;
  readonly stop: () => Promise<void>;
}

const VERSION = "8.19.21";
const ARTIFACT = `org.elasticsearch.distribution.integ-test-zip:elasticsearch:${VERSION}:zip`;
const SOURCES = fileURLToPath(new URL("elasticsearch-8/", import.meta.url));
const START_LIMIT_MS = 240_000;
/** The server refuses to run as root. */
const UNPRIVILEGED = 65_534;
const run = promisify(execFile);

/**
 * Starts Elasticsearch 8.19 of Elastic's integration tests, with TLS and security; API keys work. Needs Maven, a JDK 17 to 21
 * (ES_JAVA_HOME or /usr/lib/jvm) and openssl, and says which is missing.
 */
export async function startSecuredElasticsearch(): Promise<SecuredElasticsearch> {
  const java = await findJava();
  const home = await install(ENGINES, java);
  const folder = await mkdtemp(join(tmpdir(), "elasticsearch-8-"));
  const port = await freePort();
  const password = randomBytes(12).toString("hex");
  await configure(home, folder, port, await freePort(), password, java);
  const server = await launch(home, folder, java);
  const url = `https://127.0.0.1:${port}`;
  const ca = await readFile(join(folder, "config", "ca.crt"), "utf8");
  const ask = (method: string, path: string, body?: unknown): Promise<{ status: number; answer: unknown }> =>
    curl(url, join(folder, "config", "ca.crt"), password, method, path, body);
  await untilUp(ask, server, folder);
  return {
    url,
    version: VERSION,
    ca,
    username: "elastic",
    password,
    ask,
    stop: async () => {
      await end(server);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function findJava(): Promise<string> {
  const jvms = await readdir("/usr/lib/jvm").catch(() => []);
  const homes = [process.env["ES_JAVA_HOME"], ...jvms.map((name) => join("/usr/lib/jvm", name))];
  for (const home of homes) {
    if (home !== undefined && existsSync(join(home, "bin", "javac"))) {
      const { stderr, stdout } = await run(join(home, "bin", "java"), ["-version"]);
      const major = Number(/version "(\d+)/.exec(stderr + stdout)?.[1] ?? 0);
      if (major >= 17 && major <= 21) {
        return home;
      }
    }
  }
  throw new Error(
    `Cannot start Elasticsearch ${VERSION}: no JDK 17 to 21 (Debian: apt-get install openjdk-17-jdk-headless)`,
  );
}

/** Fetches the server once; a half-finished one never stands under the final name. */
async function install(cache: string, java: string): Promise<string> {
  const home = join(cache, `elasticsearch-${VERSION}`);
  if (existsSync(home)) {
    return home;
  }
  await mkdir(cache, { recursive: true });
  const building = await mkdtemp(join(cache, "building-"));
  const copy = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy";
  await run("mvn", ["-q", "-B", copy, `-Dartifact=${ARTIFACT}`, `-DoutputDirectory=${building}`]);
  await run(join(java, "bin", "jar"), ["xf", `elasticsearch-${VERSION}.zip`], { cwd: building });
  const server = join(building, `elasticsearch-${VERSION}`);
  // jar keeps no modes.
  await run("sh", ["-c", "chmod +x bin/* $(find . -name controller -type f)"], { cwd: server });
  const plugin = join(server, "plugins", "engine-analysis");
  await mkdir(plugin, { recursive: true });
  const classes = join(building, "classes");
  const source = join(SOURCES, "AnalysisPlugin.java");
  await run(join(java, "bin", "javac"), ["-nowarn", "-cp", `${join(server, "lib")}/*`, "-d", classes, source]);
  await run(join(java, "bin", "jar"), ["cf", join(plugin, "engine-analysis.jar"), "-C", classes, "."]);
  const descriptor = [
    "name=engine-analysis",
    "description=analysis of the index of API keys",
    "version=1",
    `elasticsearch.version=${VERSION}`,
    "java.version=17",
    "classname=engine.AnalysisPlugin",
  ];
  await writeFile(join(plugin, "plugin-descriptor.properties"), `${descriptor.join("\n")}\n`);
  await run("chmod", ["-R", "a+rX", building]);
  await rename(server, home).catch((error: unknown) => {
    if (!existsSync(home)) {
      throw error;
    }
  });
  await rm(building, { recursive: true });
  return home;
}

async function configure(
  home: string,
  folder: string,
  port: number,
  transportPort: number,
  password: string,
  java: string,
): Promise<void> {
  const config = join(folder, "config");
  await Promise.all(
    ["config/jvm.options.d", "data", "logs", "tmp"].map((name) => mkdir(join(folder, name), { recursive: true })),
  );
  for (const name of ["log4j2.properties", "jvm.options"]) {
    await copyFile(join(home, "config", name), join(config, name));
  }
  await writeFile(join(config, "jvm.options.d", "heap.options"), "-Xms512m\n-Xmx512m\n");
  await makeCertificates(config);
  const lines = [
    "cluster.name: engine",
    "node.name: engine",
    "network.host: 127.0.0.1",
    `http.port: ${port}`,
    `transport.port: ${transportPort}`,
    "discovery.type: single-node",
    `path.data: ${join(folder, "data")}`,
    `path.logs: ${join(folder, "logs")}`,
    "cluster.routing.allocation.disk.threshold_enabled: false",
    "xpack.security.enabled: true",
    "xpack.security.http.ssl.enabled: true",
    "xpack.security.http.ssl.key: http.key",
    "xpack.security.http.ssl.certificate: http.crt",
    "xpack.security.http.ssl.certificate_authorities: [ca.crt]",
  ];
  await writeFile(join(config, "elasticsearch.yml"), `${lines.join("\n")}\n`);
  const keystore = join(home, "bin", "elasticsearch-keystore");
  const env = { ...process.env, ES_PATH_CONF: config, ES_JAVA_HOME: java };
  await run(keystore, ["create"], { env });
  const adding = spawn(keystore, ["add", "-x", "-f", "bootstrap.password"], {
    env,
    stdio: ["pipe", "ignore", "ignore"],
  });
  adding.stdin.end(password);
  await new Promise((resolve) => adding.once("exit", resolve));
  if (process.getuid?.() === 0) {
    await run("chown", ["-R", `${UNPRIVILEGED}:${UNPRIVILEGED}`, folder]);
  }
}

/** An authority and a certificate for 127.0.0.1 that it signed. */
async function makeCertificates(folder: string): Promise<void> {
  const openssl = (...args: readonly string[]): Promise<unknown> => run("openssl", args, { cwd: folder });
  const key = ["-newkey", "rsa:2048", "-nodes", "-sha256"];
  await writeFile(join(folder, "san.cnf"), "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n");
  const isAuthority = ["-addext", "keyUsage=critical,keyCertSign"];
  await openssl(
    "req",
    "-x509",
    ...key,
    "-days",
    "2",
    "-keyout",
    "ca.key",
    "-out",
    "ca.crt",
    "-subj",
    "/CN=test",
    ...isAuthority,
  );
  await openssl("req", ...key, "-keyout", "http.key", "-out", "http.csr", "-subj", "/CN=127.0.0.1");
  const by = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-sha256", "-extfile", "san.cnf"];
  await openssl("x509", "-req", "-in", "http.csr", ...by, "-out", "http.crt");
}

async function launch(home: string, folder: string, java: string): Promise<ChildProcess> {
  const output = await open(join(folder, "out.log"), "a");
  const env = {
    ...process.env,
    ES_PATH_CONF: join(folder, "config"),
    ES_TMPDIR: join(folder, "tmp"),
    ES_JAVA_HOME: java,
  };
  const isRoot = process.getuid?.() === 0;
  const server = spawn(join(home, "bin", "elasticsearch"), [], {
    env,
    cwd: folder,
    stdio: ["ignore", output.fd, output.fd],
    ...(isRoot && { uid: UNPRIVILEGED, gid: UNPRIVILEGED }),
  });
  await output.close();
  return server;
}

async function untilUp(ask: SecuredElasticsearch["ask"], server: ChildProcess, folder: string): Promise<void> {
  for (const limit = performance.now() + START_LIMIT_MS; performance.now() < limit; await sleep(300)) {
    if (server.exitCode !== null) {
      break;
    }
    const { status } = await ask("GET", "/_cluster/health").catch(() => ({ status: 0 }));
    if (status === 200) {
      return;
    }
  }
  await end(server);
  const log = await readFile(join(folder, "out.log"), "utf8");
  throw new Error(`Elasticsearch ${VERSION} did not start within ${START_LIMIT_MS / 1000} s:\n${log.slice(-3000)}`);
}

/** curl, because it takes a private authority without a library. */
async function curl(
  url: string,
  ca: string,
  password: string,
  method: string,
  path: string,
  body: unknown,
): Promise<{ status: number; answer: unknown }> {
  const data =
    body === undefined ? [] : ["-H", "content-type: application/json", "--data-binary", JSON.stringify(body)];
  const args = ["-s", "--cacert", ca, "-u", `elastic:${password}`, "-X", method, "-w", "\n%{http_code}", ...data];
  const { stdout } = await run("curl", [...args, `${url}${path}`], { maxBuffer: 64 * 1024 * 1024 });
  const end = stdout.lastIndexOf("\n");
  return { status: Number(stdout.slice(end + 1)), answer: JSON.parse(stdout.slice(0, end) || "null") };
}

/** The launcher ends its server with it. */
async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) {
    return;
  }
  const exit = new Promise((resolve) => server.once("exit", resolve));
  server.kill("SIGTERM");
  await exit;
}
