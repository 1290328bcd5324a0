import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Monitors } from '../../../src/membership/monitors.ts'
import { type MemberRecord, type MemberState, servedBy } from '../../../topology/index.ts'

const ids = Array.from({ length: 40 }, (_, position) => `member-${position}`)

function records(states: Readonly<Record<string, MemberState>> = {}): MemberRecord[] {
  return ids.map((id) => ({ id, state: states[id] ?? 'alive' }) as MemberRecord)
}

function monitorsOf(self: string) {
  const held = new Set<string>()
  const holds = {
    hold: (peer: string) => void held.add(peer),
    release: (peer: string) => void held.delete(peer),
    heldFor: () => [...held],
  }
  return { monitors: new Monitors({ self, holds }), held }
}

describe('monitors', () => {
  it('are three for each member, whoever is asked', () => {
    const count = new Map(ids.map((id) => [id, 0]))
    for (const self of ids) {
      const { monitors } = monitorsOf(self)
      for (const id of monitors.update(records(), [], true)) count.set(id, (count.get(id) ?? 0) + 1)
    }
    assert.deepEqual(new Set(count.values()), new Set([3]))
  })

  it('are others when one of them dies', () => {
    const watched = ids[0] as string
    const of = (alive: readonly string[]): string[] =>
      alive.filter((self) => self !== watched && servedBy(self, [watched], alive, 3).length > 0)
    const before = of(ids)
    const after = of(ids.filter((id) => id !== before[0]))
    assert.equal(after.length, 3)
    assert.deepEqual(
      after.filter((id) => before.includes(id)),
      before.slice(1),
    )
  })

  it('leave neighbors to the probes over links, and everybody where all are neighbors', () => {
    const { monitors } = monitorsOf('member-0')
    const [first, ...others] = monitors.update(records(), [], true)
    assert.ok(first)
    assert.deepEqual(monitors.update(records(), [first], true), others)
    assert.deepEqual(monitors.update(records(), ids, false), [])
  })

  it('open a link to whom they doubt, and give it up when that is over', () => {
    const { monitors, held } = monitorsOf('member-0')
    const [first = '', second = ''] = monitors.update(records(), [], true)
    monitors.update(records({ [first]: 'suspect', [second]: 'down' }), [], true)
    assert.deepEqual([...held].sort(), [first, second].sort())
    monitors.update(records(), [], true)
    assert.deepEqual([...held], [])
  })
})
