import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { it } from 'node:test'
import { loadedWithFirst } from '../../../src/admin/first-request.ts'
import { type Logger, silentLogger } from '../../../src/observability/logger.ts'
import { ask } from './client.ts'

it('what answers is loaded with the first request, once; where that fails it is said, and tried again with the next one', async () => {
  const logged: unknown[] = []
  const logger: Logger = { ...silentLogger, error: (_, details) => void logged.push(details?.error) }
  const failure = new Error('too many open files')
  let loads = 0
  const load = async (): Promise<RequestListener> => {
    loads += 1
    if (loads === 1) throw failure
    return (_, response) => void response.end('{"status":"here"}')
  }
  const server = createServer(loadedWithFirst(load, logger))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    assert.equal(loads, 0)
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    const { status, json } = await ask(url)
    assert.deepEqual([status, json.code], [500, 'ERR_INTERNAL'])
    assert.deepEqual(logged, [failure])
    for (const _ of [1, 2]) assert.deepEqual((await ask(url)).json, { status: 'here' })
    assert.equal(loads, 2)
  } finally {
    server.close()
    server.closeAllConnections()
  }
})
