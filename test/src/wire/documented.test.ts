import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import * as limits from '../../../src/wire/limits.ts'
import { commandNumbers, frameNumbers } from '../../../src/wire/message-numbers.ts'

const page = readFileSync(join(import.meta.dirname, '../../../docs/wire-format.md'), 'utf8')

describe('the page about the wire format', () => {
  it('has every limit with its value, and no other', () => {
    const rows = [...page.matchAll(/^\| `(MAX_\w+)` \| ([\d,]+) \|/gm)]
    const described = Object.fromEntries(rows.map(([, name, value]) => [name, Number(value?.replaceAll(',', ''))]))
    assert.deepEqual(described, { ...limits })
  })

  it('has every message and every command with its number, and no other', () => {
    const rows = [...page.matchAll(/^\| (\d+) \| `([\w-]+)` \|/gm)].map(([, number, name]) => [name, Number(number)])
    const numbers = [...Object.entries(frameNumbers), ...Object.entries(commandNumbers)]
    assert.deepEqual(rows, numbers)
  })

  it('names no limit that does not exist', () => {
    const named = new Set([...page.matchAll(/MAX_[A-Z_]+/g)].map(([name]) => name))
    assert.deepEqual(
      [...named].filter((name) => !(name in limits)),
      [],
    )
  })
})
