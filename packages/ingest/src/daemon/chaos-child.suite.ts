import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const CHILD = fileURLToPath(new URL("daemon-child.suite.ts", import.meta.url));

export interface ChildOptions {
  /** Address of Elasticsearch. */
  readonly node: string;
  /** Holds `audit.log`. */
  readonly folder: string;
  /** Default: `state` in the folder. */
  readonly stateFolder?: string;
  /** Kills itself with SIGKILL at this operation on the files of its checkpoint. */
  readonly dieAtOperation?: number;
  /** Its wall clock is off by as many ms as this file says. */
  readonly clockFile?: string;
  /** While this file is there, its writes fail as on a full disk. */
  readonly fullMarker?: string;
  /** More of the configuration. */
  readonly more?: string;
  /** File of detections; by default there are none. */
  readonly detections?: string;
  /** Its source, as the configuration has it. Default: the log. */
  readonly source?: string;
}

/** A daemon in a process of its own. */
export class Child {
  readonly #process: ChildProcess;
  readonly #exit: Promise<number | null>;

  private constructor(process: ChildProcess) {
    this.#process = process;
    this.#exit = new Promise((resolve) => process.on("exit", resolve));
  }

  /** Resolves when it has started, or has died while starting where it was to. */
  static async start({
    node,
    folder,
    stateFolder,
    dieAtOperation,
    fullMarker,
    clockFile,
    more,
    detections,
    source,
  }: ChildOptions): Promise<Child> {
    const env = {
      ...process.env,
      CHAOS_STATE_FOLDER: stateFolder ?? "",
      CHAOS_DIE_AT: dieAtOperation === undefined ? "" : String(dieAtOperation),
      CHAOS_FULL: fullMarker ?? "",
      CHAOS_CLOCK: clockFile ?? "",
      CHAOS_MORE: more ?? "",
      CHAOS_DETECTIONS: detections ?? "",
      CHAOS_SOURCE: source ?? "",
    };
    const child = spawn(process.execPath, [CHILD, node, folder], { stdio: ["ignore", "pipe", "pipe"], env });
    let errors = "";
    child.stderr.on("data", (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-20_000)));
    await new Promise<void>((resolve, reject) => {
      child.stdout.once("data", () => resolve());
      child.once("exit", () =>
        dieAtOperation === undefined ? reject(new Error(`the daemon did not start: ${errors}`)) : resolve(),
      );
    });
    return new Child(child);
  }

  get isDead(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  /** Most memory that it ever held, in bytes; undefined where the system does not say. */
  peakBytes(): number | undefined {
    try {
      const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.#process.pid}/status`, "utf8"))?.[1];
      return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
    } catch {
      return undefined;
    }
  }

  end(signal: "SIGKILL" | "SIGTERM"): Promise<number | null> {
    this.#process.kill(signal);
    return this.#exit;
  }
}
