import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:net'
import { after, describe, it } from 'node:test'
import type { Discovery, NodeOptions } from '../../src/index.ts'
import { waitUntil } from '../../src/testing/compliance/wait-until.ts'
import type { LinkHandshakeOptions } from '../../src/wire/link-handshake.ts'
import { failureOf, start, stateOf } from './local-nodes.ts'
import { LiveNode, secret } from './transport/live-node.ts'

const servers: Server[] = []
after(() => {
  for (const server of servers) server.close()
})

/** What a start fails with. Its profile and address are those of the other tests. */
const refused = (options: NodeOptions) => failureOf(start(options))

/** Milliseconds until `promise` settles. */
async function timed(promise: Promise<unknown>): Promise<number> {
  const began = performance.now()
  await promise
  return performance.now() - began
}

const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length

describe('options', () => {
  it('are refused all at once, before anything is opened', async () => {
    const bad = { name: '', expect: 0, joins: 'x', profile: 'fast' } as object as NodeOptions
    const error = await refused({ ...bad, listen: 'nowhere' })
    assert.ok(error.code === 'ERR_BAD_OPTIONS')
    const { problems } = error.details as { problems: readonly string[] }
    for (const word of ['name', 'expect', 'joins', 'profile', 'listen'])
      assert.ok(
        problems.some((problem) => problem.includes(word)),
        `${word} in ${problems}`,
      )
  })
})

