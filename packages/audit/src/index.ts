/**
 * What an audit event is: its types, the attributes of its request, how its bytes are framed, scanned and decoded,
 * what identifies it, and what of it must never leave.
 *
 * @module
 */
export { attributesOf, attributesOfEvent, attributesOfScan } from "./attributes.ts";
export type { AttributeSource, RequestAttributes } from "./attributes.ts";
export { decodeEvent, undecidableHint, undecidableProblem } from "./decode.ts";
export { WrapperHints } from "./wrapper-hint.ts";
export type { Decoded } from "./decode.ts";
export { asksDryRun, isDryRun, isDryRunOption } from "./dry-run.ts";
export type { TriedRequest } from "./dry-run.ts";
export { EnvelopeReader } from "./event-list/envelope-reader.ts";
export type { DocumentProblem } from "./event-list/document-problem.ts";
export { LongDocument } from "./event-list/long-document.ts";
export type { EndedDocument, LongDocumentVisitor } from "./event-list/long-document.ts";
export { beginsDocument, unwrapLine } from "./envelope/unwrap-line.ts";
export type { UnwrappedLine } from "./envelope/document-lines.ts";
export type { EventLines, EventLinesOptions, EventLineVisitor, InputPlace } from "./event-lines.ts";
export { isLevelBelow, LEVELS, STAGES } from "./event.ts";
export type { AuditEvent, Level, ObjectReference, ResponseStatus, Stage, UserInfo } from "./event.ts";
export { LineFramer } from "./frame/frame.ts";
export type { LineVisitor, LongDocumentReader } from "./frame/frame.ts";
export type { OversizeLine } from "./frame/long-line.ts";
export { ID_HASHES, hashOfID } from "./audit-id-hash.ts";
export { hashOfObject } from "./object-hash.ts";
export { microseconds, timeOf } from "./event-time.ts";
export { documentId } from "./identity.ts";
export { readGoYaml } from "./go-yaml/go-yaml.ts";
export type { GoYaml } from "./go-yaml/go-yaml.ts";
export type { ValueRange } from "./json/find-member.ts";
export { goJsonString, goQuote, goUnquote } from "./go-yaml/quote.ts";
export type { SourceEntry, SourceNode } from "./go-yaml/value.ts";
export { isJsonObject, jsonAt, own } from "./json/json.ts";
export type { JsonObject, JsonValue } from "./json/json.ts";
export { KeyEndings } from "./key-endings.ts";
export { KeyPaths } from "./key-paths.ts";
export type { KeyPath } from "./key-paths.ts";
export { MemberIndex } from "./member-index.ts";
export type { Need, RequestClass } from "./need.ts";
export type { Problem } from "./problem.ts";
export { createRedactor } from "./redact.ts";
export type { Redactor, RedactorOptions } from "./redact.ts";
export { readEventLines } from "./read-event-lines.ts";
export { requestInfo } from "./request-info.ts";
export type { RequestInfo } from "./request-info.ts";
export { salvageEvents } from "./salvage.ts";
export type { SalvagedEvent } from "./salvage.ts";
export { EventScan, SCAN_WORDS, slotOf } from "./scan.ts";
export type { Field, Undecidable } from "./scan.ts";
export { EventDocuments } from "./templates/event-documents.ts";
export type { BodyShape, DocumentStep, EventDocumentsOptions, FragmentMaker } from "./templates/event-documents.ts";
export { returnRoom, takeRoom, takeRooms } from "./scan-wasm/input-rooms.ts";
export { isHeadFirst } from "./templates/head-first.ts";
export { LineTemplates } from "./templates/line-templates.ts";
export type { QuietHeads } from "./redact/quiet-line.ts";
export type { DecidedBy, Span } from "./templates/decided-by.ts";
export type { Standing } from "./templates/line-templates.ts";
export type { BodyPlaces, ToldLine } from "./templates/told-line.ts";
export { stripLine } from "./strip.ts";
export type { StripTo } from "./strip.ts";
export { splice } from "./splice.ts";
export type { Edit } from "./splice.ts";
export { readYaml } from "./yaml.ts";
export type { Position, YamlDocument, YamlLimits, YamlText } from "./yaml.ts";
