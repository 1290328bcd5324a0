// A scenario is a text: comment, command, `----`, what came of it, a blank line, and so on. This file reads one, has
// every command executed, and compares the whole text, so that a change in behaviour is a readable diff of a story.
// With UPDATE_SCENARIOS=1 the text is rewritten instead.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'

/** Executes one command line and answers the lines that came of it. */
export type Execute = (line: string) => readonly string[]

const divider = '----'

/** One test a file in `folder`; `create` makes what the commands act on, anew for each. */
export function testScenarios(folder: string, create: () => Execute): void {
  const files = readdirSync(folder).filter((name) => name.endsWith('.txt'))
  assert.notEqual(files.length, 0, `${folder} holds scenarios`)
  for (const name of files.sort()) {
    it(name.slice(0, -'.txt'.length).replaceAll('-', ' '), () => {
      const path = join(folder, name)
      const before = readFileSync(path, 'utf8')
      const after = replay(before, create())
      if (process.env.UPDATE_SCENARIOS === '1') writeFileSync(path, after)
      else assert.equal(after, before)
    })
  }
}

/** The same text with the outcome of every command as it is now. */
export function replay(text: string, execute: Execute): string {
  return `${text
    .trim()
    .split(/\n\n+/)
    .map((block) => replayBlock(block, execute))
    .join('\n\n')}\n`
}

function replayBlock(block: string, execute: Execute): string {
  const lines = block.split('\n')
  const end = lines.indexOf(divider)
  const commands = end === -1 ? lines : lines.slice(0, end)
  const outcome = commands.filter((line) => !line.startsWith('#')).flatMap((line) => execute(line))
  return commands.every((line) => line.startsWith('#')) ? block : [...commands, divider, ...outcome].join('\n')
}
