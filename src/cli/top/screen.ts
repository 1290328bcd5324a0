// The terminal of `trellis top`: the alternate screen, without a cursor, keys one by one. However the command ends, the
// terminal is as it was: on dispose, and on `exit` for whatever does not get that far.

import type { Size } from './view.ts'

const enter = '\u001b[?1049h\u001b[?25l'
const leave = '\u001b[?25h\u001b[?1049l'
const home = '\u001b[H'
const clearRight = '\u001b[K'
const clearBelow = '\u001b[J'
/** Ctrl-C comes as a key while keys come one by one. */
const quitKeys = ['q', 'Q', '\u0003']

export interface Screen extends Disposable {
  readonly size: Size
  show(lines: readonly string[]): void
}

export function openScreen(on: { readonly resize: () => void; readonly quit: () => void }): Screen {
  const { stdin, stdout } = process
  const restore = (): void => {
    stdout.write(leave)
    if (stdin.isTTY) stdin.setRawMode(false)
  }
  const key = (bytes: Buffer): void => {
    if (quitKeys.includes(bytes.toString())) on.quit()
  }
  stdout.write(enter)
  if (stdin.isTTY) stdin.setRawMode(true)
  stdin.on('data', key)
  stdout.on('resize', on.resize)
  process.once('exit', restore)
  return {
    get size() {
      return { columns: stdout.columns || 80, rows: stdout.rows || 24 }
    },
    show(lines) {
      stdout.write(home + lines.map((line) => line + clearRight).join('\r\n') + clearBelow)
    },
    [Symbol.dispose]() {
      process.off('exit', restore)
      stdin.off('data', key)
      stdin.pause()
      stdout.off('resize', on.resize)
      restore()
    },
  }
}
