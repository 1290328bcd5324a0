// The contract of a provider of peers, as cases: each sentence of `discovery/discovery.ts` is one. An implementation's
// test is a call: `testDiscovery('dns+srv', { open })`, against the real thing or the recorded answers of one.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Announcement, Discovery } from '../../discovery/discovery.ts'
import { turns, waitUntil } from './wait-until.ts'

/** A source of seeds under the suite's control. */
export interface DiscoverySource {
  readonly provider: Discovery
  /** What the source names from now on. */
  name(addresses: readonly string[]): Promise<void>
  /** The source gives no answer, or an error, until {@link mend}. */
  fail(): Promise<void>
  mend(): Promise<void>
  /** Addresses that are announced at this moment. */
  announced(): Promise<readonly string[]>
  close(): Promise<void>
}

export interface DiscoverySubject {
  /** A source that names nobody yet. */
  open(): Promise<DiscoverySource>
  /** What this kind of source has; the cases about the rest are left out. */
  readonly has: readonly ('changes' | 'outages' | 'announcements')[]
}

const one = '127.0.0.1:7001'
const two = '127.0.0.1:7002'
const self: Announcement = { id: 'id-of-a', name: 'a', cluster: 'trellis', address: one }

/** Follows a provider and keeps all it said. */
class Follower {
  readonly sets: string[][] = []
  readonly troubles: Error[] = []
  readonly #abort = new AbortController()
  readonly #done: Promise<void>

  constructor(provider: Discovery) {
    this.#done = this.#follow(provider)
  }

  get last(): string | undefined {
    return this.sets.at(-1)?.join(' ')
  }

  async stop(): Promise<void> {
    this.#abort.abort()
    await this.#done
  }

  async #follow(provider: Discovery): Promise<void> {
    const report = (trouble: Error): unknown => this.troubles.push(trouble)
    for await (const set of provider.watch(this.#abort.signal, report)) this.sets.push([...set].sort())
  }
}

/** Registers the suite with `node:test`. */
export function testDiscovery(name: string, subject: DiscoverySubject): void {
  const withSource = async (use: (source: DiscoverySource) => Promise<void>): Promise<void> => {
    const source = await subject.open()
    try {
      await use(source)
    } finally {
      await source.close()
    }
  }

  describe(`provider of peers: ${name}`, () => {
    it('yields the whole set once it is known, and the same set never twice in a row', () =>
      withSource(async (source) => {
        await source.name([one, two])
        const follower = new Follower(source.provider)
        await waitUntil(() => follower.last === `${one} ${two}`)
        await turns(50)
        assert.equal(new Set(follower.sets.map(String)).size, follower.sets.length)
        await follower.stop()
      }))

    it('ends without throwing when it is aborted, before it began too', () =>
      withSource(async (source) => {
        for await (const set of source.provider.watch(AbortSignal.abort(), assert.fail)) assert.fail(String([...set]))
        const follower = new Follower(source.provider)
        await follower.stop()
      }))

    if (subject.has.includes('changes')) testChanges(withSource)
    if (subject.has.includes('outages')) testOutages(withSource)
    if (subject.has.includes('announcements')) testAnnouncements(withSource)
  })
}

type WithSource = (use: (source: DiscoverySource) => Promise<void>) => Promise<void>

function testChanges(withSource: WithSource): void {
  it('yields again each time the set changes', () =>
    withSource(async (source) => {
      await source.name([one])
      const follower = new Follower(source.provider)
      await waitUntil(() => follower.last === one)
      await source.name([one, two])
      await waitUntil(() => follower.last === `${one} ${two}`)
      await source.name([two])
      await waitUntil(() => follower.last === two)
      await follower.stop()
    }))

  it('believes in the end that nobody is there', () =>
    withSource(async (source) => {
      await source.name([one])
      const follower = new Follower(source.provider)
      await waitUntil(() => follower.last === one)
      await source.name([])
      await waitUntil(() => follower.last === '')
      await follower.stop()
    }))
}

function testOutages(withSource: WithSource): void {
  it('reports an outage, changes nothing for it, and goes on afterwards', () =>
    withSource(async (source) => {
      await source.name([one])
      const follower = new Follower(source.provider)
      await waitUntil(() => follower.last === one)
      await source.fail()
      await waitUntil(() => follower.troubles.length >= 2)
      assert.deepEqual(follower.sets, [[one]])
      await source.mend()
      await source.name([one, two])
      await waitUntil(() => follower.last === `${one} ${two}`)
      await follower.stop()
    }))

  it('is waited for when it is out from the beginning, and can be aborted then', () =>
    withSource(async (source) => {
      await source.fail()
      const follower = new Follower(source.provider)
      await waitUntil(() => follower.troubles.length >= 1)
      await follower.stop()
      assert.deepEqual(follower.sets, [])
    }))
}

function testAnnouncements(withSource: WithSource): void {
  it('announces this node, and takes that back when it is aborted', () =>
    withSource(async ({ provider, announced }) => {
      assert.ok(provider.announce)
      const abort = new AbortController()
      const announcing = provider.announce(self, abort.signal, assert.fail)
      let now: readonly string[] = []
      const look = async (): Promise<void> => {
        now = await announced()
      }
      try {
        await waitFor(look, () => now.includes(one))
      } finally {
        abort.abort()
        await announcing
      }
      await waitFor(look, () => !now.includes(one))
    }))
}

async function waitFor(look: () => Promise<void>, condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000
  for (;;) {
    await look()
    if (condition()) return
    assert.ok(performance.now() < deadline, `still not: ${condition}`)
    await turns(1)
  }
}
