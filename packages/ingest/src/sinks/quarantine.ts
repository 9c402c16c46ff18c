import type { KeyObject } from "node:crypto";
import { closeSync, createReadStream, fsyncSync, openSync, rmSync, writeSync } from "node:fs";
import { readdir, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { syncFolder } from "../state/checkpoint.ts";
import { fileError, reasonOf } from "../errors.ts";
import { LineSealer, openSealedLine, readPrivateKey } from "../state/sealed-line.ts";
import { makeFolder } from "../state/make-folder.ts";

/** Raw bytes of one line that are being sealed while it passes. */
export interface SealedLine {
  push(bytes: Buffer, start: number, end: number): void;
  /** The line has ended. Gives what makes it durable under the line's id, and may be repeated; undefined when it could not be written. */
  end(): ((id: string) => Promise<void>) | undefined;
}

export interface QuarantineOptions {
  readonly folder: string;
  /** Who alone can read what is in it. */
  readonly recipient: KeyObject;
  /** Most bytes in it. Default 1 GiB. */
  readonly maxBytes?: number;
  /** Told why a line is not in it; its hash is kept all the same. */
  readonly onLost: (reason: string) => void;
}

const DEFAULT_MAX_BYTES = 1024 * 1024 * 1024;
const SEALED = /^[0-9a-f]{32}\.sealed$/;

/** A folder of lines over the limit, a file each, encrypted to a public key: nothing here can read them. */
export class Quarantine {
  readonly #options: QuarantineOptions;
  #bytes: number;
  #begun = 0;

  private constructor(options: QuarantineOptions, bytes: number) {
    this.#options = options;
    this.#bytes = bytes;
  }

  /** Opens the folder; what a crash left unfinished is removed, its line comes again. */
  static async open(options: QuarantineOptions): Promise<Quarantine> {
    const { folder } = options;
    try {
      await makeFolder(folder);
      let bytes = 0;
      for (const name of await readdir(folder)) {
        if (SEALED.test(name)) {
          bytes += (await stat(join(folder, name))).size;
        } else if (name.startsWith(".begun-")) {
          rmSync(join(folder, name));
        }
      }
      return new Quarantine(options, bytes);
    } catch (error) {
      throw fileError("open quarantine", folder, error);
    }
  }

  /** Begins a line. It is written as it passes, because it is too long to be held. */
  begin(): SealedLine {
    const { folder, recipient, maxBytes = DEFAULT_MAX_BYTES, onLost } = this.#options;
    const path = join(folder, `.begun-${this.#begun++}`);
    let file: number | undefined;
    let length = 0;
    const giveUp = (reason: string): void => {
      if (file !== undefined) {
        closeSync(file);
        rmSync(path, { force: true });
        file = undefined;
      }
      onLost(reason);
    };
    const attempt = (act: () => void): void => {
      try {
        act();
      } catch (error) {
        giveUp(reasonOf(error));
      }
    };
    const write = (bytes: Buffer): void => {
      if (file === undefined) {
        return;
      }
      if (this.#bytes + length + bytes.length > maxBytes) {
        giveUp(`the quarantine is full (${maxBytes} bytes)`);
        return;
      }
      for (let at = 0; at < bytes.length;) {
        at += writeSync(file, bytes, at);
      }
      length += bytes.length;
    };
    let sealer: LineSealer | undefined;
    attempt(() => {
      file = openSync(path, "wx", 0o600);
      sealer = new LineSealer(recipient, write);
    });
    return {
      push: (bytes, start, end) => attempt(() => file !== undefined && sealer?.push(bytes, start, end)),
      end: () => {
        attempt(() => {
          sealer?.end();
          if (file !== undefined) {
            fsyncSync(file);
          }
        });
        if (file === undefined) {
          return undefined;
        }
        closeSync(file);
        file = undefined;
        this.#bytes += length;
        let isNamed = false;
        return async (id) => {
          if (!isNamed) {
            await rename(path, join(folder, `${id}.sealed`));
            isNamed = true;
          }
          await syncFolder(folder);
        };
      },
    };
  }
}

/** A line of a quarantine: its raw bytes, or why they cannot be had. */
export interface OpenedLine {
  readonly file: string;
  readonly bytes: AsyncIterable<Buffer>;
}

/** The sealed lines of a state folder, each to be read with the private key of `keyFile` (PEM), wherever both have been brought. */
export async function openQuarantine(stateFolder: string, keyFile: string): Promise<readonly OpenedLine[]> {
  const key = await readPrivateKey(keyFile);
  const folder = join(stateFolder, "quarantine");
  const names = await readdir(folder).catch((error: unknown) => {
    throw fileError("open quarantine", folder, error);
  });
  return names
    .filter((name) => SEALED.test(name))
    .sort()
    .map((name) => {
      const file = join(folder, name);
      return { file, bytes: openSealedLine(createReadStream(file), key, file) };
    });
}
