import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { buildGoProgram } from "./go-program.ts";
import type { GoBuildOptions } from "./go-program.ts";

/** A request as `auditsieve policy eval` takes it. */
export interface OracleRequest {
  readonly noUser?: boolean;
  readonly user?: string;
  readonly groups?: readonly string[];
  readonly verb?: string;
  readonly isResourceRequest?: boolean;
  readonly apiGroup?: string;
  readonly apiVersion?: string;
  readonly resource?: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly path?: string;
}

/** A policy's text and requests to decide under it. */
export interface OracleQuestion {
  readonly policy: string;
  readonly requests: readonly OracleRequest[];
}

/** What the apiserver's own code says; fields without a value are absent. */
export interface OracleAnswer {
  /** What the apiserver would die with. */
  readonly error?: string;
  /** What it would only log. */
  readonly strictError?: string;
  readonly fieldErrors?: readonly string[];
  /** By request; absent where the policy is refused. */
  readonly results?: readonly OracleDecision[];
}

export interface OracleDecision {
  readonly level: string;
  readonly omitStages: readonly string[];
  readonly omitManagedFields: boolean;
}

/** A running oracle. Questions are answered in order; `stop` ends its process. */
export interface PolicyOracle {
  ask(questions: readonly OracleQuestion[]): Promise<readonly OracleAnswer[]>;
  stop(): Promise<void>;
}

/** Starts k8s.io/apiserver v0.37.2's policy code as a process of its own; the first start builds it, in about a minute. */
export async function startPolicyOracle(options: GoBuildOptions = {}): Promise<PolicyOracle> {
  const folder = fileURLToPath(new URL(".", import.meta.url));
  const binary = await buildGoProgram({ name: "policy-oracle", folder }, options);
  const child = spawn(binary, { stdio: ["pipe", "pipe", "inherit"] });
  const waiting: { resolve: (answer: OracleAnswer) => void; reject: (error: Error) => void }[] = [];
  const fail = (reason: string): void => {
    for (const { reject } of waiting.splice(0)) {
      reject(new Error(`The policy oracle ended before it answered: ${reason}`));
    }
  };
  const ended = new Promise<void>((resolve) => {
    child.once("error", (error) => {
      fail(error.message);
      resolve();
    });
    child.once("close", (code, signal) => {
      fail(`exit ${code ?? signal}`);
      resolve();
    });
  });
  child.stdin.on("error", (error) => fail(error.message));
  createInterface({ input: child.stdout }).on("line", (line) => {
    waiting.shift()?.resolve(JSON.parse(line) as OracleAnswer);
  });
  return {
    ask: (questions) =>
      Promise.all(
        questions.map(
          (question, id) =>
            new Promise<OracleAnswer>((resolve, reject) => {
              waiting.push({ resolve, reject });
              child.stdin.write(`${JSON.stringify({ id, ...question })}\n`);
            }),
        ),
      ),
    stop: async () => {
      child.stdin.end();
      await ended;
    },
  };
}
