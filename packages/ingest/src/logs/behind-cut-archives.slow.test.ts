import { readEventLines } from "@auditsieve/audit";
import { Readable } from "node:stream";
import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { openCanonicalLog } from "./canonical-log.ts";

let state = 20_261_127;

function below(count: number): number {
  state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
  return Math.floor((state / 2_147_483_648) * count);
}

/** Events that pack as badly as those of an audit log; `n` is the number of each. */
function events(from: number, count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => {
    const id = [0, 0, 0].map(() => below(2 ** 31).toString(36)).join("-");
    return `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"${id}","stage":"ResponseComplete","requestURI":"/version?n=${from + i}","verb":"get","user":{"username":"jane"}}`;
  });
}

const lines = (each: readonly string[]): string => each.map((line) => `${line}\n`).join("");
const item = (event: string): string => event.replace('"kind":"Event","apiVersion":"audit.k8s.io/v1",', "");
const aks = (event: string): string =>
  `{ "time": "2026-11-24T00:13:26.47Z", "operationName": "x", "category": "kube-audit", "resourceId": "/S", "properties": ${JSON.stringify({ log: event })}}`;
const gke = (event: string): string =>
  `{"insertId":"1","logName":"projects/p/logs/a","protoPayload":{"serviceName":"k8s.io","methodName":"io.k8s.get","resourceName":"${/[?]n=\d+/.exec(event)?.[0].slice(1).replace("=", "/")}","authenticationInfo":{"principalEmail":"jane"}},"timestamp":"2026-11-24T00:13:26.4Z"}`;
const list = (each: readonly string[], space?: number): string =>
  JSON.stringify({ kind: "EventList", items: each.map((event) => JSON.parse(event) as unknown) }, undefined, space);
const wide = (text: string): Buffer => Buffer.from(text, "utf16le");

const FORMS: Readonly<Record<string, (each: readonly string[]) => string | Buffer>> = {
  "events a line": lines,
  "events of v1beta1 a line": (each) => lines(each).replaceAll("io/v1", "io/v1beta1"),
  "items a line": (each) => lines(each.map(item)),
  "events behind a byte order mark": (each) => `\uFEFF${lines(each)}`,
  "an EventList": list,
  "an EventList over lines": (each) => list(each, 2),
  "records of AKS a line": (each) => lines(each.map(aks)),
  "records of AKS": (each) => `{"records": [${each.map(aks).join(",")}]}`,
  "entries of GKE a line": (each) => lines(each.map(gke)),
  "entries of GKE": (each) => `[${each.map(gke).join(",\n")}]`,
  "a CloudWatch export": (each) => each.map((event) => `2026-11-24T00:13:26.471Z ${event}\n`).join(""),
  "a CloudWatch tail": (each) => each.map((event) => `1795478006471 stream-a ${event}\n`).join(""),
  "a CloudWatch document": (each) =>
    JSON.stringify({ messageType: "DATA_MESSAGE", logEvents: each.map((message) => ({ id: "1", message })) }),
  "UTF-16": (each) => wide(lines(each)),
  "UTF-16 with a mark": (each) => wide(`\uFEFF${lines(each)}`),
  "UTF-16 of the other order": (each) => wide(`\uFEFF${lines(each)}`).swap16(),
};
const PACKED: Readonly<Record<string, (text: string) => Buffer>> = {
  gzip: (text) => gzipSync(text),
  zstd: (text) => zstdCompressSync(text),
  "zstd of level 19": (text) => zstdCompressSync(text, { params: { [constants.ZSTD_c_compressionLevel]: 19 } }),
};

/** As a pipe may give them. */
function piecesOf(bytes: Buffer): readonly Buffer[] {
  const length = 100 + below(60_000);
  return Array.from({ length: Math.ceil(bytes.length / length) }, (_, i) =>
    bytes.subarray(i * length, (i + 1) * length),
  );
}

/** Numbers of the events of a log. */
async function numbersIn(parts: readonly Buffer[]): Promise<readonly number[]> {
  const found: number[] = [];
  const add = (): void => {
    const number = /[?/]n[=/](\d+)/.exec(log.scan.bytes.toString("latin1", log.scan.start, log.scan.end))?.[1];
    found.push(Number(number));
  };
  const log = readEventLines({ event: add, salvaged: add, undecidable: () => undefined, oversize: () => undefined });
  try {
    for await (const chunk of openCanonicalLog(Readable.from(parts), "a log")) {
      log.write(chunk);
    }
  } catch {
    // Its damage has been said.
  }
  log.end();
  return found;
}

describe.each(Object.entries(PACKED))("openCanonicalLog, behind a part of %s that is damaged", (_packed, pack) => {
  const first = pack(lines(events(0, 2000)));

  test.each(Object.entries(FORMS))(
    "reads all of %s that stand there",
    async (form, make) => {
      const text = Buffer.from(make(events(10_000, 60)) as string);
      for (const at of [0.13, 0.5, 0.97].map((part) => Math.floor(part * first.length) + below(500))) {
        const cut = first.subarray(0, at);
        const damaged = Buffer.concat([cut, Buffer.alloc(40, 0xa7), first.subarray(at + 40)]);
        const garbled = Buffer.concat([first, Buffer.alloc(400, 0xa7)]);
        for (const [what, part] of Object.entries({ cut, damaged, garbled })) {
          const found = await numbersIn(piecesOf(Buffer.concat([part, text])));
          const behind = found.filter((number) => number >= 10_000);
          expect([form, what, at, behind.length, new Set(behind).size]).toEqual([form, what, at, 60, 60]);
        }
      }
    },
    60_000,
  );
});
