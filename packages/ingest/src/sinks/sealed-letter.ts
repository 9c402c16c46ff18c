import { createHmac } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { isJsonObject } from "@auditsieve/audit";
import { contentOf } from "./document-content.ts";
import { LineSealer, openSealedLine } from "../state/sealed-line.ts";
import type { Delivery } from "../sink.ts";

/** To whom dead letters are sealed. */
export interface LetterSeal {
  /** Who alone can read their documents. */
  readonly recipient: KeyObject;
  /** Key of the ids: proves to `reconcile` which document is sealed, and to nobody else. */
  readonly idKey: Uint8Array;
}

/** A document as it stands in a dead letter that is sealed. */
export interface SealedDocument {
  /** In base64. */
  readonly sealed: string;
  /** See {@link sealedContent}. */
  readonly content: string;
}

const NEWLINE = 10;

/** Seals a document, and what its sink said of it. The id is sealed with it, so that no document can be put under another's. */
export function sealDocument(
  { id, kind, document }: Delivery,
  detail: string | undefined,
  { recipient, idKey }: LetterSeal,
): SealedDocument {
  const parts: Buffer[] = [];
  const sealer = new LineSealer(recipient, (bytes) => void parts.push(Buffer.from(bytes)));
  const head = Buffer.from(`${JSON.stringify({ id, ...(detail !== undefined && { detail }) })}\n`);
  sealer.push(head, 0, head.length);
  sealer.push(document, 0, document.length);
  sealer.end();
  return {
    sealed: Buffer.concat(parts).toString("base64"),
    content: sealedContent(contentOf(kind, document), idKey),
  };
}

/** What tells one document from another without showing it: a keyed hash of its content. */
export function sealedContent(content: string, idKey: Uint8Array): string {
  return createHmac("sha256", idKey).update(`dead letter ${content}`).digest("base64");
}

/** The document of a sealed letter with this id. Rejects with what is wrong: another key, changed, another letter's. */
export async function openDocument(
  sealed: string,
  id: string,
  key: KeyObject,
): Promise<{ readonly document: Buffer; readonly detail?: string }> {
  const name = `dead letter ${id}`;
  const parts: Buffer[] = [];
  for await (const part of openSealedLine(once(Buffer.from(sealed, "base64")), key, name)) {
    parts.push(part);
  }
  const bytes = Buffer.concat(parts);
  const end = bytes.indexOf(NEWLINE);
  const head: unknown = JSON.parse(bytes.toString("utf8", 0, end));
  if (!isJsonObject(head) || head["id"] !== id) {
    throw new Error(`Cannot open ${name}: another letter's document is sealed in it`);
  }
  const { detail } = head;
  return { document: bytes.subarray(end + 1), ...(typeof detail === "string" && { detail }) };
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer, void> {
  yield bytes;
}
