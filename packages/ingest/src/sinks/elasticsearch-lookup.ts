import { errors } from "@elastic/elasticsearch";
import type { Client, estypes } from "@elastic/elasticsearch";

/** A shard could not answer: whether the document is there is not known. */
export class LookupError extends Error {
  override readonly name = "LookupError";
}

/**
 * Which of `ids` the data stream holds, in any of its backing indices: a rolled-over stream takes an id that an older index
 * has, so the write index alone does not say. Gets are realtime: what was accepted a moment ago is found without a refresh.
 * Needs `view_index_metadata` and `read`.
 *
 * @see https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-mget
 */
export async function findStored(
  client: Client,
  stream: string,
  ids: readonly string[],
  signal: AbortSignal | undefined,
): Promise<ReadonlySet<string>> {
  const options = { maxRetries: 0, ...(signal && { signal }) };
  const found = new Set<string>();
  // Newest first: what may be there twice was sent lately.
  const [newest, ...older] = (await backingIndices(client, stream, options)).toReversed();
  let asked = newest === undefined ? [] : [newest];
  for (let rest = older; asked.length > 0;) {
    const open = ids.filter((id) => !found.has(id));
    if (open.length === 0) {
      break;
    }
    for (const id of await findIn(client, asked, open, options)) {
      found.add(id);
    }
    const together = Math.max(1, Math.floor(MOST_GETS / open.length));
    [asked, rest] = [rest.slice(0, together), rest.slice(together)];
  }
  return found;
}

/** A stream may have hundreds of backing indices: one request for each would take longer than what is to be sent. */
const MOST_GETS = 10_000;

interface RequestOptions {
  readonly maxRetries: number;
  readonly signal?: AbortSignal;
}

async function findIn(
  client: Client,
  indices: readonly string[],
  ids: readonly string[],
  options: RequestOptions,
): Promise<readonly string[]> {
  const [index] = indices;
  if (indices.length === 1 && index !== undefined) {
    const answer = await client.mget({ index, ids: [...ids], _source: false, realtime: true }, options);
    return thereIn(answer);
  }
  const docs = indices.flatMap((_index) => ids.map((_id) => ({ _index, _id })));
  try {
    return thereIn(await client.mget({ docs, _source: false, realtime: true }, options));
  } catch (error) {
    // A server with rest.action.multi.allow_explicit_index: false takes an index in the path only.
    if (!(error instanceof errors.ResponseError && error.statusCode === 400)) {
      throw error;
    }
    const found: string[] = [];
    for (const one of indices) {
      found.push(...(await findIn(client, [one], ids, options)));
    }
    return found;
  }
}

function thereIn({ docs }: estypes.MgetResponse): readonly string[] {
  return docs.filter(isThere).map(({ _id }) => _id);
}

async function backingIndices(client: Client, stream: string, options: RequestOptions): Promise<readonly string[]> {
  try {
    const { data_streams: streams } = await client.indices.resolveIndex({ name: stream }, options);
    return streams.flatMap(({ backing_indices: indices }) => indices);
  } catch (error) {
    if (error instanceof errors.ResponseError && error.statusCode === 404) {
      return [];
    }
    throw error;
  }
}

/** An index that lifecycle has removed meanwhile holds nothing; any other fault means that nobody knows. */
function isThere(one: estypes.MgetResponseItem): boolean {
  if ("error" in one) {
    if (one.error.type === "index_not_found_exception") {
      return false;
    }
    throw new LookupError(`Cannot look up a document: ${one.error.type}`);
  }
  return one.found;
}
