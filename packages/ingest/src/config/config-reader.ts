import { isJsonObject, own } from "@auditsieve/audit";
import type { JsonObject, JsonValue, Problem, YamlDocument } from "@auditsieve/audit";
import type { Detection, DetectionSource } from "@auditsieve/detect";
import { createPrivateKey, X509Certificate } from "node:crypto";

type Path = readonly (string | number)[];

/** Where something stands in the text, or what it would stand in. */
export type Locate = YamlDocument["locate"];

/** What a configuration may refer to; injected, because this room reads no environment and no file by itself. */
export interface References {
  readonly env: (name: string) => string | undefined;
  /** Text of a file; throws when it cannot be read. */
  readonly readFile: (path: string) => string;
}

/** What the configuration names and the caller looks up; the shipped policies and detections live outside this room. */
export interface ConfigReferences extends References {
  /** Text of a stream policy: of a shipped one by name, or of a file. Throws when there is none. */
  readonly policy: (nameOrPath: string) => string;
  /** Sigma texts of these paths, or of the shipped detections. */
  readonly detections: (paths: readonly string[] | undefined) => readonly DetectionSource[];
  /** The shipped detections, where they are loaded already: for a configuration that neither names nor tunes any. */
  readonly loadedDetections?: () => readonly Detection[] | undefined;
}

/** Timers of the platform do not wait longer: they do not wait at all then. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;

/** Reads values out of one YAML document and notes every problem with its place; a value with a problem is undefined. */
export class ConfigReader {
  readonly problems: Problem[] = [];
  readonly #document: YamlDocument;
  readonly #references: References;

  constructor(document: YamlDocument, references: References) {
    this.#document = document;
    this.#references = references;
  }

  problem(path: Path, message: string, hint: string | undefined, severity: Problem["severity"] = "error"): undefined {
    const place = this.#document.locate(path);
    this.problems.push({
      id: "config",
      severity,
      path: pathText(path),
      ...place,
      message: `Cannot ${severity === "error" ? "use" : "fully trust"} the configuration: ${message}`,
      ...(hint !== undefined && { hint }),
    });
    return undefined;
  }

  /** The map at `path`, which may have only `keys`. */
  object(value: JsonValue | undefined, path: Path, keys: readonly string[]): JsonObject | undefined {
    if (!isJsonObject(value)) {
      return this.problem(path, `${pathText(path) || "it"} must be a map`, `Give it one or more of ${keys.join(", ")}`);
    }
    for (const key of Object.keys(value)) {
      if (!keys.includes(key)) {
        this.problem([...path, key], `${pathText([...path, key])} is not known`, `Known here: ${keys.join(", ")}`);
      }
    }
    return value;
  }

  /** The elements of the list at `key`, which must have one at least. */
  list(
    parent: JsonObject,
    key: string,
    path: Path,
    hint = `Write "${key}:" and below it "- type: …"`,
  ): readonly JsonValue[] {
    const value = own(parent, key);
    if (!Array.isArray(value) || value.length === 0) {
      this.problem([...path, key], `${pathText([...path, key])} must be a list with at least one entry`, hint);
      return [];
    }
    return value as readonly JsonValue[];
  }

  /** The text at `key` with `${ENV_NAME}` replaced; a problem when it is absent and `fallback` is too. */
  text(parent: JsonObject, key: string, path: Path, fallback?: string): string | undefined {
    const value = own(parent, key);
    const here = [...path, key];
    if (value === undefined || value === null) {
      return fallback ?? this.problem(path, `${pathText(here)} is missing`, `Add "${key}: …"`);
    }
    return this.#resolved(value, here);
  }

  optional(parent: JsonObject, key: string, path: Path): string | undefined {
    const value = own(parent, key);
    return value === undefined || value === null ? undefined : this.#resolved(value, [...path, key]);
  }

