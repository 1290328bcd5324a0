import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { fence, isClusterError } from '../../src/index.ts'
import { startProcesses } from '../../src/testing/processes.ts'
import { recorded, recordedByAll } from './recorded.ts'

const holder = fileURLToPath(new URL('fixtures/lock-holder.ts', import.meta.url))

/** A resource outside of the cluster, with its guard. */
async function openResource() {
  const guard = fence()
  const passed: number[] = []
  const server = createServer((request, response) => {
    const token = Number(new URL(request.url ?? '', 'http://resource').searchParams.get('token'))
    guard
      .pass(token, () => passed.push(token))
      .then(
        () => response.end('done'),
        (error: unknown) => response.end(isClusterError(error, 'ERR_STALE_TOKEN') ? error.code : String(error)),
      )
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const close = (): void => {
    server.closeAllConnections()
    server.close()
  }
  return { url: `http://127.0.0.1:${port}`, passed, [Symbol.dispose]: close }
}

describe('the holder of a lock that is stopped for longer than its lease', () => {
  it('is told so by its signal; the next token is larger, and the guard of the resource refuses the old one', async () => {
    using resource = await openResource()
    await using cluster = await startProcesses(3, { program: holder, env: { RESOURCE: resource.url } })
    const locks = () => recordedByAll(cluster.nodes, 'locked')
    for (let round = 1; round <= 2; round++) {
      await cluster.until('somebody works', () => locks().length === round && resource.passed.length > 0)
      const { node: name, token } = locks().find(
        (lock) => lock.token === Math.max(...locks().map((each) => each.token)),
      )!
      const stopped = cluster.node(name)
      await cluster.until('with its token', () => resource.passed.at(-1) === token)
      stopped.pause()
      const next = await cluster.until('another one holds it, and works', () =>
        locks().find((lock) => lock.token > token && resource.passed.includes(lock.token)),
      )
      assert.notEqual(next.node, name)
      stopped.resume()
      await cluster.until('its signal aborted', () => recorded(stopped, 'aborted').some((each) => each.token === token))
      await cluster.until('what it still did was refused', () =>
        recorded(stopped, 'worked').some((each) => each.token === token && each.answer === 'ERR_STALE_TOKEN'),
      )
    }
    assert.deepEqual(
      resource.passed,
      resource.passed.toSorted((a, b) => a - b),
      'what the resource took is in the order of tokens',
    )
    const tokens = locks().map(({ token }) => token)
    assert.equal(new Set(tokens).size, tokens.length)
  })
})
