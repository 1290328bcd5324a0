import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  followChange,
  latencyText,
  maxShownCharacters,
  maxShownEntries,
  rates,
  type ShownConfig,
  shownConfig,
} from '../../../src/admin/dashboard/panels.ts'
import type { ConfigEvent } from '../../../src/coordination/config-interface.ts'

const entry = (key: string, revision = 1) => ({ key, value: key, revision, createRevision: 1 })
const set = (key: string, revision: number): ConfigEvent => ({ type: 'set', ...entry(key, revision) })
const keys = ({ entries }: ShownConfig): string[] => entries.map(({ key }) => key)

describe('config as a panel shows it', () => {
  it('follows what is set and deleted, in the order of the keys', () => {
    let shown = shownConfig([entry('b'), entry('d')], 1, false)
    for (const [revision, key] of ['c', 'e', 'a', 'c'].entries()) shown = followChange(shown, set(key, revision + 2))
    assert.deepEqual(keys(shown), ['a', 'b', 'c', 'd', 'e'])
    assert.equal(shown.entries[2]!.revision, 5)
    shown = followChange(shown, { type: 'delete', key: 'b', revision: 6, createRevision: 1 })
    assert.deepEqual([keys(shown), shown.revision], [['a', 'c', 'd', 'e'], 6])
  })

  it('grows to its bound and not beyond, and shows no key behind one that it does not know', () => {
    const many = Array.from({ length: maxShownEntries }, (_, index) => entry(`k${String(index).padStart(4, '0')}`))
    const full = shownConfig(many, 1, false)
    const cut = followChange(full, set('a', 2))
    assert.deepEqual([cut.entries.length, cut.isPartial, cut.entries[0]!.key], [maxShownEntries, true, 'a'])
    assert.deepEqual(keys(followChange(cut, set('z', 3))), keys(cut))
    assert.deepEqual(keys(followChange({ ...cut, entries: [] }, set('z', 3))), [])
  })

  it('cuts long values, and says by how much', () => {
    const value = 'x'.repeat(maxShownCharacters)
    const [shown] = shownConfig([{ ...entry('long'), value }], 1, false).entries
    assert.deepEqual([shown!.text.length, shown!.cut], [maxShownCharacters, 2])
  })
})

describe('channels as a panel shows them', () => {
  it('measures the rate between two looks, also over a new start of the node', () => {
    const looks = [
      { at: 0, sent: 10, received: 0 },
      { at: 2_000, sent: 20, received: 1 },
      { at: 3_000, sent: 0, received: 2 },
    ]
    assert.deepEqual(rates(looks), [
      { sent: 5, received: 0.5 },
      { sent: 0, received: 1 },
    ])
  })

  it('says that no latency was measured instead of a figure', () => {
    assert.equal(latencyText({ count: 0, p50Ms: undefined, p99Ms: undefined, maxMs: undefined }), 'none measured')
    assert.equal(
      latencyText({ count: 3, p50Ms: 0.25, p99Ms: 12_345, maxMs: 60_000 }),
      'p50 0.3 ms, p99 12.3 s, max 60 s, of 3',
    )
  })
})
