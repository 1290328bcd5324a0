import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { journalPath, judgeTraffic } from '../../../src/bench/traffic.ts'
import { temporaryDirectory } from '../storage/temporary-directory.ts'

type Journal = readonly [name: string, pid: number, lines: readonly string[]]

function judge(journals: readonly Journal[]): ReturnType<typeof judgeTraffic> {
  const directory = temporaryDirectory()
  const names = [...new Set(journals.map(([name]) => name))]
  for (const name of names) mkdirSync(join(directory, name))
  for (const [name, pid, lines] of journals)
    writeFileSync(journalPath(join(directory, name), pid), lines.map((line, at) => `${line} ${at}.5\n`).join(''))
  return judgeTraffic({ nodes: names.map((name) => ({ name, dataDir: join(directory, name) })) } as never)
}

describe('what journals of traffic prove together', () => {
  it('is nothing wrong when all that was acknowledged was delivered once and in order', () => {
    const verdict = judge([
      ['a', 1, ['acknowledged b k 1', 'acknowledged b k 2']],
      ['b', 2, ['delivered a.1 k 1', 'delivered a.1 k 2', 'delivered a.1 k 3']],
    ])
    assert.deepEqual(verdict, {
      ...{ acknowledged: 2, delivered: 3, lost: [], twice: [], outOfOrder: [] },
      acknowledgedAt: [0.5, 1.5],
    })
  })

  it('is a loss when it was acknowledged and no life of its receiver has it', () => {
    const { lost } = judge([
      ['a', 1, ['acknowledged b k 1', 'acknowledged b k 2']],
      ['b', 2, ['delivered a.1 k 1']],
      ['b', 3, ['delivered a.9 k 2']],
    ])
    assert.deepEqual(lost, ['a.1 to b k 2'])
  })

  it('is a second delivery, to another life too, and a wrong order within a key only', () => {
    const { twice, outOfOrder } = judge([
      ['b', 2, ['delivered a.1 k 2', 'delivered a.1 k 1', 'delivered a.1 l 1']],
      ['b', 3, ['delivered a.1 l 1']],
    ])
    assert.deepEqual(twice, ['a.1 to b l 1'])
    assert.deepEqual(outOfOrder, ['a.1 to b k 1'])
  })

  it('does not count the last line of a life that was killed while it wrote it', () => {
    const directory = temporaryDirectory()
    mkdirSync(join(directory, 'b'))
    writeFileSync(journalPath(join(directory, 'b'), 1), 'delivered a.1 k 1 2.0\ndelivered a.1 k')
    const cluster = { nodes: [{ name: 'b', dataDir: join(directory, 'b') }] } as never
    assert.equal(judgeTraffic(cluster).delivered, 1)
  })
})