describe('a node is refused', () => {
  it('with ERR_NAME_TAKEN when its name belongs to a member that is here', async () => {
    const a = await start({ name: 'a' })
    const b = await start({ name: 'b', join: [a.address] })
    for (const name of ['a', 'b']) {
      const error = await refused({ name, join: [a.address] })
      assert.equal(error.code, 'ERR_NAME_TAKEN')
      assert.equal((error.details as { name: string }).name, name)
    }
    assert.deepEqual([stateOf(a, 'a'), stateOf(a, 'b'), b.members().length], ['alive', 'alive', 2])
  })

  it('with ERR_NAME_TAKEN when the holder is known to another member only', async () => {
    const a = await start({ name: 'a' })
    const b = await start({ name: 'b', join: [a.address] })
    await waitUntil(() => stateOf(a, 'b') === 'alive')
    assert.equal((await refused({ name: 'a', join: [b.address] })).code, 'ERR_NAME_TAKEN')
  })

  it('with ERR_WRONG_SECRET, at once and long before its time is over', async () => {
    const a = await start({ secret: 'the secret of this cluster' })
    const ms = await timed(
      refused({ join: [a.address], secret: 'another secret altogether', timeoutMs: 60_000 }).then(
        ({ code, details }) => {
          assert.equal(code, 'ERR_WRONG_SECRET')
          assert.deepEqual(details, { address: a.address })
        },
      ),
    )
    assert.ok(ms < 60_000, `${ms} ms`)
  })

  it('with ERR_WRONG_SECRET when it names itself among its seeds', async () => {
    const a = await start({ secret: 'the secret of this cluster' })
    const free = await start({ name: 'free' })
    await free.stop()
    const error = await refused({
      listen: free.address,
      join: [free.address, a.address],
      secret: 'another secret altogether',
      timeoutMs: 5_000,
    })
    assert.equal(error.code, 'ERR_WRONG_SECRET')
  })

  it('with ERR_FOREIGN_CLUSTER by a cluster of another name', async () => {
    const a = await start({ cluster: 'one' })
    const error = await refused({ cluster: 'two', join: [a.address] })
    assert.equal(error.code, 'ERR_FOREIGN_CLUSTER')
    assert.deepEqual(error.details, { address: a.address, ours: 'two', theirs: `one/${a.status().cluster.id}` })
  })

  it('with ERR_CLUSTER_UNREACHABLE once its time is over, and not before', async () => {
    const before = timers()
    const ms = await timed(
      refused({ join: ['127.0.0.1:1'], timeoutMs: 300 }).then(({ code, details, retryable }) => {
        assert.deepEqual([code, details, retryable], ['ERR_CLUSTER_UNREACHABLE', { join: ['127.0.0.1:1'] }, true])
      }),
    )
    assert.ok(ms >= 300, `${ms} ms`)
    await waitUntil(() => timers() <= before)
  })

  it('with ERR_CLUSTER_UNREACHABLE by a port where something else answers, or nothing does', async () => {
    const mute = createServer()
    const chatty = createServer((socket) => socket.on('error', () => {}).write('220 mail.example.org ESMTP\r\n'))
    servers.push(mute, chatty)
    const join: string[] = []
    for (const server of [mute, chatty]) {
      server.listen(0, '127.0.0.1')
      await waitUntil(() => server.listening)
      join.push(`127.0.0.1:${(server.address() as { port: number }).port}`)
    }
    assert.equal((await refused({ join, timeoutMs: 300 })).code, 'ERR_CLUSTER_UNREACHABLE')
  })

  it('with ERR_CLUSTER_UNREACHABLE and what the provider of peers ended with, or was in trouble with last', async () => {
    const broken = new Error('no such catalog\nat line 1')
    const ending: Discovery = {
      name: 'catalog',
      // biome-ignore lint/correctness/useYield: it ends before it has found anything.
      async *watch() {
        throw broken
      },
    }
    const ended = await refused({ join: ending, timeoutMs: 200 })
    assert.equal(ended.code, 'ERR_CLUSTER_UNREACHABLE')
    assert.equal(ended.cause, broken)
    assert.match(
      ended.message,
      /^no cluster was found at catalog within 200 ms; catalog said: no such catalog at line 1$/,
    )
    const silent: Discovery = {
      name: 'names',
      async *watch(signal, report) {
        report(new Error('a first trouble'))
        report(new Error('no answer'))
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
      },
    }
    const troubled = await refused({ join: silent, timeoutMs: 200 })
    assert.match(troubled.message, /; names said: no answer$/)
  })

  it('with ERR_CLUSTER_UNREACHABLE by others that wait for a cluster themselves', async () => {
    const waiting = await start({ name: 'waiting', expect: 3, timeoutMs: 1 })
    assert.equal((await refused({ join: [waiting.address], timeoutMs: 300 })).code, 'ERR_CLUSTER_UNREACHABLE')
  })

  it('with ERR_ABORTED, before or while it looks for its cluster', async () => {
    assert.equal((await refused({ signal: AbortSignal.abort() })).code, 'ERR_ABORTED')
    const abort = new AbortController()
    const starting = refused({ join: ['127.0.0.1:1'], signal: abort.signal })
    setImmediate(() => abort.abort())
    assert.equal((await starting).code, 'ERR_ABORTED')
  })

  it('with ERR_ADDRESS_IN_USE, and the port is free again after a refusal', async () => {
    const a = await start({ name: 'a' })
    const error = await refused({ listen: a.address })
    assert.deepEqual([error.code, error.details], ['ERR_ADDRESS_IN_USE', { address: a.address }])
    await a.stop()
    assert.equal(
      (await refused({ listen: a.address, join: ['127.0.0.1:1'], timeoutMs: 50 })).code,
      'ERR_CLUSTER_UNREACHABLE',
    )
    const again = await start({ listen: a.address })
    assert.equal(again.address, a.address)
  })

  it('when its admin address is in use, and then leaves nothing behind', async () => {
    const a = await start({ name: 'a', admin: '127.0.0.1:0' })
    const admin = a.admin?.replace('http://', '') ?? ''
    const free = await start({ name: 'free' })
    await free.stop()
    const error = await refused({ listen: free.address, admin })
    assert.equal(error.code, 'ERR_ADDRESS_IN_USE')
    await start({ listen: free.address })
  })
})

/** A member that is about to stop. */
class GoingNode extends LiveNode {
  override options(): LinkHandshakeOptions {
    return { ...super.options(), admit: () => 'going-down' }
  }
}

describe('a seed that is about to go', () => {
  it('is no refusal for good: the node waits for another', async () => {
    const going = new GoingNode()
    await going.start()
    try {
      const abort = new AbortController()
      const starting = refused({ join: [going.address], secret, signal: abort.signal })
      // It calls again what refused it.
      const refusals = () => going.failures.filter((failure) => failure === 'ERR_HANDSHAKE_FAILED going-down').length
      await waitUntil(() => refusals() >= 2)
      abort.abort()
      assert.equal((await starting).code, 'ERR_ABORTED')
    } finally {
      await going.stop()
    }
  })
})
