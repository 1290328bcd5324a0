import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ConfigChange } from '../../../consensus/machines/config-commands.ts'
import { History } from '../../../consensus/machines/history.ts'
import { living } from '../../living.ts'

const maxHistoryChanges = 8_192

describe('the history of config', () => {
  it('lets go of what it drops, but for a small part of what it keeps', async () => {
    const history = new History({ maxHistoryChanges, maxHistoryLength: 1_000_000 })
    const added: WeakRef<ConfigChange>[] = []
    for (let revision = 1; revision <= 2 * maxHistoryChanges - 1; revision++) {
      const change = { key: 'a', value: '1', revision, createRevision: 1 } as ConfigChange
      added.push(new WeakRef(change))
      history.add([change])
    }
    const kept = await living(added)
    assert.equal(history.compacted, maxHistoryChanges - 1)
    assert.ok(kept.length >= maxHistoryChanges)
    assert.ok(kept.length < maxHistoryChanges * 1.2, `${kept.length} changes live`)
    assert.equal(history.of('a').length, maxHistoryChanges)
  })
})
