import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ClusterRecordKeeper } from '../../../src/coordination/cluster-record.ts'
import { RecordSpreader } from '../../../src/coordination/record-spreader.ts'
import type { Links } from '../../../src/links/links.ts'
import type { Time } from '../../../src/runtime/clock.ts'
import type { Link } from '../../../src/wire/link.ts'
import type { ClusterRecord } from '../../../src/wire/record.ts'

const led: ClusterRecord = {
  clusterId: 'c',
  index: 5,
  term: 1,
  beat: 1,
  leader: 'a',
  voters: [{ id: 'a', storeId: 'store-a' }],
  learners: [],
  topology: { name: 'full-mesh', epoch: 0 },
  s5: { host: 'a', token: 4, active: true },
}

interface Setup {
  readonly linked: readonly string[]
  readonly strangers?: readonly string[]
  readonly isSparse?: boolean
}

/** A member without the log, its links, and what it has said since that was last asked: to whom, and who leads. */
function member({ linked, strangers = [], isSparse = false }: Setup) {
  const links = new Map<string, Link>()
  const link = (id: string): void => void links.set(id, { peer: { id } } as Link)
  linked.forEach(link)
  const sent: string[] = []
  const spreader = new RecordSpreader({
    self: 'me',
    clusterId: 'c',
    voters: led.voters,
    keeper: new ClusterRecordKeeper(),
    links: {
      get: (id: string) => links.get(id),
      all: () => [...links.values()],
      send: (id: string, { record }: { record: ClusterRecord }) => sent.push(`${id} ${record.leader || 'nobody'}`),
    } as unknown as Links,
    clock: { now: () => 0, setInterval: () => ({ [Symbol.dispose]() {} }) } as unknown as Time,
    turn: { enter: (work) => work() },
    strangers: () => strangers,
    isSparse: () => isSparse,
    onNewer: () => {},
  })
  return { spreader, link, said: () => sent.splice(0) }
}

describe('the cluster record', () => {
  it('names the cluster once over a link while nobody is known to lead, and again over the next one', () => {
    const { spreader, link, said } = member({ linked: ['b'] })
    for (const peer of ['b', 'b', 'nobody-linked']) spreader.greet(peer)
    assert.deepEqual(said(), ['b nobody'])
    link('b')
    spreader.greet('b')
    assert.deepEqual(said(), ['b nobody'])
  })

  it('is told in each greeting once a leader is known, to who was told of nobody too', () => {
    const { spreader, said } = member({ linked: ['b'] })
    spreader.greet('b')
    spreader.receive(led, 'a')
    said()
    for (let times = 0; times < 2; times++) spreader.greet('b')
    assert.deepEqual(said(), ['b a', 'b a'])
  })

  it('is told to who is in no cluster yet when another leads, and not with each beat of the same', () => {
    const { spreader, said } = member({ linked: ['a', 'b', 'x'], strangers: ['x'] })
    spreader.receive(led, 'a')
    spreader.receive({ ...led, beat: 2 }, 'a')
    assert.deepEqual(said(), ['x a'])
    spreader.receive({ ...led, term: 2, leader: 'b' }, 'b')
    assert.deepEqual(said(), ['x b'])
  })

  it('is passed on to all but its teller where not all are linked to the leader, and once', () => {
    const { spreader, said } = member({ linked: ['a', 'b', 'd'], isSparse: true })
    spreader.receive(led, 'a')
    spreader.receive(led, 'b')
    assert.deepEqual(said(), ['b a', 'd a'])
  })
})
