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

const clearLine = '\r\u001b[K'

/**
 * Replaces the last line on a terminal, by as much of `text` as fits: of a line that wraps only the end could be
 * replaced again. Without one it clears it.
 */
export function rewritten(text = '', columns = process.stderr.columns || 80): string {
  return clearLine + [...printable(text)].slice(0, columns - 1).join('')
}

/** One word for a shell that reads it, whatever is in it. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

/** The text without control characters. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '?')
}
