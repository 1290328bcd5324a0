import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it, mock } from 'node:test'
import { EventHub } from '../../src/events.ts'
import { KnowledgeEvents } from '../../src/knowledge-events.ts'
import type { NodeStatus } from '../../src/node-interface.ts'
import { silentLogger } from '../../src/observability/logger.ts'
import { ownIntervals } from './runtime/fake-clock.ts'

let leader: string | null
let term: number
let s5: NodeStatus['s5']
let told: string[]
let knowledge: KnowledgeEvents

beforeEach(() => {
  mock.timers.enable({ apis: ['setInterval'] })
  leader = null
  term = 0
  s5 = { host: null, phase: 'inactive', fencingToken: null }
  told = []
  const hub = new EventHub(silentLogger)
  hub.subscribe((event) => {
    if (event.type === 'leader') told.push(`leader ${event.leader} ${event.term}`)
    if (event.type === 's5') told.push(`s5 ${event.host} ${event.phase} ${event.fencingToken}`)
  })
  knowledge = new KnowledgeEvents(hub, ownIntervals, () => ({ leader, term, s5 }))
  knowledge.look()
  told.length = 0
})

afterEach(() => {
  knowledge.close()
  mock.timers.reset()
})

describe('events of knowledge', () => {
  it('tell of a new leader, of the same one in a new term, and of none', () => {
    leader = 'a'
    term = 1
    knowledge.look()
    knowledge.look()
    term = 2
    knowledge.look()
    leader = null
    knowledge.look()
    assert.deepEqual(told, ['leader a 1', 'leader a 2', 'leader null 2'])
  })

  it('tell nothing of terms in which nobody leads', () => {
    for (term = 1; term < 5; term++) knowledge.look()
    assert.deepEqual(told, [])
  })

  it('tell of each change of S5', () => {
    s5 = { host: null, phase: 'activating', fencingToken: null }
    knowledge.look()
    s5 = { host: 'a', phase: 'active', fencingToken: 4 }
    knowledge.look()
    knowledge.look()
    s5 = { host: 'a', phase: 'active', fencingToken: 9 }
    knowledge.look()
    assert.deepEqual(told, ['s5 null activating null', 's5 a active 4', 's5 a active 9'])
  })

  it('come by themselves for what changes by the mere passing of time, until closed', () => {
    leader = 'a'
    mock.timers.tick(250)
    assert.deepEqual(told, ['leader a 0'])
    knowledge.close()
    leader = 'b'
    mock.timers.tick(10_000)
    assert.equal(told.length, 1)
  })
})
