import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { federationProblem } from '../../../src/federation/federation-options.ts'

const secret = 'a secret of gateways alone'

describe('options of a gateway', () => {
  it('are well with a secret, and with all that there is', () => {
    assert.equal(federationProblem({ secret }), undefined)
    const all = { secret: [secret], listen: '127.0.0.1:0', gateways: ['a:1'], exports: ['led*', '*'], name: 'east' }
    assert.equal(federationProblem(all), undefined)
  })

  it('tell all that is wrong with them at once, and no value', () => {
    const wrong = { secret: 'short', listen: '127.0.0.1:99999', gateways: ['x'], exports: [1], name: '-', more: 1 }
    const problem = federationProblem(wrong)
    assert.equal(problem?.split('; ').length, Object.keys(wrong).length, problem)
    assert.doesNotMatch(problem ?? '', /short|99999/)
  })

  it('are an object', () => {
    for (const value of [null, 7, 'text', []]) assert.match(federationProblem(value) ?? '', /object/)
  })
})
