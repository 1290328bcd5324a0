// Is a history of clients of one key linearizable? Every write that was acknowledged, and every read, names the
// revision it made or saw, and revisions are the order that the cluster claims. So the history is linearizable exactly
// when that order contradicts no real time, and no revision has two values.

import assert from 'node:assert/strict'

export interface Operation {
  readonly type: 'read' | 'write'
  readonly began: number
  readonly ended: number
  readonly revision: number
  readonly value: number | string
}

/** Fails when `history` is not linearizable. */
export function assertLinearizable(history: readonly Operation[]): void {
  const values = new Map<number, number | string>()
  for (const { revision, value } of history) {
    assert.equal(values.get(revision) ?? value, value, `revision ${revision} has one value`)
    values.set(revision, value)
  }
  const writes = history.filter(({ type }) => type === 'write')
  assert.equal(new Set(writes.map(({ revision }) => revision)).size, writes.length, 'each write has its own revision')
  const byBegin = [...history].sort((a, b) => a.began - b.began)
  const byEnd = [...history].sort((a, b) => a.ended - b.ended)
  let ended = 0
  let newest = 0
  for (const operation of byBegin) {
    for (; ended < byEnd.length && byEnd[ended]!.ended < operation.began; ended++)
      newest = Math.max(newest, byEnd[ended]!.revision)
    const isNew = operation.type === 'read' ? operation.revision >= newest : operation.revision > newest
    assert.ok(isNew, `${JSON.stringify(operation)} began after revision ${newest} had been answered`)
  }
}
