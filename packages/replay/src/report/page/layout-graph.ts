/** Where a node stands: its column from the origin on, and its row there. */
export interface NodePlace {
  readonly column: number;
  readonly row: number;
}

/**
 * Puts nodes into columns so that links lead to the right, and orders each column by where its links come from. What stands in a
 * circle keeps the column that it was reached with first.
 */
export function layoutGraph(
  nodes: number,
  links: readonly { readonly from: number; readonly to: number }[],
): readonly NodePlace[] {
  const columns = Array.from({ length: nodes }, () => 0);
  const real = links.filter(({ from, to }) => from !== to);
  for (let round = 0; round < nodes; round++) {
    let isSettled = true;
    for (const { from, to } of real) {
      const column = (columns[from] ?? 0) + 1;
      if (column > (columns[to] ?? 0) && column < nodes) {
        columns[to] = column;
        isSettled = false;
      }
    }
    if (isSettled) {
      break;
    }
  }
  const rows = Array.from({ length: nodes }, () => 0);
  const used = [...new Set(columns)].sort((a, b) => a - b);
  used.forEach((column) => {
    const members = columns.flatMap((of, node) => (of === column ? [node] : []));
    const wish = (node: number): number => {
      const sources = real.filter(({ to, from }) => to === node && (columns[from] ?? 0) < column);
      return sources.length === 0
        ? node / nodes
        : sources.reduce((sum, { from }) => sum + (rows[from] ?? 0), 0) / sources.length;
    };
    members
      .map((node) => ({ node, at: wish(node) }))
      .sort((a, b) => a.at - b.at)
      .forEach(({ node }, row) => {
        rows[node] = row;
      });
  });
  return columns.map((column, node) => ({ column: used.indexOf(column), row: rows[node] ?? 0 }));
}
