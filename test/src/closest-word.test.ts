import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { closestWord } from '../../src/closest-word.ts'

describe('closestWord', () => {
  const words = ['listen', 'name', 'dataDir', 'admin', 'adminToken']

  for (const [typed, meant] of [
    ['listne', 'listen'],
    ['datadir', 'dataDir'],
    ['adminTokn', 'adminToken'],
    ['nmae', 'name'],
    ['names', 'name'],
    ['frobnicate', undefined],
    ['x', undefined],
    ['l'.repeat(1_000_000), undefined],
  ] as const)
    it(`takes ${typed.slice(0, 12)} for ${meant ?? 'nothing'}`, () => assert.equal(closestWord(typed, words), meant))
})
