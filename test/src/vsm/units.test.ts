import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { UnitName } from '../../../src/vsm/subsystem.ts'
import { form } from '../local-nodes.ts'

describe("vsm.host('s1/<unit>')", () => {
  it('runs a unit in one place, found and called by its name from anywhere, and hands it over', async () => {
    const [a, b, c] = await form(['a', 'b', 'c'])
    const offers = [a!, b!].map((node) =>
      node.vsm.host('s1/brewery', (unit) => ({
        onRequest: (payload, from) => ({ by: node.name, token: unit.token, payload, from }),
      })),
    )
    const first = (await c!.vsm.call('s1/brewery', 'malt')) as { by: string; token: number }
    assert.deepEqual(first, { by: first.by, token: first.token, payload: 'malt', from: 'c' })
    assert.deepEqual(await c!.singletons.holder('s1/brewery'), { member: first.by, token: first.token })
    await offers[first.by === 'a' ? 0 : 1]![Symbol.asyncDispose]()
    const second = (await c!.vsm.call('s1/brewery', null)) as { by: string; token: number }
    assert.deepEqual([first.by, second.by].sort(), ['a', 'b'])
    assert.ok(second.token > first.token)
    await offers[second.by === 'a' ? 0 : 1]![Symbol.asyncDispose]()
    await assert.rejects(c!.vsm.call('s1/brewery', null, { timeoutMs: 50 }), { code: 'ERR_TIMEOUT' })
  })

  it('takes objects of any class, and calls clean-up', async () => {
    const [a] = await form(['a'])
    const stopped: number[] = []
    class Brewery {
      readonly #token: number
      constructor(token: number) {
        this.#token = token
      }
      onRequest(): number {
        return this.#token
      }
      async [Symbol.asyncDispose](): Promise<void> {
        stopped.push(this.#token)
      }
    }
    class Unrelated {
      readonly work = 1
    }
    a!.vsm.host('s5', () => new Unrelated())
    a!.vsm.host('s1/unrelated', () => new Unrelated())
    a!.vsm.host('s1/brewery', ({ token }) => new Brewery(token))
    const token = await a!.vsm.call('s1/brewery', null)
    await a!.stop()
    assert.deepEqual(stopped, [token])
  })

  it('refuses other names, and a second offer of the same one, with ERR_BAD_OPTIONS', async () => {
    const [a] = await form(['a'])
    a!.vsm.host('s1/x', () => {})
    for (const name of ['s1', 's1/', 's2', 's3/x', 'x', '', 5, 's1/x'] as UnitName[]) {
      assert.throws(() => a!.vsm.host(name, () => {}), { code: 'ERR_BAD_OPTIONS' }, String(name))
      if (name !== 's1/x') await assert.rejects(a!.vsm.call(name, null), { code: 'ERR_BAD_OPTIONS' }, String(name))
    }
  })
})
