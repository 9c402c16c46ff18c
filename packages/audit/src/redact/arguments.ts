import { isCredentialName, type NameTest } from "./credential-name.ts";
import type { Span } from "./mapped-text.ts";
import { findTextCredentials, mergeSpans } from "./text-credentials.ts";

/** Programs whose `-p` is no password: a port, a path, a process, a parent. Of any other, what follows `-p` is replaced. */
const OTHER_P = new Set(
  "cp echo git grep install k kill kubectl mkdir mknod mount nc ncat netstat node oc pgrep pg_dump pg_isready pg_restore ps psql python python3 read rsync scp sftp socat ss ssh tar test touch tree unzip useradd".split(
    " ",
  ),
);
/** Programs that take the password glued to the flag: `-phunter2`. */
const GLUED_P = new Set("7z mariadb mariadb-dump mysql mysqladmin mysqldump mysqlimport mysqlshow sshpass".split(" "));
const PASSWORD_FLAGS: Readonly<Record<string, readonly string[]>> = {
  "-a": ["redis-cli", "valkey-cli"],
  "-w": ["ldapadd", "ldapdelete", "ldapmodify", "ldappasswd", "ldapsearch", "ldapwhoami"],
  "-P": ["bcp", "isql", "sqlcmd", "tsql", "unzip", "zip"],
};
/** Programs that start the one named after them. */
const WRAPPERS = new Set("doas env exec nice nohup stdbuf sudo time timeout xargs".split(" "));

