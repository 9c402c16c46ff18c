/** `00:27:12.353` where the log is of one day, with the date in front where it is not. Always UTC, as in the log. */
export function shortTime(time: string, isOneDay: boolean): string {
  const match = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d{1,3}))?/.exec(time);
  if (match === null) {
    return time;
  }
  const [, date = "", clock = "", fraction = "0"] = match;
  return isOneDay ? `${clock}.${fraction.padEnd(3, "0")}` : `${date} ${clock}`;
}

/** `1,234`. */
export function count(value: number): string {
  return value.toLocaleString("en-US");
}

/** `1 finding`, `12 findings`. */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}
