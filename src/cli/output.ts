// Text for people: tables with aligned columns. What a remote chose (names, roles, zones) cannot move the cursor.

/** Rows under their heads, two spaces between columns, with a line break at the end. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [heads, ...rows].map((row) => row.map(printable))
  const widths = heads.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length)))
  return `${cells
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')}\n`
}

/** The text without control characters. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '?')
}
