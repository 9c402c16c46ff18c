/** A network: its address as one number of `bits` bits. */
interface Network extends Address {
  readonly prefix: number;
}

interface Address {
  readonly bits: 32 | 128;
  readonly address: bigint;
}

/**
 * The test "is inside this network", or undefined when `text` is no CIDR. IPv4-mapped IPv6 addresses count as IPv4, and
 * so do networks of them; a network that holds them and others is none.
 *
 * @example
 * assert.equal(cidrTest("10.0.0.0/8")?.("10.1.2.3"), true);
 * assert.equal(cidrTest("10.0.0.0/33"), undefined);
 */
export function cidrTest(text: string): ((address: string) => boolean) | undefined {
  const network = parseNetwork(text);
  if (!network) {
    return undefined;
  }
  const shift = BigInt(network.bits - network.prefix);
  const wanted = network.address >> shift;
  return (address) => {
    const found = parseAddress(address);
    return found !== undefined && found.bits === network.bits && found.address >> shift === wanted;
  };
}

/** What stands before the IPv4 address in a mapped one. */
const MAPPED_BITS = 96;

function parseNetwork(text: string): Network | undefined {
  const [, host = "", length] = /^([^/]{1,45})\/(0|[1-9]\d{0,2})$/.exec(text) ?? [];
  const address = parseAddress(host);
  const isMapped = address?.bits === 32 && host.includes(":");
  const prefix = Number(length) - (isMapped ? MAPPED_BITS : 0);
  return address && prefix >= 0 && prefix <= address.bits ? { ...address, prefix } : undefined;
}

/** An address is asked about by all networks, one after another, beside the few others of its event; null for what is none. */
const parsed = new Map<string, Address | null>();
const MOST_PARSED = 64;
/** No address is longer. */
const MOST_LETTERS = 45;

function parseAddress(text: string): Address | undefined {
  if (text.length > MOST_LETTERS) {
    return undefined;
  }
  let known = parsed.get(text);
  if (known === undefined) {
    if (parsed.size === MOST_PARSED) {
      parsed.clear();
    }
    known = parseAnew(text) ?? null;
    parsed.set(text, known);
  }
  return known ?? undefined;
}

function parseAnew(text: string): Address | undefined {
  const v4 = parseV4(text);
  if (v4 !== undefined) {
    return { bits: 32, address: v4 };
  }
  const v6 = parseV6(text);
  if (v6 === undefined) {
    return undefined;
  }
  return v6 >> 32n === 0xffffn ? { bits: 32, address: v6 & 0xffff_ffffn } : { bits: 128, address: v6 };
}

function parseV4(text: string): bigint | undefined {
  // A zero in front is octal to some and decimal to others.
  if (text.length > 15 || !/^(?:0|[1-9]\d{0,2})(?:\.(?:0|[1-9]\d{0,2})){3}$/.test(text)) {
    return undefined;
  }
  let address = 0n;
  for (const octet of text.split(".")) {
    if (Number(octet) > 255) {
      return undefined;
    }
    address = (address << 8n) | BigInt(octet);
  }
  return address;
}

function parseV6(text: string): bigint | undefined {
  if (!text.includes(":")) {
    return undefined;
  }
  const [head = "", tail, more] = text.split("::");
  if (more !== undefined) {
    return undefined;
  }
  const left = groups(head);
  const right = tail === undefined ? [] : groups(tail);
  if (!left || !right) {
    return undefined;
  }
  const missing = 8 - left.length - right.length;
  if (tail === undefined ? missing !== 0 : missing < 1) {
    return undefined;
  }
  return [...left, ...Array.from({ length: missing }, () => 0n), ...right].reduce(
    (sum, group) => (sum << 16n) | group,
    0n,
  );
}

/** The 16-bit groups of one side of `::`; a trailing dotted IPv4 counts as two. */
function groups(text: string): bigint[] | undefined {
  if (text === "") {
    return [];
  }
  const result: bigint[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    const v4 = index === parts.length - 1 ? parseV4(part) : undefined;
    if (v4 !== undefined) {
      result.push(v4 >> 16n, v4 & 0xffffn);
    } else if (/^[0-9a-f]{1,4}$/i.test(part)) {
      result.push(BigInt(`0x${part}`));
    } else {
      return undefined;
    }
  }
  return result;
}
