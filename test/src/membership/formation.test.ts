import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Links } from '../../../src/links/links.ts'
import { clusterIdOf, Formation, parseFormingState } from '../../../src/membership/formation.ts'
import { FakeClock } from '../runtime/fake-clock.ts'

describe('a stored forming state', () => {
  const set = ['a', 'b']
  const founders = set.map((id) => ({ id, storeId: `store-${id}` }))

  it('comes back as it was written', () => {
    const states = [
      { type: 'none' },
      { type: 'intent', set },
      { type: 'renounced', set },
      { type: 'started', set, founders },
    ]
    for (const state of states) assert.deepEqual(parseFormingState(JSON.parse(JSON.stringify(state))), state)
  })

  it('that makes no sense is none', () => {
    const mad: unknown[] = [
      undefined,
      null,
      1,
      'none',
      [],
      {},
      { type: 'intent' },
      { type: 'intent', set: 'ab' },
      { type: 'intent', set: ['a', 1] },
      { type: 'started', set },
      { type: 'started', set, founders: ['a'] },
      { type: 'started', set, founders: [{ id: 'a' }] },
      { type: 'begun', set },
    ]
    for (const state of mad) assert.equal(parseFormingState(state), undefined, JSON.stringify(state))
    fc.assert(fc.property(fc.anything(), (value) => void parseFormingState(value)))
  })
})

describe('the id of a cluster', () => {
  it('is the same at all founders, and another for another name or set', () => {
    const id = clusterIdOf('trellis', ['a', 'b'])
    assert.match(id, /^[0-9a-f]{32}$/)
    assert.equal(clusterIdOf('trellis', ['a', 'b']), id)
    assert.notEqual(clusterIdOf('trellis', ['a', 'b', 'c']), id)
    assert.notEqual(clusterIdOf('trellis', ['ab']), id)
    assert.notEqual(clusterIdOf('other', ['a', 'b']), id)
  })

  it('never changes between releases: it is written on disks', () => {
    assert.equal(clusterIdOf('trellis', ['a', 'b']), '81b804ec816f8f7fbb7cce19b335abdc')
  })
})

describe('a founder that is not linked to all of its set', () => {
  const set = ['a', 'b', 'c', 'd', 'e', 'f']

  /** What `a` says to `b`, who holds the set and speaks this version of the wire format. */
  async function said(version: number): Promise<readonly string[]> {
    const types: string[] = []
    const links = {
      get: (id: string) => (id === 'b' ? { version } : undefined),
      send: (_to: string, message: { readonly message: { readonly type: string } }) => types.push(message.message.type),
      callMember: () => {},
      callSeed: () => {},
      dropSeed: () => {},
      dropMember: () => {},
    } as unknown as Links
    const formation = new Formation({
      self: { id: 'a', storeId: 'log of a', address: 'h:1' },
      ...{ cluster: 'trellis', expect: 6, durable: { type: 'none' }, links },
      ...{ clock: new FakeClock(), random: () => 0.5, turn: { enter: (work) => work() } },
      write: async () => {},
      onEvent: () => {},
      onDiskFailure: (error) => assert.fail(String(error)),
    })
    formation.start()
    formation.put({ type: 'connected', peer: 'b' })
    formation.receive('b', { type: 'confirm', set, storeId: 'log of b', round: 7, answers: 0 })
    for (let turn = 0; turn < 5; turn++) await undefined
    formation.close()
    return types
  }

  it('asks for the word of all, but not who would not understand it', async () => {
    assert.deepEqual(await said(2), ['candidate', 'inquire', 'confirm'])
    assert.deepEqual(await said(1), ['candidate', 'confirm'])
  })
})
