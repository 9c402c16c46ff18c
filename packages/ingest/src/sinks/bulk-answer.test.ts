import { Serializer } from "@elastic/elasticsearch";
import { describe, expect, test } from "vitest";
import { AnswerSerializer, CREATED_ITEM } from "./bulk-answer.ts";

const CREATED = '{"create":{"status":201}}';

describe("AnswerSerializer", () => {
  const serializer = new AnswerSerializer();

  test("AnswerSerializer knows that all was created, of any number", () => {
    for (const count of [1, 2, 1999, 2000, 2001]) {
      const json = `{"items":[${Array.from({ length: count }, () => CREATED).join(",")}]}`;
      const answer = serializer.deserialize<{ items: readonly unknown[] }>(json);
      expect(answer).toEqual(JSON.parse(json));
      expect(answer.items.every((item) => item === CREATED_ITEM)).toBe(count <= 2000);
    }
  });

  test("AnswerSerializer parses every other answer as the client does", () => {
    const plain = new Serializer();
    const all = `{"items":[${CREATED},${CREATED}]}`;
    const near = Array.from(all, (_, at) => all.slice(0, at) + (all[at] === "2" ? "4" : " ") + all.slice(at + 1));
    const others = ['{"items":[]}', "{}", '{"items":[', `${all} `, `[${all}]`, all.replace("201", "409")];
    const said = (reader: Serializer, json: string): unknown => {
      try {
        return reader.deserialize(json);
      } catch (error) {
        return String(error);
      }
    };
    for (const json of [...near, ...others]) {
      expect(said(serializer, json)).toEqual(said(plain, json));
    }
  });
});
