import { execFile, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, open, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { freePort } from "./free-port.ts";
import { ENGINES } from "./engine-cache.ts";

/** A real Elasticsearch on 127.0.0.1. */
export interface RunningElasticsearch {
  readonly url: string;
  readonly version: string;
  /** What the server wrote. */
  readonly log: () => Promise<string>;
  /** Ends the process and starts it again on the same data. */
  readonly restart: (signal: "SIGTERM" | "SIGKILL") => Promise<void>;
  readonly stop: () => Promise<void>;
}

export interface ElasticsearchEngineOptions {
  /** Where the server is kept once it is assembled. Default: a folder below the system's temporary one. */
  readonly cacheFolder?: string;
  /** More lines of elasticsearch.yml. */
  readonly settings?: readonly string[];
}

const VERSION = "9.5.3";
const SOURCES = fileURLToPath(new URL("elasticsearch/", import.meta.url));
const LEAST_JAVA = 21;
const START_LIMIT_MS = 180_000;
const run = promisify(execFile);

/**
 * Starts Elasticsearch 9.5.3, assembled from the jars of the Maven registry: no security, no lifecycle, no ingest
 * processors, but the real index, mapping and bulk code. Fails, and says what to install, where Java or Maven is missing.
 */
export async function startElasticsearch(options: ElasticsearchEngineOptions = {}): Promise<RunningElasticsearch> {
  const java = await findJava();
  const home = await install(options.cacheFolder ?? ENGINES, java);
  const folder = await mkdtemp(join(tmpdir(), "elasticsearch-"));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  await configure(folder, port, options.settings ?? []);
  let server = await launch(java, home, folder, url);
  return {
    url,
    version: VERSION,
    log: () => readFile(join(folder, "out.log"), "utf8"),
    restart: async (signal) => {
      await end(server, signal);
      server = await launch(java, home, folder, url);
      await untilAnswer(`${url}/_cluster/health?wait_for_status=yellow&timeout=120s`, server, folder);
    },
    stop: async () => {
      await end(server, "SIGKILL");
      await rm(folder, { recursive: true });
    },
  };
}

async function findJava(): Promise<string> {
  const jvms = await readdir("/usr/lib/jvm").catch(() => []);
  const homes = [
    process.env["ES_JAVA_HOME"],
    process.env["JAVA_HOME"],
    ...jvms.map((name) => join("/usr/lib/jvm", name)),
  ];
  for (const home of homes) {
    if (home !== undefined && existsSync(join(home, "bin", "javac")) && (await javaVersion(home)) >= LEAST_JAVA) {
      return home;
    }
  }
  throw new Error(
    `Cannot start Elasticsearch ${VERSION}: no JDK of version ${LEAST_JAVA} or later in ES_JAVA_HOME, JAVA_HOME or /usr/lib/jvm. Install one (Temurin 25 is known to work)`,
  );
}

async function javaVersion(home: string): Promise<number> {
  try {
    const { stderr, stdout } = await run(join(home, "bin", "java"), ["-version"]);
    return Number(/version "(\d+)/.exec(stderr + stdout)?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** Assembles the server once; a half-finished one never stands under the final name. */
async function install(cache: string, java: string): Promise<string> {
  const home = join(cache, `elasticsearch-${VERSION}`);
  if (existsSync(home)) {
    return home;
  }
  await mkdir(cache, { recursive: true });
  const building = await mkdtemp(join(cache, "building-"));
  const lib = join(building, "lib");
  const copyDependencies = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies";
  try {
    await run("mvn", ["-q", "-B", "-f", join(SOURCES, "pom.xml"), copyDependencies, `-DoutputDirectory=${lib}`]);
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    throw new Error(
      isMissing
        ? `Cannot assemble Elasticsearch ${VERSION}: Maven (mvn) is not installed. Install it (Debian: apt-get install maven)`
        : `Cannot assemble Elasticsearch ${VERSION}: Maven could not fetch its jars`,
      { cause: error },
    );
  }
  const netty = join(building, "modules", "transport-netty4");
  await mkdir(netty, { recursive: true });
  for (const jar of await readdir(lib)) {
    if (jar.startsWith("netty-") || jar.startsWith("transport-netty4-")) {
      await rename(join(lib, jar), join(netty, jar));
    }
  }
  await describePlugin(netty, "transport-netty4", "org.elasticsearch.transport.netty4.Netty4Plugin");
  const rest = join(building, "modules", "rest-root");
  await mkdir(rest, { recursive: true });
  await describePlugin(rest, "rest-root", "engine.rest.RootPlugin");
  const javac = (source: string, output: string): Promise<unknown> =>
    run(join(java, "bin", "javac"), [
      "-nowarn",
      "-cp",
      `${lib}/*`,
      "-d",
      join(building, output),
      join(SOURCES, source),
    ]);
  await javac("NodeMain.java", "classes");
  await javac("RootPlugin.java", "rest-classes");
  await run(join(java, "bin", "jar"), ["cf", join(rest, "rest-root.jar"), "-C", join(building, "rest-classes"), "."]);
  await mkdir(join(building, "native"));
  await symlink(findZstd(), join(building, "native", "libzstd.so"));
  await rename(building, home).catch(async (error: unknown) => {
    // Another test was faster.
    await rm(building, { recursive: true });
    if (!existsSync(home)) {
      throw error;
    }
  });
  return home;
}

function describePlugin(folder: string, name: string, className: string): Promise<void> {
  const lines = [
    `name=${name}`,
    `description=${name}`,
    `version=${VERSION}`,
    `elasticsearch.version=${VERSION}`,
    `java.version=${LEAST_JAVA}`,
    `classname=${className}`,
  ];
  return writeFile(join(folder, "plugin-descriptor.properties"), `${lines.join("\n")}\n`);
}

function findZstd(): string {
  const places = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/lib"];
  const found = places.map((place) => join(place, "libzstd.so.1")).find((path) => existsSync(path));
  if (found === undefined) {
    throw new Error(
      `Cannot assemble Elasticsearch ${VERSION}: libzstd.so.1 is missing (Debian: apt-get install libzstd1)`,
    );
  }
  return found;
}

async function configure(folder: string, port: number, settings: readonly string[]): Promise<void> {
  await Promise.all(["config", "data", "logs", "tmp"].map((name) => mkdir(join(folder, name))));
  const lines = [
    "cluster.name: engine",
    "node.name: engine",
    "network.host: 127.0.0.1",
    `http.port: ${port}`,
    `transport.port: ${await freePort()}`,
    "discovery.type: single-node",
    `path.data: ${join(folder, "data")}`,
    `path.logs: ${join(folder, "logs")}`,
    "cluster.routing.allocation.disk.threshold_enabled: false",
    ...settings,
  ];
  await writeFile(join(folder, "config", "elasticsearch.yml"), `${lines.join("\n")}\n`);
  await copyFile(join(SOURCES, "log4j2.properties"), join(folder, "config", "log4j2.properties"));
}

async function launch(java: string, home: string, folder: string, url: string): Promise<ChildProcess> {
  const output = await open(join(folder, "out.log"), "a");
  const server = spawn(
    join(java, "bin", "java"),
    [
      "-Xms512m",
      "-Xmx512m",
      "-XX:+ExitOnOutOfMemoryError",
      `-Djava.io.tmpdir=${join(folder, "tmp")}`,
      `-Des.nativelibs.path=${join(home, "native")}`,
      "-Dorg.elasticsearch.nativeaccess.enableVectorLibrary=false",
      "-cp",
      `${join(home, "classes")}:${join(home, "lib")}/*`,
      "--add-modules=jdk.incubator.vector",
      "--enable-native-access=ALL-UNNAMED",
      "--sun-misc-unsafe-memory-access=allow",
      "engine.NodeMain",
      home,
      join(folder, "config"),
    ],
    { stdio: ["ignore", output.fd, output.fd], cwd: folder },
  );
  await output.close();
  await untilAnswer(`${url}/_cluster/health`, server, folder);
  return server;
}

async function untilAnswer(url: string, server: ChildProcess, folder: string): Promise<void> {
  for (const end = performance.now() + START_LIMIT_MS; performance.now() < end; await sleep(100)) {
    if (server.exitCode !== null) {
      break;
    }
    const isUp = await fetch(url).then(
      (response) => response.ok,
      () => false,
    );
    if (isUp) {
      return;
    }
  }
  server.kill("SIGKILL");
  const log = await readFile(join(folder, "out.log"), "utf8");
  throw new Error(`Elasticsearch ${VERSION} did not start within ${START_LIMIT_MS / 1000} s:\n${log.slice(-3000)}`);
}

async function end(server: ChildProcess, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) {
    return;
  }
  const exit = new Promise((resolve) => server.once("exit", resolve));
  server.kill(signal);
  await exit;
}
