import assert from 'node:assert/strict'
import { it } from 'node:test'
import { ClusterError } from '../../../src/errors.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import type { CallExchange } from '../../../src/services/call-exchange.ts'
import { ServiceHost } from '../../../src/services/service-host.ts'

it('a host does nothing for a caller to whom nothing more can be said, and tells it so', () => {
  const said: unknown[] = []
  const exchange = {
    answer: (to: string, _id: number, value: string) => said.push([to, value]),
    fail: (to: string, _id: number, error: string, isRefused: boolean) =>
      said.push([to, JSON.parse(error).code, isRefused]),
  } as unknown as CallExchange
  const full = new ClusterError('ERR_BUFFER_FULL', 'the link is full', { queue: 'link', limit: 1 })
  const refusal = (caller: string) => (caller === 'slow' ? full : undefined)
  using host = new ServiceHost({ clock: systemClock, self: 'self', exchange, nameOf: (id) => id, refusal })
  let runs = 0
  host.add(1, 'work', () => () => ++runs)
  const call = { id: 1, number: 1, method: 'do', argument: null, deadlineMs: 1_000, isStream: false, retries: 0 }
  for (const id of ['slow', 'quick'])
    host.serve({ id, generation: 1 }, { calls: [{ ...call, trace: undefined }], pulls: [], cancels: [] })
  assert.deepEqual(said, [
    ['slow', 'ERR_BUFFER_FULL', true],
    ['quick', '1'],
  ])
})
