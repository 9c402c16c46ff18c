import { execFile, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, open, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ENGINES } from "./engine-cache.ts";
import { freePort } from "./free-port.ts";

/** Versions that there is a pom.xml for. */
export type KafkaVersion = "3.9" | "4.1";

/** A real Kafka broker on 127.0.0.1, its own controller. */
export interface RunningKafka {
  /** In the clear, without a password. */
  readonly broker: string;
  /** TLS and SASL (PLAIN and SCRAM-SHA-512), where a certificate was given. */
  readonly secured: string | undefined;
  /** Ends the process and starts it again on the same data; `whileAway` happens in between. */
  readonly restart: (signal: "SIGTERM" | "SIGKILL", whileAway?: () => Promise<void>) => Promise<void>;
  readonly stop: () => Promise<void>;
}

export interface KafkaSecurity {
  readonly cert: string;
  readonly key: string;
  readonly user: string;
  readonly password: string;
  /** The user may do only what ACLs say; who comes in the clear may do everything. */
  readonly hasAcls?: boolean;
}

export interface KafkaEngineOptions {
  readonly version: KafkaVersion;
  /** Where the jars are kept. Default: a folder below the system's temporary one. */
  readonly cacheFolder?: string;
  /** PEM. With it the broker listens with TLS and SASL too, for this user. */
  readonly security?: KafkaSecurity;
}

const SOURCES = fileURLToPath(new URL("kafka/", import.meta.url));
const START_LIMIT_MS = 180_000;
const run = promisify(execFile);

/** Starts a broker from the jars of the Maven registry. Fails, and says what to install, where Java or Maven is missing. */
export async function startKafka(options: KafkaEngineOptions): Promise<RunningKafka> {
  const lib = await install(options.cacheFolder ?? ENGINES, options.version);
  const folder = await mkdtemp(join(tmpdir(), "kafka-"));
  const [port, controller, secured] = [await freePort(), await freePort(), await freePort()];
  const properties = join(folder, "server.properties");
  await writeFile(properties, propertiesOf(folder, port, controller, secured, options.security));
  const scram =
    options.security === undefined
      ? []
      : ["--add-scram", `SCRAM-SHA-512=[name=${options.security.user},password=${options.security.password}]`];
  await run("java", [
    "-Xmx128m",
    "-cp",
    `${lib}/*`,
    "kafka.tools.StorageTool",
    "format",
    "-t",
    "AAAAAAAAAAAAAAAAAAAAAQ",
    "-c",
    properties,
    ...scram,
  ]);
  let server = await launch(lib, folder, port);
  return {
    broker: `127.0.0.1:${port}`,
    secured: options.security === undefined ? undefined : `127.0.0.1:${secured}`,
    restart: async (signal, whileAway) => {
      await end(server, signal);
      await whileAway?.();
      server = await launch(lib, folder, port);
    },
    stop: async () => {
      await end(server, "SIGKILL");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Fetches the jars once; a half-finished folder never stands under the final name. */
async function install(cache: string, version: KafkaVersion): Promise<string> {
  const lib = join(cache, `kafka-${version}`);
  if (existsSync(lib)) {
    return lib;
  }
  await mkdir(cache, { recursive: true });
  const building = await mkdtemp(join(cache, "building-"));
  const goal = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies";
  const pom = join(SOURCES, version, "pom.xml");
  await run("mvn", ["-q", "-B", "-f", pom, goal, "-DincludeScope=runtime", `-DoutputDirectory=${building}`]).catch(
    (error: unknown) => {
      const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
      throw new Error(
        isMissing
          ? `Cannot assemble Kafka ${version}: Maven (mvn) is not installed. Install it (Debian: apt-get install maven)`
          : `Cannot assemble Kafka ${version}: Maven could not fetch its jars`,
        { cause: error },
      );
    },
  );
  if ((await readdir(building)).length === 0) {
    throw new Error(`Cannot assemble Kafka ${version}: Maven fetched nothing`);
  }
  await rename(building, lib).catch(async (error: unknown) => {
    // Another test was faster.
    await rm(building, { recursive: true });
    if (!existsSync(lib)) {
      throw error;
    }
  });
  return lib;
}

function propertiesOf(
  folder: string,
  port: number,
  controller: number,
  secured: number,
  security: KafkaEngineOptions["security"],
): string {
  const open = `PLAINTEXT://127.0.0.1:${port}`;
  const advertised = security === undefined ? open : `${open},SASL_SSL://127.0.0.1:${secured}`;
  const oneLine = (pem: string): string => pem.trim().replaceAll("\n", "\\n");
  const plain = "org.apache.kafka.common.security.plain.PlainLoginModule required";
  const scram = "org.apache.kafka.common.security.scram.ScramLoginModule required";
  return [
    "process.roles=broker,controller",
    "node.id=1",
    `controller.quorum.voters=1@127.0.0.1:${controller}`,
    `listeners=${advertised},CONTROLLER://127.0.0.1:${controller}`,
    `advertised.listeners=${advertised}`,
    "controller.listener.names=CONTROLLER",
    "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL",
    "inter.broker.listener.name=PLAINTEXT",
    `log.dirs=${join(folder, "data")}`,
    "num.partitions=1",
    "offsets.topic.num.partitions=1",
    "offsets.topic.replication.factor=1",
    "transaction.state.log.num.partitions=1",
    "transaction.state.log.replication.factor=1",
    "transaction.state.log.min.isr=1",
    "share.coordinator.state.topic.replication.factor=1",
    "share.coordinator.state.topic.min.isr=1",
    "group.initial.rebalance.delay.ms=0",
    "auto.create.topics.enable=false",
    ...(security === undefined
      ? []
      : [
          "ssl.keystore.type=PEM",
          `ssl.keystore.certificate.chain=${oneLine(security.cert)}`,
          `ssl.keystore.key=${oneLine(security.key)}`,
          "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512",
          `listener.name.sasl_ssl.plain.sasl.jaas.config=${plain} user_${security.user}="${security.password}";`,
          `listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=${scram};`,
          ...(security.hasAcls === true
            ? [
                "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
                "super.users=User:ANONYMOUS",
              ]
            : []),
        ]),
    "",
  ].join("\n");
}

async function launch(lib: string, folder: string, port: number): Promise<ChildProcess> {
  const output = await open(join(folder, "out.log"), "a");
  const server = spawn(
    "java",
    [
      "-Xms384m",
      "-Xmx384m",
      "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
      // Java does not ask TMPDIR; what a broker that is killed has unpacked goes with its folder.
      `-Djava.io.tmpdir=${folder}`,
      "-cp",
      `${lib}/*`,
      "kafka.Kafka",
      join(folder, "server.properties"),
    ],
    { stdio: ["ignore", output.fd, output.fd], cwd: folder },
  );
  await output.close();
  const kill = (): void => {
    server.kill("SIGKILL");
  };
  // A test run that is cut short leaves nothing behind.
  process.once("exit", kill);
  server.once("exit", () => process.removeListener("exit", kill));
  for (const limit = performance.now() + START_LIMIT_MS; performance.now() < limit; await sleep(100)) {
    if (server.exitCode !== null) {
      break;
    }
    if (await accepts(port)) {
      return server;
    }
  }
  server.kill("SIGKILL");
  const log = await readFile(join(folder, "out.log"), "utf8");
  throw new Error(`Kafka did not start within ${START_LIMIT_MS / 1000} s:\n${log.slice(-3000)}`);
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

async function end(server: ChildProcess, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) {
    return;
  }
  const exit = new Promise((resolve) => server.once("exit", resolve));
  server.kill(signal);
  await exit;
}
