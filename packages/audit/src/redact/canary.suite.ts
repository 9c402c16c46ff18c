/** Shorter canaries would leave too little in base64, where up to two letters at each end depend on the neighbours. */
const SHORTEST_CANARY = 10;
const MOST_LAYERS = 4;

/**
 * For tests: the forms in which `canary` is still in `bytes`, empty when it is in none of them. Looks for it raw,
 * JSON-escaped (`\u0041`, in JSON inside of JSON too), percent-encoded, in hex, and in base64 (both alphabets) at all three
 * alignments, in any mix of these layers.
 *
 * @example
 * ```ts
 * expect(findCanary(await readFile("out/kept.ndjson"), "canary-4711-secret")).toEqual([]);
 * ```
 */
export function findCanary(bytes: Uint8Array | string, canary: string): string[] {
  if (canary.length < SHORTEST_CANARY) {
    throw new RangeError(`Cannot look for the canary "${canary}": give it ${SHORTEST_CANARY} characters or more`);
  }
  const raw = typeof bytes === "string" ? Buffer.from(bytes) : Buffer.from(bytes);
  const needles = needlesOf(Buffer.from(canary));
  const found = new Set<string>();
  for (const [layer, text] of layersOf(raw.toString("latin1"))) {
    for (const [form, needle] of needles) {
      if (text.includes(needle)) found.add(layer === "" ? form : `${form} in ${layer}`);
    }
  }
  return [...found];
}

/** Asserts nothing itself: throws with every form in which one of the canaries is still there. */
export function expectNoCanary(bytes: Uint8Array | string, ...canaries: readonly string[]): void {
  for (const canary of canaries) {
    const forms = findCanary(bytes, canary);
    if (forms.length > 0) throw new Error(`The canary "${canary}" is still there: ${forms.join(", ")}`);
  }
}

function needlesOf(canary: Buffer): ReadonlyMap<string, string> {
  const needles = new Map([["raw", canary.toString("latin1")]]);
  needles.set("hex", canary.toString("hex"));
  for (let alignment = 0; alignment < 3; alignment += 1) {
    const padded = Buffer.concat([Buffer.alloc(alignment), canary]);
    // Only the letters that hold nothing but bits of the canary.
    const first = Math.ceil((alignment * 8) / 6);
    const last = Math.floor((padded.length * 8) / 6);
    const base64 = padded.toString("base64").slice(first, last);
    needles.set(`base64 at alignment ${alignment}`, base64);
    const url = padded.toString("base64url").slice(first, last);
    if (url !== base64) needles.set(`base64url at alignment ${alignment}`, url);
    const twice = Buffer.from(padded.toString("base64").slice(first, last));
    for (let outer = 0; outer < 3; outer += 1) {
      const again = Buffer.concat([Buffer.alloc(outer), twice]);
      const text = again.toString("base64");
      needles.set(
        `base64 at alignment ${alignment} in base64 at alignment ${outer}`,
        text.slice(Math.ceil((outer * 8) / 6), Math.floor((again.length * 8) / 6)),
      );
    }
  }
  return needles;
}

/** The text as it is, and with its escapes taken away, layer by layer. */
function layersOf(text: string): ReadonlyMap<string, string> {
  const layers = new Map([["", text]]);
  const peel = (name: string, source: string, depth: number): void => {
    if (depth === MOST_LAYERS) return;
    for (const [layer, peeled] of [
      ["JSON escapes", unescapeJson(source)],
      ["percent-encoding", unescapePercent(source)],
    ] as const) {
      if (peeled === source || [...layers.values()].includes(peeled)) continue;
      const path = name === "" ? layer : `${layer} in ${name}`;
      layers.set(path, peeled);
      peel(path, peeled, depth + 1);
    }
  };
  peel("", text, 0);
  return layers;
}

function unescapeJson(text: string): string {
  return text.replaceAll(/\\(?:u([0-9a-fA-F]{4})|([\s\S]))/g, (_, code: string | undefined, letter: string) =>
    code === undefined
      ? ({ b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" }[letter] ?? letter)
      : Buffer.from(String.fromCharCode(Number.parseInt(code, 16))).toString("latin1"),
  );
}

function unescapePercent(text: string): string {
  return text
    .replaceAll("+", " ")
    .replaceAll(/%([0-9a-fA-F]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}
