// What users write in TypeScript: objects of interfaces of their own, which have no index signature, and handlers that
// say what they expect.

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { createTestCluster } from '../../src/testing/index.ts'

interface Order {
  readonly id: string
  readonly lines: readonly Line[]
}

interface Line {
  readonly cents: number
}

const order: Order = { id: 'o-1', lines: [{ cents: 300 }, { cents: 200 }] }
const total = ({ lines }: Order): number => lines.reduce((sum, { cents }) => sum + cents, 0)

it('objects of an interface are sent, published, asked with, called with and kept', async () => {
  await using cluster = await createTestCluster(2)
  const [a, b] = [cluster.node('node-1'), cluster.node('node-2')]
  const channel = b.channel('events')
  const heard: unknown[] = []
  channel.onMessage(({ payload }) => {
    heard.push(payload)
  })
  channel.subscribe('orders.*', ({ payload }) => {
    heard.push(payload)
  })
  channel.onRequest(({ payload }) => payload)
  b.services.register('billing', { charge: ({ lines }: Order) => total({ id: '', lines }) })
  await a.services.waitFor('billing')

  await a.channel('events').send('node-2', order, { ack: true })
  await a.channel('events').publish('orders.created', order, { ack: true })
  assert.deepEqual((await a.channel('events').request('node-2', order)).payload, order)
  assert.equal(await a.services.call('billing', 'charge', order), 500)
  await a.config.set('last', order)
  assert.deepEqual((await a.config.get('last'))?.value, order)
  assert.deepEqual(heard, [order, order, order])
})
