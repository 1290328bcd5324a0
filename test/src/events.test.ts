import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { EventHub } from '../../src/events.ts'
import type { ClusterEvent, MemberChange, MemberView } from '../../src/node-interface.ts'
import { type Logger, silentLogger } from '../../src/observability/logger.ts'

function change(name: string): ClusterEvent {
  const member: MemberView = {
    id: name,
    name,
    address: '127.0.0.1:1',
    state: 'alive',
    condition: 'ok',
    incarnation: 1,
    roles: [],
    zone: '',
  }
  return { type: 'member', at: 0, change: { type: 'added', member, previous: undefined } }
}

const leader: ClusterEvent = { type: 'leader', at: 0, leader: 'a', term: 1 }
const nameOf = (result: IteratorResult<MemberChange, void>) => (result.done ? 'end' : result.value.member.name)

describe('a listener', () => {
  it('is told until it is disposed, and twice when it subscribed twice', () => {
    const hub = new EventHub(silentLogger)
    const seen: string[] = []
    const listener = ({ type }: ClusterEvent) => void seen.push(type)
    const [first, second] = [hub.subscribe(listener), hub.subscribe(listener)]
    hub.emit(leader)
    assert.equal(seen.length, 2)
    first[Symbol.dispose]()
    first[Symbol.dispose]()
    hub.emit(leader)
    assert.equal(seen.length, 3)
    second[Symbol.dispose]()
    hub.emit(leader)
    assert.equal(seen.length, 3)
  })

  it('that throws is logged, and the others are told all the same', () => {
    const errors: unknown[] = []
    const logger: Logger = { ...silentLogger, error: (_message, fields) => errors.push(fields?.error) }
    const hub = new EventHub(logger)
    const failure = new Error('a bug of the listener')
    let told = 0
    hub.subscribe(() => {
      throw failure
    })
    hub.subscribe(() => {
      told += 1
    })
    hub.emit(leader)
    assert.deepEqual([errors, told], [[failure], 1])
  })

  it('is told nothing once the hub is closed', () => {
    const hub = new EventHub(silentLogger)
    let told = 0
    hub.subscribe(() => {
      told += 1
    })
    hub.close()
    hub.emit(leader)
    assert.equal(told, 0)
  })
})

describe('an iteration over changes of members', () => {
  it('yields changes and no other events, in order, those that came between two reads, too', async () => {
    const hub = new EventHub(silentLogger)
    const changes = hub.memberChanges(undefined)
    const first = changes.next()
    hub.emit(leader)
    for (const name of ['a', 'b', 'c']) hub.emit(change(name))
    assert.deepEqual([nameOf(await first), nameOf(await changes.next()), nameOf(await changes.next())], ['a', 'b', 'c'])
    await changes.return()
  })

  it('ends when its signal aborts, before or during a read', async () => {
    const hub = new EventHub(silentLogger)
    assert.equal(nameOf(await hub.memberChanges(AbortSignal.abort()).next()), 'end')
    const abort = new AbortController()
    const next = hub.memberChanges(abort.signal).next()
    abort.abort()
    assert.equal(nameOf(await next), 'end')
  })

  it('ends when the hub closes, and one that begins later at once', async () => {
    const hub = new EventHub(silentLogger)
    const next = hub.memberChanges(undefined).next()
    hub.close()
    assert.equal(nameOf(await next), 'end')
    assert.equal(nameOf(await hub.memberChanges(undefined).next()), 'end')
  })

  it('keeps a bounded number for a consumer that does not read: the newest', async () => {
    const hub = new EventHub(silentLogger)
    const changes = hub.memberChanges(undefined)
    const first = changes.next()
    for (let number = 0; number < 10_003; number++) hub.emit(change(`${number}`))
    assert.equal(nameOf(await first), '3')
    assert.equal(nameOf(await changes.next()), '4')
    await changes.return()
  })

  it('leaves nothing behind when the consumer stops reading', async () => {
    const hub = new EventHub(silentLogger)
    const { signal } = new AbortController()
    let listeners = 0
    const { addEventListener, removeEventListener } = signal
    signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      listeners += 1
      addEventListener.apply(signal, args)
    }
    signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
      listeners -= 1
      removeEventListener.apply(signal, args)
    }
    for await (const _ of until(hub)) break
    const changes = hub.memberChanges(signal)
    const next = changes.next()
    hub.emit(change('a'))
    await next
    await changes.return()
    assert.equal(listeners, 0)
  })
})

/** An iteration that has something to yield at once. */
function until(hub: EventHub): AsyncGenerator<MemberChange, void, undefined> {
  const changes = hub.memberChanges(undefined)
  setImmediate(() => hub.emit(change('a')))
  return changes
}
