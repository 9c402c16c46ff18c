// Bytes to compare with, in all lanes. They are loaded from memory: V8 makes a constant vector anew wherever it is used, in five
// instructions, in loops too; the loop over bodies took half as long again.
const BYTES: usize = memory.data<u8>([123, 125, 32, 73, 34, 92, 101, 80, 44, 58, 31, 15, 117, 63, 47, 112]);

export function openBracket(): v128 {
  return v128.load8_splat(BYTES);
}

export function closeBracket(): v128 {
  return v128.load8_splat(BYTES, 1);
}

export function space(): v128 {
  return v128.load8_splat(BYTES, 2);
}

export function capitalI(): v128 {
  return v128.load8_splat(BYTES, 3);
}

export function quote(): v128 {
  return v128.load8_splat(BYTES, 4);
}

export function backslash(): v128 {
  return v128.load8_splat(BYTES, 5);
}

export function lowerE(): v128 {
  return v128.load8_splat(BYTES, 6);
}

export function capitalP(): v128 {
  return v128.load8_splat(BYTES, 7);
}

export function comma(): v128 {
  return v128.load8_splat(BYTES, 8);
}

export function colon(): v128 {
  return v128.load8_splat(BYTES, 9);
}

/** The last of the control characters. */
export function unitSeparator(): v128 {
  return v128.load8_splat(BYTES, 10);
}

/** The lower half of a byte. */
export function fifteen(): v128 {
  return v128.load8_splat(BYTES, 11);
}

export function lowerU(): v128 {
  return v128.load8_splat(BYTES, 12);
}

export function questionMark(): v128 {
  return v128.load8_splat(BYTES, 13);
}

export function slash(): v128 {
  return v128.load8_splat(BYTES, 14);
}

export function lowerP(): v128 {
  return v128.load8_splat(BYTES, 15);
}
