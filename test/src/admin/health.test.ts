import assert from 'node:assert/strict'
import { it } from 'node:test'
import { createNode } from '../../../src/index.ts'
import { ask } from './client.ts'

it('a node that stops is not ready for work any more, and healthy to its end', async () => {
  const node = await createNode({ listen: '127.0.0.1:0', admin: '127.0.0.1:0' })
  const { promise: cleaned, resolve: clean } = Promise.withResolvers<void>()
  const hosted = Promise.withResolvers<void>()
  node.vsm.host('s5', () => {
    hosted.resolve()
    return { [Symbol.asyncDispose]: () => cleaned }
  })
  await hosted.promise
  const [ready, healthy] = [`${node.admin}/readyz`, `${node.admin}/healthz`]
  assert.deepEqual((await ask(ready)).json, { ready: true })
  const stopped = node.stop()
  const { status, json } = await ask(ready)
  assert.deepEqual([status, json], [503, { ready: false, reason: 'stopping' }])
  assert.equal((await ask(healthy)).status, 200)
  clean()
  await stopped
})
