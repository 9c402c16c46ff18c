import { spawnSync } from "node:child_process";
import type { SpawnSyncReturns } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildGoProgram } from "../engines/policy-oracle/go-program.ts";

const BUILD_TIMEOUT_MS = 10 * 60_000;
const ROOT = join(import.meta.dirname, "../..");
const DOCKERFILE = join(ROOT, "deploy/docker/Dockerfile");
const COMPOSE = join(ROOT, "docker-compose.yml");

interface ReadDockerfile {
  readonly problems: readonly string[];
  readonly stages: readonly { readonly base: string; readonly instructions: readonly string[] }[];
  readonly image: {
    readonly User?: string;
    readonly WorkingDir?: string;
    readonly Entrypoint?: readonly string[];
    readonly Cmd?: readonly string[];
  };
  readonly context: readonly string[];
}

interface ReadCompose {
  readonly images: Readonly<Record<string, string>>;
  readonly project: {
    readonly name: string;
    readonly services: Readonly<
      Record<
        string,
        {
          readonly build?: { readonly context: string; readonly dockerfile: string };
          readonly volumes?: readonly { readonly type: string; readonly source: string; readonly target: string }[];
          readonly environment?: Readonly<Record<string, string>>;
        }
      >
    >;
  };
}

const folder = mkdtempSync(join(tmpdir(), "auditsieve-docker-"));
let dockerfile: string;
let compose: string;

beforeAll(async () => {
  dockerfile = await buildGoProgram({ name: "dockerfile", folder: join(ROOT, "test/engines/dockerfile") });
  compose = await buildGoProgram({ name: "compose", folder: join(ROOT, "test/engines/compose") });
}, BUILD_TIMEOUT_MS);
afterAll(() => rmSync(folder, { recursive: true }));

describe("the Dockerfile, read by BuildKit's frontend,", () => {
  test("is told from one with a problem of each kind, and has none", () => {
    expect(readDockerfile(DOCKERFILE).problems).toEqual([]);
    const worse = join(folder, "Dockerfile");
    writeFileSync(worse, "FROM scratch as build\nENV API_KEY=x\nWORKDIR src\nCMD node main.js\n");
    const { problems } = readDockerfile(worse);
    expect(problems.map((problem) => problem.split(": ")[1] ?? "").toSorted()).toEqual([
      "FromAsCasing",
      "JSONArgsRecommended",
      "SecretsUsedInArgOrEnv",
      "WorkdirRelativePath",
    ]);
  });

  test("gives a distroless image whose user is by itself no root, with nothing that this user could write", () => {
    const { stages, image } = readDockerfile(DOCKERFILE);
    const last = stages.at(-1);
    expect(last?.base).toMatch(/\/distroless\/nodejs\d+-debian\d+:nonroot$/);
    expect(last?.instructions.filter((text) => text.startsWith("RUN"))).toEqual([]);
    expect(last?.instructions.filter((text) => /^(?:COPY|ADD)/.test(text))).toEqual([
      "COPY --from=build --chown=0:0 /app /app",
    ]);
    expect(image).toMatchObject({ User: "65532:65532", WorkingDir: "/app", Cmd: ["--help"] });
  });

  test("starts the file that the package of the command is published with", () => {
    const { name, bin } = JSON.parse(readFileSync(join(ROOT, "packages/cli/package.json"), "utf8")) as {
      readonly name: string;
      readonly bin: Readonly<Record<string, string>>;
    };
    const [file = ""] = Object.values(bin);
    expect(existsSync(join(ROOT, "packages/cli", file))).toBe(true);
    const { image } = readDockerfile(DOCKERFILE);
    expect(image.Entrypoint).toEqual(["/nodejs/bin/node", `/app/node_modules/${name}/${file}`]);
  });

  test("is sent what git knows of, samples too, which the command is compiled with, and nothing else", () => {
    const known = spawnSync("git", ["ls-files"], { cwd: ROOT, encoding: "utf8" }).stdout.trimEnd().split("\n");
    const { context } = readDockerfile(DOCKERFILE);
    const ignored = spawnSync("git", ["check-ignore", "--stdin"], {
      cwd: ROOT,
      input: context.join("\n"),
      encoding: "utf8",
    }).stdout;
    expect(ignored).toBe("");
    const missing = known.filter((file) => !context.includes(file) && existsSync(join(ROOT, file)));
    expect(missing).toEqual([]);
  });
});

