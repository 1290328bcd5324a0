import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { Announcement, Discovery, ReportTrouble } from '../../../src/discovery/discovery.ts'
import { MAX_SEEDS } from '../../../src/discovery/discovery.ts'
import { SeedWatcher } from '../../../src/discovery/seed-watcher.ts'
import type { NodeContext } from '../../../src/node-part.ts'
import { silentLogger } from '../../../src/observability/logger.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { Counters } from '../../../src/runtime/counters.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'

/** A provider that says what a test tells it to. */
class Told implements Discovery {
  readonly name = 'told'
  announced: Announcement | undefined
  report: ReportTrouble = () => {}
  #say: ((step: ReadonlySet<string> | Error) => void) | undefined
  #steps: (ReadonlySet<string> | Error)[] = []

  say(...seeds: string[]): void {
    this.#push(new Set(seeds))
  }

  /** Whatever it is. */
  sayOdd(...seeds: unknown[]): void {
    this.#push(new Set(seeds as string[]))
  }

  break(): void {
    this.#push(new Error('broken for good'))
  }

  async *watch(signal: AbortSignal, report: ReportTrouble): AsyncGenerator<ReadonlySet<string>> {
    this.report = report
    const aborted = new Promise<undefined>((resolve) => signal.addEventListener('abort', () => resolve(undefined)))
    for (;;) {
      const step = this.#steps.shift() ?? (await Promise.race([this.#next(), aborted]))
      if (step === undefined || signal.aborted) return
      if (step instanceof Error) throw step
      yield step
    }
  }

  async announce(self: Announcement, signal: AbortSignal): Promise<void> {
    this.announced = self
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    this.announced = undefined
  }

  #push(step: ReadonlySet<string> | Error): void {
    if (this.#say) this.#say(step)
    else this.#steps.push(step)
    this.#say = undefined
  }

  #next(): Promise<ReadonlySet<string> | Error> {
    return new Promise((resolve) => {
      this.#say = resolve
    })
  }
}

describe('the watcher of seeds', () => {
  const self = { id: 'a', name: 'a', cluster: 'trellis', address: '127.0.0.1:7000' }
  let called: Set<string>
  let counters: Counters
  let provider: Told
  let other: Told
  let watcher: SeedWatcher

  beforeEach(async () => {
    called = new Set()
    counters = new Counters()
    provider = new Told()
    other = new Told()
    const links = { callSeed: (seed: string) => called.add(seed), dropSeed: (seed: string) => called.delete(seed) }
    const context = {
      self,
      options: { providers: [provider, other], join: ['127.0.0.1:1'], expect: undefined },
      toolbox: { clock: systemClock, counters, logger: silentLogger },
      links,
      stage: () => 'seeking',
    } as unknown as NodeContext
    watcher = new SeedWatcher(context)
    await watcher.start()
  })
  afterEach(() => watcher.close())

  it('calls who appears and drops who is gone from every provider', async () => {
    provider.say('127.0.0.1:2', '127.0.0.1:3')
    other.say('127.0.0.1:3', '127.0.0.1:4')
    await waitUntil(() => called.size === 3)
    provider.say('127.0.0.1:2')
    other.say('127.0.0.1:3')
    await waitUntil(() => !called.has('127.0.0.1:4'))
    assert.deepEqual([...called].sort(), ['127.0.0.1:2', '127.0.0.1:3'])
    assert.deepEqual(watcher.seeds().sort(), ['127.0.0.1:2', '127.0.0.1:3'])
  })

  it('neither calls itself nor drops what the options name', async () => {
    called.add('127.0.0.1:1')
    provider.say(self.address, '127.0.0.1:1', '127.0.0.1:2')
    await waitUntil(() => called.has('127.0.0.1:2'))
    provider.say(self.address)
    await waitUntil(() => !called.has('127.0.0.1:2'))
    assert.deepEqual([...called], ['127.0.0.1:1'])
  })

  it('takes no address that cannot be dialed, and no more than its bound', async () => {
    const many = Array.from({ length: MAX_SEEDS + 1 }, (_, at) => `10.0.${at >> 8}.${at & 255}:7400`)
    provider.say('nonsense', '127.0.0.1:0', '0.0.0.0:7400', ...many)
    await waitUntil(() => called.size > 0)
    assert.deepEqual([called.size, called.has('nonsense'), called.has('127.0.0.1:0')], [MAX_SEEDS, false, false])
    assert.equal(counters.snapshot()['discovery-trouble'], 2)
  })

  it('leaves out what is no text', async () => {
    provider.sayOdd(5, null, undefined, '127.0.0.1:2')
    await waitUntil(() => called.has('127.0.0.1:2') || counters.snapshot()['discovery-ended'] === 1)
    assert.deepEqual([[...called], counters.snapshot()['discovery-ended']], [['127.0.0.1:2'], undefined])
  })

  it('waits for no provider that goes on although its signal has aborted', async () => {
    const deaf: Discovery = {
      name: 'deaf',
      async *watch() {
        yield new Set(['127.0.0.1:5'])
        await new Promise(() => {})
      },
      announce: () => new Promise(() => {}),
    }
    const quick = {
      ...systemClock,
      setTimeout: (work: () => void, ms: number) => systemClock.setTimeout(work, ms / 50),
    }
    const context = {
      self,
      options: { providers: [deaf], join: [], expect: undefined },
      toolbox: { clock: quick, counters, logger: silentLogger },
      links: { callSeed: (seed: string) => called.add(seed), dropSeed: () => {} },
      stage: () => 'seeking',
    } as unknown as NodeContext
    const deafened = new SeedWatcher(context)
    await deafened.start()
    await waitUntil(() => called.has('127.0.0.1:5'))
    await deafened.close()
    assert.equal(counters.snapshot()['discovery-not-ended'], 1)
  })

  it('lives on when a provider throws, and says so', async () => {
    provider.break()
    await waitUntil(() => counters.snapshot()['discovery-ended'] === 1)
    other.say('127.0.0.1:2')
    await waitUntil(() => called.has('127.0.0.1:2'))
  })

  it('announces the node, counts trouble, and leaves nothing behind', async () => {
    assert.deepEqual(provider.announced, self)
    provider.report(new Error('no answer'))
    assert.equal(counters.snapshot()['discovery-trouble'], 1)
    await watcher.close()
    assert.equal(provider.announced, undefined)
  })
})
