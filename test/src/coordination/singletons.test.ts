import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type {
  ClusterError,
  Logger,
  Payload,
  SingletonFactory,
  SingletonHandle,
  TrellisNode,
} from '../../../src/index.ts'
import { silentLogger } from '../../../src/observability/logger.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { failureOf, form } from '../local-nodes.ts'

interface Life {
  readonly node: string
  readonly token: number
  isOver: boolean
}

/** Counts what it is asked, and tells of every life it has. */
function counting(node: TrellisNode, lives: Life[]): SingletonFactory {
  return (handle) => {
    const { token, signal } = handle
    assert.ok(
      lives.every((life) => life.isOver),
      'two live at once',
    )
    assert.ok(
      lives.every((life) => life.token < token),
      'a token is not larger',
    )
    const life: Life = { node: node.name, token, isOver: false }
    lives.push(life)
    return {
      onRequest: async (payload: Payload) => ({ by: node.name, token, asked: payload as never }),
      [Symbol.asyncDispose]: async () => {
        assert.ok(signal.aborted, 'it is told before it is disposed')
        assert.equal(handle.token, token, 'it is disposed before the claim is ended')
        life.isOver = true
      },
    }
  }
}

describe('singletons', () => {
  it('run in one place, are called from anywhere, and move without losing a call', async () => {
    const nodes = await form(['a', 'b', 'c'])
    const lives: Life[] = []
    const offers = nodes.map((node) => node.singletons.host('ledger', counting(node, lives)))
    for (const node of nodes) {
      const answer = (await node.singletons.call('ledger', node.name)) as { by: string; asked: string }
      assert.deepEqual([answer.by, answer.asked], [lives[0]?.node, node.name])
    }
    const calls: Promise<Payload>[] = []
    const hostOf = (): number => nodes.findIndex(({ name }) => name === lives.at(-1)?.node)
    for (let move = 0; move < 2; move++) {
      const host = hostOf()
      const asker = nodes[(host + 1) % 3]!
      for (let n = 0; n < 10; n++) calls.push(asker.singletons.call('ledger', n))
      const moved = offers[host]![Symbol.asyncDispose]()
      for (let n = 0; n < 10; n++) calls.push(asker.singletons.call('ledger', n))
      await moved
      await waitUntil(() => lives.length === move + 2)
    }
    const answers = (await Promise.all(calls)) as { token: number }[]
    assert.equal(answers.length, 40)
    assert.deepEqual((await nodes[0]!.singletons.holder('ledger'))?.member, lives.at(-1)!.node)
    await Promise.all(offers.map((offer) => offer[Symbol.asyncDispose]()))
    assert.equal((await failureOf(nodes[0]!.singletons.call('ledger', 1, { timeoutMs: 100 }))).code, 'ERR_TIMEOUT')
  })

  it('are spread over the members that offer to host them', async () => {
    const nodes = await form(['a', 'b'])
    const names = ['one', 'two', 'three', 'four']
    const hosts = new Map<string, string>()
    const offer = (node: TrellisNode) =>
      names.map((name) =>
        node.singletons.host(name, () => {
          hosts.set(name, node.name)
          return undefined
        }),
      )
    const first = offer(nodes[0]!)
    await waitUntil(() => hosts.size === 4)
    const second = offer(nodes[1]!)
    await waitUntil(() => [...hosts.values()].filter((host) => host === 'b').length === 2)
    await Promise.all([...first, ...second].map((it) => it[Symbol.asyncDispose]()))
  })

  it('can be objects of any class, or nothing', async () => {
    class Policy {
      readonly token: number
      constructor({ token }: SingletonHandle) {
        this.token = token
      }
    }
    const [node] = await form(['a'])
    const { singletons } = node!
    const offers = [
      singletons.host('policy', (handle) => new Policy(handle)),
      singletons.host('nothing', async () => {}),
    ]
    for (const name of ['policy', 'nothing'])
      assert.equal((await failureOf(singletons.call(name, 1))).code, 'ERR_NO_HANDLER')
    await Promise.all(offers.map((it) => it[Symbol.asyncDispose]()))
  })

  it('that run until their signal aborts are handed over at once', async () => {
    const [node] = await form(['a'])
    const { singletons } = node!
    const reasons: unknown[] = []
    const offer = singletons.host('loop', ({ signal }) => {
      const loop = new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => {
          reasons.push(signal.reason)
          resolve()
        })
      })
      return { onRequest: () => 'runs', [Symbol.asyncDispose]: () => loop }
    })
    assert.equal(await singletons.call('loop', null), 'runs')
    const begun = performance.now()
    await offer[Symbol.asyncDispose]()
    // Nobody waits for the time that a clean-up has at most.
    assert.ok(performance.now() - begun < 4_000)
    assert.deepEqual(
      reasons.map((reason) => (reason as ClusterError).code),
      ['ERR_LEASE_LOST'],
    )
  })

  it('that are still being made are told to stop, let go, and disposed when they come late', async () => {
    const [other, node] = await form(['a', 'b', 'c'])
    const { singletons } = node!
    let disposals = 0
    const dispose = async (): Promise<void> => {
      disposals++
    }
    let isBegun = false
    const slow = singletons.host('slow', ({ signal }) => {
      isBegun = true
      return new Promise((resolve) =>
        signal.addEventListener('abort', () => resolve({ [Symbol.asyncDispose]: dispose })),
      )
    })
    await waitUntil(() => isBegun)
    await slow[Symbol.asyncDispose]()
    assert.equal(disposals, 1)
    assert.deepEqual(await node!.locks.list(), [])
    // One that never ends, whatever it is told.
    let told: AbortSignal | undefined
    singletons.host('endless', ({ signal }) => {
      told = signal
      return new Promise(() => {})
    })
    await waitUntil(() => told !== undefined)
    const lock = await node!.locks.acquire('ledger')
    await node!.stop()
    assert.equal(told?.aborted, true)
    // What else the node holds is given back all the same.
    const next = await other!.locks.acquire('ledger', { leaseMs: 1_000, waitMs: 4_000 })
    assert.ok(next.token > 0)
    assert.equal(lock.signal.aborted, true)
  })

  it('whose factory fails say why in the log of their node, and are tried again', async () => {
    const failures: unknown[] = []
    const logger: Logger = {
      ...silentLogger,
      error: (_message, fields) => failures.push(fields?.error),
      child: () => logger,
    }
    const [node] = await form(['a'], () => ({ logger }))
    let tries = 0
    const offer = node!.singletons.host('shaky', () => {
      if (tries++ === 0) throw new Error('no database')
      return { onRequest: () => 'runs' }
    })
    assert.equal(await node!.singletons.call('shaky', null), 'runs')
    assert.deepEqual(
      failures.map((error) => (error as Error).message),
      ['no database'],
    )
    await offer[Symbol.asyncDispose]()
  })

  it('follow a node that stops, and say what a handler failed with', async () => {
    const nodes = await form(['a', 'b', 'c'])
    let host = ''
    for (const node of nodes) {
      node.singletons.host('fragile', () => {
        host = node.name
        return { onRequest: () => Promise.reject(new Error('broken')) }
      })
    }
    const asker = nodes[2]!
    const error = await failureOf(asker.singletons.call('fragile', 1))
    assert.deepEqual([error.code, error.mayHaveHappened], ['ERR_HANDLER_FAILED', true])
    assert.throws(() => asker.singletons.host('fragile', () => undefined), /already/)
    const before = host
    await nodes.find(({ name }) => name === before)!.stop()
    await waitUntil(() => host !== before)
  })
})
