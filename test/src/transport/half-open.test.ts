import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import type { Timer } from '../../../src/runtime/clock.ts'
import { turns, waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import {
  addressGroup,
  defaultHalfOpenLimits,
  type HalfOpen,
  HalfOpenTable,
  type RefusedReason,
} from '../../../src/transport/half-open.ts'
import { FakeClock } from '../runtime/fake-clock.ts'

interface Entry extends HalfOpen {
  readonly name: string
  bytes: number
}

const refused: [string, RefusedReason][] = []
const open: [HalfOpenTable, Entry][] = []

function entry(name: string, remoteAddress = '192.0.2.1', isProven = false): Entry {
  return {
    name,
    remoteAddress,
    isProven,
    bytes: 0,
    bytesRead() {
      return this.bytes
    },
    refuse: (reason) => void refused.push([name, reason]),
  }
}

function add(table: HalfOpenTable, ...entries: readonly Entry[]): void {
  for (const one of entries) {
    open.push([table, one])
    table.add(one)
  }
}

afterEach(() => {
  refused.length = 0
  for (const [table, one] of open.splice(0)) table.remove(one)
})

describe('a stranger that says nothing', () => {
  it('goes after its time, in which this process listened', () => {
    const clock = new FakeClock()
    let sweep = (): void => undefined
    const setInterval = (work: () => void): Timer => {
      sweep = work
      return { unref: () => undefined, [Symbol.dispose]: () => undefined }
    }
    const table = new HalfOpenTable(defaultHalfOpenLimits, Object.assign(clock, { setInterval }))
    add(table, entry('early'))
    for (let late = 0; late < 5; late++) {
      clock.pass(4_000)
      sweep()
    }
    add(table, entry('later'))
    assert.deepEqual(refused, [])
    for (let sweeps = 0; sweeps < 48; sweeps++) {
      clock.pass(100)
      sweep()
    }
    assert.deepEqual(refused, [['early', 'timeout']])
    for (let sweeps = 0; sweeps < 2; sweeps++) {
      clock.pass(100)
      sweep()
    }
    assert.deepEqual(refused.slice(1), [['later', 'timeout']])
  })
})

describe('past the limit of an address', () => {
  const table = new HalfOpenTable({ ...defaultHalfOpenLimits, maxHalfOpenPerAddress: 2 })

  it('the oldest one goes, and other addresses do not notice', () => {
    add(table, entry('other', '192.0.2.2'), entry('first'), entry('second'), entry('third'))
    assert.deepEqual(refused, [['first', 'crowded']])
  })

  it('one that has proven nothing goes before an older one that has', () => {
    add(table, entry('proven', '192.0.2.1', true), entry('silent'), entry('newcomer'))
    assert.deepEqual(refused, [['silent', 'crowded']])
  })

  it('the oldest one goes when all have proven who they are', () => {
    add(table, entry('first', '192.0.2.1', true), entry('second', '192.0.2.1', true), entry('newcomer'))
    assert.deepEqual(refused, [['first', 'crowded']])
  })

  it('there is room again once one was admitted or has gone', () => {
    const first = entry('first')
    add(table, first, entry('second'))
    table.remove(first)
    table.remove(first)
    add(table, entry('third'))
    assert.deepEqual(refused, [])
    assert.equal(table.size, 2)
  })
})

describe('past the limit of all addresses', () => {
  it('the oldest one goes, wherever it came from', () => {
    const table = new HalfOpenTable({ ...defaultHalfOpenLimits, maxHalfOpen: 2 })
    add(table, entry('first', '192.0.2.1'), entry('second', '192.0.2.2'), entry('third', '192.0.2.3'))
    assert.deepEqual(refused, [['first', 'crowded']])
  })
})

describe('with time and bytes', () => {
  it('whoever takes too long goes, proven or not', async () => {
    const table = new HalfOpenTable({ ...defaultHalfOpenLimits, handshakeTimeoutMs: 20 })
    add(table, entry('silent'), entry('proven', '192.0.2.1', true))
    await waitUntil(() => refused.length === 2)
    assert.deepEqual(refused, [
      ['silent', 'timeout'],
      ['proven', 'timeout'],
    ])
  })

  it('whoever sends too much without an identity goes, with one it may', async () => {
    const table = new HalfOpenTable({ ...defaultHalfOpenLimits, maxHandshakeBytes: 10 })
    const [loud, exact, proven] = [entry('loud'), entry('exact'), entry('proven', '192.0.2.1', true)]
    loud.bytes = 11
    exact.bytes = 10
    proven.bytes = 1_000
    add(table, proven, exact, loud)
    await waitUntil(() => refused.length > 0)
    await turns(5)
    assert.deepEqual(refused, [['loud', 'too-many-bytes']])
  })
})

describe('an empty table', () => {
  it('keeps no timer', () => {
    const before = timers()
    const table = new HalfOpenTable(defaultHalfOpenLimits)
    const one = entry('one')
    table.add(one)
    assert.equal(timers(), before + 1)
    table.remove(one)
    assert.equal(timers(), before)
  })
})

describe('one stranger', () => {
  it('is an IPv4 address, however it is written, or the first half of an IPv6 address', () => {
    assert.equal(addressGroup('192.0.2.1'), '192.0.2.1')
    assert.equal(addressGroup('::ffff:192.0.2.1'), '192.0.2.1')
    assert.equal(addressGroup('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::/64')
    assert.equal(addressGroup('2001:DB8:1:2::9'), '2001:db8:1:2::/64')
    assert.equal(addressGroup('2001:db8::9'), '2001:db8:0:0::/64')
    assert.equal(addressGroup('fe80::1%eth0'), 'fe80:0:0:0::/64')
    assert.equal(addressGroup('::1'), '0:0:0:0::/64')
  })
})

function timers(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
}
