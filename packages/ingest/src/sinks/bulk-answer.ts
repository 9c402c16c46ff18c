import { Serializer } from "@elastic/elasticsearch";
import type { estypes } from "@elastic/elasticsearch";

type Item = estypes.BulkResponse["items"][number];

const BEGIN = '{"items":[';
const ITEM = '{"create":{"status":201}}';
const END = "]}";
/** More are in no request. */
const MOST_ITEMS = 2000;
const ALL_CREATED = BEGIN + `${ITEM},`.repeat(MOST_ITEMS);

/** What a server says of a document that is stored now. */
export const CREATED_ITEM: Item = JSON.parse(ITEM) as Item;

/**
 * Reads a server's answers. That every document of a bulk request was created is what is said nearly always, and always in these bytes: it is
 * known by them, and nothing is parsed.
 *
 * @example
 * new AnswerSerializer().deserialize('{"items":[{"create":{"status":201}}]}'); // { items: [CREATED_ITEM] }
 */
export class AnswerSerializer extends Serializer {
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the client declares it so
  override deserialize<Answer>(json: string): Answer {
    return isAllCreated(json)
      ? ({ items: Array.from({ length: countOf(json) }, () => CREATED_ITEM) } as Answer)
      : super.deserialize<Answer>(json);
  }
}

function isAllCreated(json: string): boolean {
  return (
    Number.isInteger(countOf(json)) &&
    countOf(json) > 0 &&
    json.endsWith(END) &&
    ALL_CREATED.startsWith(json.slice(0, -END.length))
  );
}

function countOf(json: string): number {
  return (json.length - BEGIN.length - END.length + 1) / (ITEM.length + 1);
}