describe("docker-compose.yml, read by compose's loader,", () => {
  test("is a project whose services, volumes and conditions are there, with Kafka only where it is asked for", () => {
    const { project } = readCompose([]);
    expect(project.name).toBe("auditsieve");
    expect(Object.keys(project.services).toSorted()).toEqual([
      "auditsieve",
      "elasticsearch",
      "kibana",
      "kibana-objects",
    ]);
    expect(Object.keys(readCompose(["kafka"]).project.services)).toContain("kafka");
    const { build } = project.services["auditsieve"] ?? {};
    expect(join(build?.context ?? "", build?.dockerfile ?? "")).toBe(DOCKERFILE);
    const bound = Object.values(project.services).flatMap(({ volumes = [] }) =>
      volumes.filter(({ type, target }) => type === "bind" && target !== "/var/log/kubernetes"),
    );
    expect(bound.length).toBeGreaterThan(1);
    expect(bound.filter(({ source }) => !existsSync(source))).toEqual([]);
  });

  test("takes the folder of the log from the environment", () => {
    const folderOf = (environment: NodeJS.ProcessEnv): string | undefined =>
      readCompose([], environment).project.services["auditsieve"]?.volumes?.find(
        ({ target }) => target === "/var/log/kubernetes",
      )?.source;
    expect(folderOf({})).toBe(join(ROOT, "out"));
    expect(folderOf({ AUDIT_LOG: "" })).toBe(join(ROOT, "out"));
    expect(folderOf({ AUDIT_LOG: "/var/log/elsewhere" })).toBe("/var/log/elsewhere");
    expect(folderOf({ AUDIT_LOG: "./logs" })).toBe(join(ROOT, "logs"));
  });

  test("names the versions of Elasticsearch and Kafka that the tests run, and of each image one", () => {
    const { images } = readCompose(["kafka"]);
    const version = (file: string): string =>
      /<artifactId>(?:elasticsearch|kafka_2\.13)<\/artifactId>\s*<version>([^<]+)/.exec(
        readFileSync(join(ROOT, "test/engines", file), "utf8"),
      )?.[1] ?? "unknown";
    const elastic = version("elasticsearch/pom.xml");
    expect(images).toEqual({
      elasticsearch: `docker.io/library/elasticsearch:${elastic}`,
      kibana: `docker.io/library/kibana:${elastic}`,
      "kibana-objects": `docker.io/library/elasticsearch:${elastic}`,
      kafka: `docker.io/apache/kafka:${version("kafka/4.1/pom.xml")}`,
    });
  });

  test("keeps what Kafka has in the volume that is there for it", () => {
    const { volumes = [], environment = {} } = readCompose(["kafka"]).project.services["kafka"] ?? {};
    expect(volumes.map(({ target }) => target)).toEqual([environment["KAFKA_LOG_DIRS"]]);
  });

  test("is told from one that names what there is not", () => {
    const text = readFileSync(COMPOSE, "utf8");
    const refusal = (find: string, put: string): string => {
      expect(text).toContain(find);
      const file = join(folder, "compose.yml");
      writeFileSync(file, text.replaceAll(find, put));
      const { status, stderr } = runCompose([file], {});
      expect(status).toBe(1);
      return stderr;
    };
    expect(refusal("read_only: true", "readonly: true")).toMatch(/services\.auditsieve\.readonly/);
    expect(refusal("  state: {}\n", "")).toMatch(/undefined volume state/);
    expect(refusal("{ kibana: { condition", "{ kibanna: { condition")).toMatch(/undefined service "?kibanna/);
    expect(refusal("stop_grace_period: 90s", "stop_grace_period: long")).toMatch(/invalid duration/);
  });
});

function readDockerfile(file: string): ReadDockerfile {
  const { status, stdout, stderr } = spawnSync(dockerfile, [file, ROOT], { encoding: "utf8", maxBuffer: 1 << 26 });
  expect([status, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout) as ReadDockerfile;
}

function readCompose(profiles: readonly string[], environment: NodeJS.ProcessEnv = {}): ReadCompose {
  const { status, stdout, stderr } = runCompose([COMPOSE, ...profiles], environment);
  expect([status, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout) as ReadCompose;
}

function runCompose(args: readonly string[], env: NodeJS.ProcessEnv): SpawnSyncReturns<string> {
  return spawnSync(compose, args, { encoding: "utf8", env, cwd: folder });
}
