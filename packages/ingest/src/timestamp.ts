const RFC3339 = /^(\d{4})-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/;

/** Whether a text from a log is a time that every sink can hold (nanoseconds in 64 bits end in 2262). */
export function isTimestamp(text: string | undefined): text is string {
  const year = text === undefined ? undefined : RFC3339.exec(text)?.[1];
  if (text === undefined || year === undefined || year < "1970" || year >= "2262") {
    return false;
  }
  // JavaScript turns February 30 and 24:00 into the day after; Elasticsearch refuses the document.
  const time = Date.parse(text);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text.slice(0, 19));
}
