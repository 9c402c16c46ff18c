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
  for (const index of (await backingIndices(client, stream, options)).toReversed()) {
    const open = ids.filter((id) => !found.has(id));
    if (open.length === 0) {
      break;
    }
    const answer = await client.mget({ index, ids: open, _source: false, realtime: true }, options);
    answer.docs.forEach((one) => {
      if (isThere(one)) {
        found.add(one._id);
      }
    });
  }
  return found;
}

async function backingIndices(
  client: Client,
  stream: string,
  options: { readonly maxRetries: number; readonly signal?: AbortSignal },
): Promise<readonly string[]> {
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
