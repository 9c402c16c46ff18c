/** What is wrong with a document, and where. Nothing of the document's own text is in the words. */
export interface DocumentProblem {
  readonly kind: "cut-off" | "damaged" | "wrong-type";
  readonly message: string;
  readonly hint: string;
}

/** Where in a document something is: the list, and the member last begun. */
export interface DocumentPlace {
  /** In the input, which may hold several documents. */
  readonly offset: number;
  readonly list: string | undefined;
  readonly index: number;
  readonly isInRecord: boolean;
}

/** Why a value ends before it does. */
export const TORN = {
  "in-string": "a string ends at a line break",
  "behind-break": "a line begins with what cannot go on with the one before",
} as const;

/** What is wrong with a whole document, by what it has around its records; `isList`: they are in a list. */
export function problemOf(
  { noList, isOfEvent }: { readonly noList: string | undefined; readonly isOfEvent: boolean },
  isList: boolean,
  place: DocumentPlace,
): DocumentProblem | undefined {
  return noList !== undefined ? wrongType(place, noList) : isList && isOfEvent ? twofold(place) : undefined;
}

export function cutOff(place: DocumentPlace): DocumentProblem {
  return {
    kind: "cut-off",
    message: `the JSON document is cut off after ${place.offset} bytes, ${describe(place)}`,
    hint: "What stands before was read, and the rest is kept as a line that cannot be decided; copy or export the document again",
  };
}

export function damaged(place: DocumentPlace, what: string): DocumentProblem {
  return {
    kind: "damaged",
    message: `the JSON document is damaged at offset ${place.offset}, ${describe(place)}: ${what}`,
    hint: "What stands before was read, and what follows is kept line by line as it stands; export the document again",
  };
}

function wrongType(place: DocumentPlace, key: string): DocumentProblem {
  return {
    kind: "wrong-type",
    message: `"${key}" of the JSON document that ends at offset ${place.offset} is no list`,
    hint: "It is kept as one line that cannot be decided; a document of audit events has them in a list under this key",
  };
}

function twofold(place: DocumentPlace): DocumentProblem {
  return {
    kind: "wrong-type",
    message: `the JSON document that ends at offset ${place.offset} has a list of records and the fields of an event`,
    hint: "The records were read, the fields were not; no apiserver and no provider writes this: look at how it came into the log",
  };
}

function describe({ list, index, isInRecord }: DocumentPlace): string {
  if (list === undefined) {
    return "outside its list of records";
  }
  return index === -1 ? `at the beginning of ${list}` : `${isInRecord ? "in" : "behind"} ${list}[${index}]`;
}