  /** The texts of the list at `key`, each as {@link text}. */
  texts(parent: JsonObject, key: string, path: Path): readonly string[] {
    const hint = `Write "${key}:" and below it one a line, each behind "- "`;
    return this.list(parent, key, path, hint).flatMap((value, i) => this.#resolved(value, [...path, key, i]) ?? []);
  }

  /** Whether the value at `key` is true; `fallback` when absent. */
  flag(parent: JsonObject, key: string, path: Path, fallback: boolean): boolean {
    const value = own(parent, key);
    if (value === undefined || value === null || typeof value === "boolean") {
      return value ?? fallback;
    }
    this.problem([...path, key], `${pathText([...path, key])} must be true or false`, "Write it without quotes");
    return fallback;
  }

  /** A secret: as {@link optional}, and `file:<path>` stands for the content of a file. */
  secret(parent: JsonObject, key: string, path: Path): string | undefined {
    const text = this.optional(parent, key, path);
    const here = [...path, key];
    if (text === undefined || !text.startsWith("file:")) {
      return text;
    }
    const content = this.file(text.slice("file:".length), here)?.trim();
    return content === ""
      ? this.problem(here, `${pathText(here)} names a file that is empty`, "Write the secret into it, or leave it out")
      : content;
  }

  /** Content of the file that the value at `path` names. */
  file(name: string, path: Path): string | undefined {
    try {
      return this.#references.readFile(name);
    } catch (error) {
      return this.problem(
        path,
        `${pathText(path)} names the file "${name}": ${error instanceof Error ? error.message : String(error)}`,
        "Check the path and that this user may read it",
      );
    }
  }

  /** Text of the certificates (PEM) in the file that the value at `key` names; undefined when absent. */
  certificate(parent: JsonObject, key: string, path: Path): string | undefined {
    const name = this.optional(parent, key, path);
    const here = [...path, key];
    const pem = name === undefined ? undefined : this.file(name, here);
    if (pem === undefined) {
      return undefined;
    }
    try {
      void new X509Certificate(pem);
      return pem;
    } catch {
      return this.problem(
        here,
        `${pathText(here)} holds no certificate in PEM form`,
        "Check the file: it begins with -----BEGIN CERTIFICATE-----",
      );
    }
  }

  /** The certificate and the key to it that `certFile` and `keyFile` name, where both are given. */
  keyPair(parent: JsonObject, path: Path): { readonly cert: string; readonly key: string } | undefined {
    const cert = this.certificate(parent, "certFile", path);
    const name = this.optional(parent, "keyFile", path);
    const here = [...path, "keyFile"];
    const key = name === undefined ? undefined : this.file(name, here);
    if ((own(parent, "certFile") === undefined) !== (own(parent, "keyFile") === undefined)) {
      return this.problem(path, "certFile and keyFile belong together", "Give both");
    }
    if (cert === undefined || key === undefined) {
      return undefined;
    }
    try {
      if (new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) {
        return { cert, key };
      }
    } catch {
      return this.problem(
        here,
        `${pathText(here)} holds no private key in PEM form that can be read without a password`,
        "Check the file: it begins with -----BEGIN PRIVATE KEY-----",
      );
    }
    return this.problem(
      here,
      `${pathText(here)} is not the key to the first certificate in certFile`,
      "Give the two that were made together; in a chain the server's own certificate comes first",
    );
  }

  choice<const T extends string>(
    parent: JsonObject,
    key: string,
    path: Path,
    choices: readonly T[],
    fallback?: T,
  ): T | undefined {
    const text = this.text(parent, key, path, fallback);
    const known = choices.find((choice) => choice === text);
    return known !== undefined || text === undefined
      ? known
      : this.problem(
          [...path, key],
          `${pathText([...path, key])} is none of ${choices.join(", ")}`,
          `Use one of ${choices.join(", ")}`,
        );
  }

  /** The whole number at `key`; undefined when absent. */
  count(parent: JsonObject, key: string, path: Path, least = 1, most?: number): number | undefined {
    const value = own(parent, key);
    if (value === undefined || value === null) {
      return undefined;
    }
    const isWhole = typeof value === "number" && Number.isSafeInteger(value);
    if (isWhole && value >= least && value <= (most ?? value)) {
      return value;
    }
    const bound = most === undefined ? `of at least ${least}` : `from ${least} to ${most}`;
    return this.problem(
      [...path, key],
      `${pathText([...path, key])} must be a whole number ${bound}`,
      "Write the number without unit; the name says the unit",
    );
  }

  /** The milliseconds at `key`, which something is to wait; undefined when absent. */
  wait(parent: JsonObject, key: string, path: Path, least = 1): number | undefined {
    return this.count(parent, key, path, least, LONGEST_WAIT_MS);
  }

  #resolved(value: JsonValue, path: Path): string | undefined {
    if (value === "") {
      return this.problem(path, `${pathText(path)} is empty`, "Give it a value, or leave it out");
    }
    if (typeof value !== "string") {
      return this.problem(path, `${pathText(path)} must be a text`, "Put it in quotes");
    }
    let isWhole = true;
    const text = value.replaceAll(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (_whole, name: string) => {
      const found = this.#references.env(name);
      if (found === undefined || found === "") {
        isWhole = false;
        this.problem(
          path,
          `${pathText(path)} refers to the environment variable ${name}, which is not set`,
          `Set ${name} in the environment of the daemon`,
        );
      }
      return found ?? "";
    });
    return isWhole ? text : undefined;
  }
}

/** A path as people write it: `sinks[0].folder`. */
export function pathText(path: Path): string {
  return path.map((step, i) => (typeof step === "number" ? `[${step}]` : `${i === 0 ? "" : "."}${step}`)).join("");
}