/** A value that names a credential or says that there is one, but is none. */
const NO_SECRET = /^(?:true|false|null|none|\$\w+|\$\{\w+\}|\$\(\w+\)|[\w./-]+\.(?:crt|key|pem))$/;
const RUN = /[\w.-]+/g;
const SQL = /\b(?:password|identified[ \t]+by)[ \t]+(["'])([^"']*)\1/gi;
const LONGEST_USER = 512;
const KUBERNETES_USER = /^["']?system:[a-z]/;

/**
 * The credentials in the arguments of a command, one list of spans for each argument: `--password=x`, `--password x`,
 * `-p x`, `PASSWORD=x`, `-u user:x`, the same inside of a shell's text (`sh -c "…"`), and all that
 * {@link findTextCredentials} knows.
 */
export function findArgumentCredentials(
  args: readonly string[],
  isName: NameTest = isCredentialName,
): readonly (readonly Span[])[] {
  let program = "";
  let isProgram = true;
  return args.map((arg, place) => {
    if (arg === "--") isProgram = true;
    else if (isProgram && !arg.startsWith("-") && !WRAPPERS.has(arg) && !/^\w+=|^[0-9]+[dhms]?$/.test(arg)) {
      program = arg.slice(arg.lastIndexOf("/") + 1);
      isProgram = false;
    }
    const whole = wholeCredential(arg, args[place - 1], program, isName);
    if (whole !== undefined) return mergeSpans(arg, [whole, ...findTextCredentials(arg)]);
    return mergeSpans(arg, [...findAssignments(arg, program, isName), ...findTextCredentials(arg)]);
  });
}

/** The part of an argument that is the credential when no shell splits it any further. */
function wholeCredential(arg: string, before: string | undefined, program: string, isName: NameTest): Span | undefined {
  if (before !== undefined && /^--?[\w.-]+$/.test(before)) {
    const from = valueStart(arg, before, program, isName);
    if (from !== undefined && !/^--[a-z]/.test(arg) && !NO_SECRET.test(arg)) return { start: from, end: arg.length };
  }
  if (GLUED_P.has(program) && arg.startsWith("-p") && arg.length > 2 && !arg.startsWith("-p=")) {
    return { start: 2, end: arg.length };
  }
  if (before === "-H" || before === "--header") {
    const header = /^([\w-]+):[ \t]*(?:(?:bearer|basic|token|negotiate|digest)[ \t]+)?/i.exec(arg);
    if (header !== null && isName(header[1] as string)) return { start: header[0].length, end: arg.length };
  }
  const name = /^[\w.-]+(?==)/.exec(arg)?.[0];
  // After -c stands a shell's text, which the shell splits: FOO_TOKEN=x command …
  if (name === undefined || /^-\w*c$/.test(before ?? "")) return undefined;
  const value = arg.slice(name.length + 1);
  const from = name.startsWith("-") ? valueStart(value, name, program, isName) : isName(name) ? 0 : undefined;
  if (from === undefined || NO_SECRET.test(value)) return undefined;
  return { start: name.length + 1 + from, end: arg.length };
}

/** Where in the value of `flag` the credential starts; undefined when the flag takes none. */
function valueStart(value: string, flag: string, program: string, isName: NameTest): number | undefined {
  if (isUserFlag(flag)) {
    const colon = value.indexOf(":");
    return colon < 0 || KUBERNETES_USER.test(value) ? undefined : colon + 1;
  }
  return isPasswordFlag(flag, program, isName) ? 0 : undefined;
}

function isUserFlag(flag: string): boolean {
  return flag === "-u" || flag === "--user" || flag === "--proxy-user";
}

function isPasswordFlag(flag: string, program: string, isName: NameTest): boolean {
  if (flag === "-p") return !OTHER_P.has(program);
  if (PASSWORD_FLAGS[flag]?.includes(program) === true) return true;
  return /^--?\w{2}/.test(flag) && isName(flag);
}

/** What is assigned to a credential's name inside of a text: `--token x`, `password: x`, `"password":"x"`, `KEY='x y'`. */
export function findAssignments(text: string, outerProgram = "", isName: NameTest = isCredentialName): readonly Span[] {
  const found: Span[] = [...text.matchAll(SQL)].map((match) => {
    const end = match.index + match[0].length - 1;
    return { start: end - (match[2] as string).length, end };
  });
  const state = { isName, program: outerProgram, isGlued: GLUED_P.has(outerProgram) };
  let isCommand = true;
  let lastName = "";
  let last = 0;
  let end = 0;
  for (const run of text.matchAll(RUN)) {
    const name = run[0];
    const gap = text.slice(last, run.index);
    last = run.index + name.length;
    if (run.index < end) continue;
    if (name === "--" || /[\n;|&(`]/.test(gap) || (/["']/.test(gap) && /^-\w*c$/.test(lastName))) isCommand = true;
    lastName = name;
    if (GLUED_P.has(name)) state.isGlued = true;
    const isAssignment = text[last] === "=";
    if (isCommand && !isAssignment && !WRAPPERS.has(name) && !name.startsWith("-")) {
      state.program = name;
      // The parts of a path are runs of their own, the last one names the program.
      isCommand = text[last] === "/";
    }
    const span = assignedTo(name, text, last, state);
    if (span === undefined || span.end <= span.start || isNoSecret(text, span)) continue;
    found.push(span);
    end = span.end;
  }
  return found;
}

/** Also `$(…)`, at whose parenthesis a shell's word ends: what is in it is searched as a command of its own. */
function isNoSecret(text: string, span: Span): boolean {
  const value = text.slice(span.start, span.end);
  return NO_SECRET.test(value) || (value === "$" && text[span.end] === "(");
}

interface ShellState {
  readonly isName: NameTest;
  readonly program: string;
  readonly isGlued: boolean;
}

/** Looks at the value only when the name asks for it, so that a text is not walked once for each of its words. */
function assignedTo(name: string, text: string, after: number, state: ShellState): Span | undefined {
  const start = after - name.length;
  if (state.isGlued && name.startsWith("-p")) {
    const glued = { start: start + 2, end: wordEnd(text, after) };
    if (glued.end > glued.start && text[glued.start] !== "=") return glued;
  }
  const isFlag = name.startsWith("-");
  const isUser = isUserFlag(name);
  const isLiteral = name === "--from-literal";
  if (!isUser && !isLiteral && !(isFlag ? isPasswordFlag(name, state.program, state.isName) : state.isName(name)))
    return undefined;
  // "key" in JSON and YAML is any map's key; as a flag or a variable it is one to a lock.
  if (name === "key" && text[after] !== "=") return undefined;
  const from = valueAfter(text, after, isFlag);
  if (from === undefined || (isFlag && text[after] !== "=" && text.startsWith("--", from))) return undefined;
  if (!isUser && !isLiteral) return valueAt(text, from);
  const near = text.slice(from, from + LONGEST_USER);
  if (isUser && KUBERNETES_USER.test(near)) return undefined;
  const inner = /^[^ \t\r\n;|&()<>=:]*[=:]/.exec(near)?.[0];
  if (inner === undefined || !inner.endsWith(isUser ? ":" : "=")) return undefined;
  const quote = /^\\{0,3}["'`]/.exec(near)?.[0];
  if (quote === undefined) return valueAt(text, from + inner.length);
  const closing = text.indexOf(quote, from + inner.length);
  return { start: from + inner.length, end: closing < 0 ? text.length : closing };
}

/** Where the value of a name starts: behind `=`, `: `, the end of a quoted key; behind a blank for a flag. */
function valueAfter(text: string, after: number, isFlag: boolean): number | undefined {
  const assigned = /["'\\]{0,4}[ \t]{0,8}[:=][ \t]{0,8}/y;
  assigned.lastIndex = after;
  if (assigned.test(text)) return assigned.lastIndex;
  const blank = /(?:[ \t]|\\\r?\n){1,16}/y;
  blank.lastIndex = after;
  return isFlag && blank.test(text) ? blank.lastIndex : undefined;
}

/** A value in quotes, escaped or not, to the same quote; else a shell's word. A scheme (`Bearer`) stays readable. */
function valueAt(text: string, from: number): Span {
  const opening = /\\{0,3}["'`]/y;
  opening.lastIndex = from;
  const quote = opening.exec(text)?.[0];
  const scheme = /(?:bearer|basic|token|negotiate)[ \t]+/iy;
  scheme.lastIndex = from + (quote?.length ?? 0);
  const start = scheme.test(text) ? scheme.lastIndex : from + (quote?.length ?? 0);
  if (quote === undefined) return { start, end: wordEnd(text, start) };
  const closing = text.indexOf(quote, start);
  return { start, end: closing < 0 ? text.length : closing };
}

/** The end of a shell's word: quotes inside of it join, a quote before a separator closes what was opened before it. */
function wordEnd(text: string, from: number): number {
  let at = from;
  while (at < text.length) {
    const letter = text[at] as string;
    if (isSeparator(letter)) return at;
    if (letter === "\\") {
      if (/["'`]/.test(text[at + 1] ?? "") && (at + 2 >= text.length || isSeparator(text[at + 2] as string))) return at;
      at += 2;
    } else if (letter === '"' || letter === "'" || letter === "`") {
      const next = text[at + 1];
      if (next === undefined || isSeparator(next)) return at;
      const closing = text.indexOf(letter, at + 1);
      if (closing < 0) return text.length;
      at = closing + 1;
    } else at += 1;
  }
  return Math.min(at, text.length);
}

function isSeparator(letter: string): boolean {
  return " \t\r\n;|&()<>".includes(letter);
}
