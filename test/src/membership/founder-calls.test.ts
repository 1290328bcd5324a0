import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { FounderCalls, founderDelay } from '../../../src/membership/founder-calls.ts'

const many = 6
const addresses = ['h:1', 'h:2', 'h:3', 'h:4', 'h:5', 'h:6']

describe('how long a founder waits before it calls another', () => {
  it('among few is nothing, or a moment where the other one calls', () => {
    assert.equal(founderDelay('h:1', 'h:2', 5, addresses), 0)
    assert.equal(founderDelay('h:2', 'h:1', 5, addresses), 50)
  })

  it('among many is nothing for the first of them, and a while for others', () => {
    assert.equal(founderDelay('h:3', 'h:1', many, addresses), 0)
    assert.equal(founderDelay('h:3', 'h:2', many, addresses), 1_000)
    assert.equal(founderDelay('h:3', 'h:4', many, addresses), 1_000)
    assert.equal(founderDelay('h:3', 'h:0', many, addresses), 0)
  })

  it('is a moment for the first of many, whom all call', () => {
    assert.equal(founderDelay('h:1', 'h:2', many, addresses), 60)
    assert.equal(founderDelay('h:1', 'h:2', 1_000, addresses), 300)
  })

  it('is as among few for who needs links to all', () => {
    assert.equal(founderDelay('h:3', 'h:4', many, undefined), 0)
    assert.equal(founderDelay('h:3', 'h:1', many, undefined), 60)
  })
})

describe('the calls of a founder', () => {
  let said: string[]
  let linked: Set<string>
  const looked = (): string[] => said.splice(0)

  function callsOf(address: string, { founders = many, isFresh = true } = {}): FounderCalls {
    return new FounderCalls({
      self: { id: `id of ${address}`, address },
      founders,
      isFresh,
      links: {
        get: (id) => (linked.has(id) ? ({} as never) : undefined),
        callSeed: (seed, pace, afterMs) => void said.push(`seed ${seed} ${pace} ${afterMs}`),
        dropSeed: (seed) => void said.push(`drop seed ${seed}`),
        callMember: (id, at, pace, afterMs) => void said.push(`member ${id} ${at} ${pace} ${afterMs}`),
        dropMember: (id) => void said.push(`drop member ${id}`),
      },
    })
  }

  const contact = (address: string) => ({ id: `id of ${address}`, address })

  beforeEach(() => {
    said = []
    linked = new Set()
  })

  it('go to the first of many at once, and to itself never', () => {
    callsOf('h:3').callSeeds(['h:3', 'h:2', 'h:1'])
    assert.deepEqual(looked(), ['seed h:2 eager 1000', 'seed h:1 eager 0'])
  })

  it('go to whom it hears of, at once if that is the first of all that it knows', () => {
    linked.add('id of h:2')
    const calls = callsOf('h:3')
    calls.callSeeds(['h:2'])
    calls.introduced(['h:1', 'h:2', 'h:3', 'h:4'].map(contact))
    assert.deepEqual(looked(), ['seed h:2 eager 0', 'seed h:1 eager 0', 'seed h:4 eager 1000'])
  })

  it('wait longer for the others once the first is linked', () => {
    const calls = callsOf('h:3')
    calls.callSeeds(['h:1', 'h:2'])
    calls.linked('h:4')
    looked()
    calls.linked('h:1,/ip4/1.2.3.4/tcp/1')
    assert.deepEqual(looked(), ['drop seed h:2', 'seed h:2 eager 4000'])
    calls.introduced([contact('h:5')])
    assert.deepEqual(looked(), ['seed h:5 eager 4000'])
  })

  it('are in no hurry any more when the cluster is there, and forget whom it heard of', () => {
    const calls = callsOf('h:3')
    calls.callSeeds(['h:1', 'h:2'])
    calls.introduced([contact('h:2'), contact('h:5')])
    looked()
    calls.end()
    assert.deepEqual(looked(), ['drop seed h:5', 'drop seed h:2', 'seed h:2 remembered 1000'])
  })

  it('stay as they are among few, and for who has promised a set', () => {
    for (const options of [{ founders: 5 }, { isFresh: false }]) {
      const calls = callsOf('h:2', options)
      calls.callSeeds(['h:1', 'h:3'])
      assert.equal(looked()[1], 'seed h:3 eager 0')
      calls.linked('h:1')
      calls.end()
      assert.deepEqual(looked(), [])
    }
  })

  it('go from each of those who will vote to the others as soon as it takes the set, and end when it is given up', () => {
    linked.add('id of h:1')
    const calls = callsOf('h:3')
    calls.introduced(addresses.map(contact))
    looked()
    calls.callVoters(addresses.map((address) => `id of ${address}`))
    assert.deepEqual(looked(), [
      'member id of h:2 h:2 eager 50',
      'member id of h:4 h:4 eager 0',
      'member id of h:5 h:5 eager 0',
    ])
    calls.dropVoters()
    assert.deepEqual(looked().length, 5)
    calls.dropVoters()
    callsOf('h:6').callVoters(addresses.map((address) => `id of ${address}`))
    assert.deepEqual(looked(), [])
  })
})
