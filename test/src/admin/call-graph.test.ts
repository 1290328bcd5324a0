import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { callDrawing, maxLines } from '../../../src/admin/dashboard/call-graph.ts'
import type { CallEdge } from '../../../src/index.ts'

const edge = (from: string, to: string, rate = 1, fields: Partial<CallEdge> = {}): CallEdge => ({
  from,
  member: 'a',
  to,
  rate,
  calls: 1,
  errors: 0,
  errorShare: 0,
  latencyMs: 1,
  ...fields,
})

describe('the drawing of who calls whom', () => {
  it('has callers to the left of what they call', () => {
    const { services, columns, rows } = callDrawing([edge('', 'web'), edge('web', 'billing'), edge('', 'billing')], [])
    assert.deepEqual(
      services.map(({ name, column }) => [name, column]),
      [
        ['', 0],
        ['billing', 2],
        ['web', 1],
      ],
    )
    assert.deepEqual([columns, rows], [3, 1])
  })

  it('adds members up, by their rates', () => {
    const edges = [
      edge('a', 'b', 1, { latencyMs: 10, errorShare: 1 }),
      edge('a', 'b', 3, { member: 'c', latencyMs: 2 }),
    ]
    assert.deepEqual(callDrawing(edges, []).lines, [{ from: 'a', to: 'b', rate: 4, latencyMs: 4, errorShare: 0.25 }])
  })

  it('ends where services call in a circle, and is bounded', () => {
    assert.equal(callDrawing([edge('a', 'b'), edge('b', 'a'), edge('a', 'a')], []).services.length, 2)
    const many = Array.from({ length: 500 }, (_, at) => edge(`s${at}`, `t${at}`, at))
    assert.equal(callDrawing(many, []).lines.length, maxLines)
    assert.deepEqual(callDrawing([], []), { services: [], lines: [], columns: 0, rows: 0 })
  })
})
