import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, it } from 'node:test'
import { notInTurn, step } from '../../scripts/rotation.ts'

const root = resolve(import.meta.dirname, '../..')
const files = globSync('test/**/*.test.ts', { cwd: root }).sort()
/** What is left out by each turn there is. */
const turns = Array.from({ length: step }, (_, at) => new Set(notInTurn(files, `0000000${at}`)))

describe('files that take turns', () => {
  it('all have one, and only one', () => {
    const rotating = files.filter((file) => turns.some((left) => left.has(file)))
    for (const file of rotating) assert.equal(turns.filter((left) => !left.has(file)).length, 1, file)
    for (const left of turns) assert.ok(left.size < rotating.length)
  })

  it('are not those without which nothing else matters', () => {
    for (const name of ['exit', 'forming', 'kill', 'stories', 'up']) {
      const file = `test/multinode/${name}.test.ts`
      assert.ok(files.includes(file) && turns.every((left) => !left.has(file)), file)
    }
    for (const file of files.filter((each) => /^test\/(consensus|simulation|topology)\//.test(each)))
      assert.ok(
        turns.every((left) => !left.has(file)),
        file,
      )
  })
})
