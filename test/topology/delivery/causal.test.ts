// Causal order per topic: under any interleaving of delays no message is handed over before one that its publisher had
// heard, unless a gap is told; without loss there is none.

import { strict as assert } from 'node:assert'
import { describe, it } from 'node:test'
import { Causal, type CausalEffect, type CausalStamp, deliveryPresets, type Random } from '../../../topology/index.ts'
import { generator } from '../generator.ts'

interface Said {
  readonly id: number
  readonly source: string
  readonly stamp: CausalStamp
  /** Everything that its publisher had said and heard before. */
  readonly before: ReadonlySet<number>
}

/**
 * Members that publish on one topic; what one says travels to each of the others by itself, in the order of its
 * publisher.
 */
class Talk {
  now = 0
  readonly heard = new Map<string, number[]>()
  readonly gaps: CausalEffect<Said>[] = []
  readonly #cores = new Map<string, Causal<Said>>()
  readonly #ways = new Map<string, Said[]>()
  readonly #timers = new Map<string, number>()
  readonly #random: Random
  loss = 0
  #next = 1

  constructor(random: Random, names: readonly string[]) {
    this.#random = random
    for (const id of names) {
      this.#cores.set(id, new Causal({ id, generation: 1 }, deliveryPresets.lan))
      this.heard.set(id, [])
    }
  }

  say(source: string): void {
    const own = this.heard.get(source) as number[]
    const said: Said = { id: this.#next++, source, stamp: this.#cores.get(source)!.stamp('t'), before: new Set(own) }
    own.push(said.id)
    for (const id of this.#cores.keys()) {
      if (id === source || this.#random() < this.loss) continue
      const way = `${source} ${id}`
      this.#ways.set(way, [...(this.#ways.get(way) ?? []), said])
    }
  }

  /** One message arrives somewhere. */
  move(): boolean {
    const ways = [...this.#ways].filter(([, queue]) => queue.length > 0)
    const [way, queue] = ways[Math.floor(this.#random() * ways.length)] ?? ['', []]
    const said = queue.shift()
    if (said === undefined) return false
    const to = way.split(' ')[1] as string
    this.#put(to, { type: 'receive', topic: 't', source: said.source, generation: 1, stamp: said.stamp, message: said })
    return true
  }

  pass(ms: number): void {
    this.now += ms
    for (const [id, at] of [...this.#timers]) {
      if (at > this.now) continue
      this.#timers.delete(id)
      this.#put(id, { type: 'timer', timer: 'causal' })
    }
  }

  #put(id: string, input: Parameters<Causal<Said>['step']>[0]): void {
    for (const effect of this.#cores.get(id)!.step(input, this.now)) {
      if (effect.type === 'deliver') this.#handed(id, effect.message)
      else if (effect.type === 'gap') this.gaps.push(effect)
      else if (effect.type === 'set-timer') this.#timers.set(id, effect.at)
    }
  }

  #handed(id: string, said: Said): void {
    const own = this.heard.get(id) as number[]
    assert.ok(!own.includes(said.id), `${id} was handed ${said.id} twice`)
    if (this.gaps.length === 0)
      for (const earlier of said.before) assert.ok(own.includes(earlier), `${id} heard ${said.id} before ${earlier}`)
    own.push(said.id)
  }
}

describe('causal order', () => {
  const names = ['a', 'b', 'c', 'd']

  it('never hands over an answer before what it answers, whatever is late (200 seeds)', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = generator(seed)
      const talk = new Talk(random, names)
      // Everybody has heard of everybody: who is new cannot know what it missed.
      for (const name of names) talk.say(name)
      while (talk.move());
      for (let step = 0; step < 60; step++) {
        if (random() < 0.4) talk.say(names[Math.floor(random() * names.length)] as string)
        else talk.move()
      }
      while (talk.move());
      assert.equal(talk.gaps.length, 0, `seed ${seed}`)
      for (const heard of talk.heard.values()) assert.equal(heard.length, talk.heard.get('a')?.length)
    }
  })

  it('waits a bounded time for what is lost, tells the gap, and goes on', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const random = generator(seed)
      const talk = new Talk(random, names)
      for (const name of names) talk.say(name)
      while (talk.move());
      talk.loss = 0.2
      for (let step = 0; step < 60; step++) {
        if (random() < 0.4) talk.say(names[Math.floor(random() * names.length)] as string)
        else talk.move()
      }
      while (talk.move());
      talk.pass(deliveryPresets.lan.causalWaitMs)
      talk.pass(deliveryPresets.lan.causalWaitMs)
      assert.ok(talk.gaps.length > 0, `seed ${seed}`)
      const total = Math.max(...[...talk.heard.values()].map(({ length }) => length))
      assert.ok(total > 10)
    }
  })

  it('names what came since the last own message, and no more than its bound', () => {
    const causal = new Causal<number>({ id: 'a', generation: 1 }, { ...deliveryPresets.lan, maxDependencies: 2 })
    for (const source of ['b', 'c', 'd'])
      causal.step(
        { type: 'receive', topic: 't', source, generation: 1, stamp: { sequence: 5, dependencies: [] }, message: 1 },
        0,
      )
    assert.deepEqual(causal.stamp('t'), {
      sequence: 1,
      dependencies: ['c', 'd'].map((source) => ({ source, generation: 1, sequence: 5 })),
    })
    assert.deepEqual(causal.stamp('t'), { sequence: 2, dependencies: [] })
    assert.deepEqual(causal.stamp('other'), { sequence: 1, dependencies: [] })
  })

  it('lets the oldest go on with a gap when too many wait', () => {
    const causal = new Causal<number>({ id: 'a', generation: 1 }, { ...deliveryPresets.lan, maxCausalWaiting: 2 })
    const on = [{ source: 'lost', generation: 1, sequence: 1 }]
    const effects = [1, 2, 3].flatMap((n) =>
      causal.step(
        {
          type: 'receive',
          topic: 't',
          source: `s${n}`,
          generation: 1,
          stamp: { sequence: 1, dependencies: on },
          message: n,
        },
        0,
      ),
    )
    assert.deepEqual(
      effects.filter(({ type }) => type === 'gap'),
      [{ type: 'gap', topic: 't', source: 'lost', missing: 1 }],
    )
    assert.deepEqual(
      effects.flatMap((effect) => (effect.type === 'deliver' ? [effect.message] : [])),
      [1, 2, 3],
    )
  })
})
