import assert from 'node:assert/strict'
import { describe, it, mock } from 'node:test'
import fc from 'fast-check'
import { MemoryNetwork } from '../../../src/transport/memory.ts'
import { LinkedNode } from './lab.ts'

/**
 * What two nodes may do at the same moment: call the other as a member, or as a seed of which only the address is
 * known.
 */
const calls = ['a member', 'a seed', 'b member', 'b seed'] as const

/** Runs what a network does in an order that `choose` draws; what one connection carries stays in order. */
class Interleaving {
  readonly tasks: (() => void)[] = []
  readonly network = new MemoryNetwork({ schedule: (task) => this.tasks.push(task) })
  readonly #choose: () => number

  constructor(choose: () => number) {
    this.#choose = choose
  }

  /** Runs until nothing has happened for a second of virtual time. */
  async run(): Promise<void> {
    for (let quiet = 0; quiet < 100; ) {
      const at = Math.floor(this.#choose() * (this.tasks.length + 1))
      const [task] = this.tasks.splice(at, 1)
      if (task) task()
      else mock.timers.tick(10)
      quiet = this.tasks.length === 0 && !task ? quiet + 1 : 0
      for (let turn = 0; turn < 8; turn++) await undefined
    }
  }
}

async function meet(
  wanted: readonly (typeof calls)[number][],
  choose: () => number,
): Promise<[LinkedNode, LinkedNode]> {
  const { network, run } = interleaved(choose)
  const a = await new LinkedNode(network, 'a').listen()
  const b = await new LinkedNode(network, 'b').listen()
  for (const call of wanted) {
    const [self, other] = call.startsWith('a') ? [a, b] : [b, a]
    if (call.endsWith('seed')) self.links.callSeed(other.address, 'eager')
    else self.links.callMember(other.id, other.address, 'eager')
  }
  await run()
  return [a, b]
}

function interleaved(choose: () => number): { network: MemoryNetwork; run: () => Promise<void> } {
  const interleaving = new Interleaving(choose)
  return { network: interleaving.network, run: () => interleaving.run() }
}

describe('simultaneous dials', () => {
  it('end in one link that both ends agree on, and only a spare one is ever given up, in every interleaving', async () => {
    mock.timers.enable({ apis: ['setTimeout'] })
    try {
      await fc.assert(
        fc.asyncProperty(
          fc.shuffledSubarray([...calls], { minLength: 1 }),
          fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
          async (wanted, chances) => {
            const [a, b] = await meet(wanted, () => chances.next().value ?? 0)
            const near = a.links.get('b')?.connection
            const far = b.links.get('a')?.connection
            assert.ok(near && far, `no link after ${wanted}: ${a.told} / ${b.told}`)
            assert.deepEqual(near.binding, far.binding)
            // The goodbye to the spare one may overtake the last word of the other's handshake. Nothing else may end a
            // link.
            for (const { told } of [a, b]) assert.match(told.join(', '), /^up \w(, down \w duplicate, up \w)*$/)
            void a.links.close('stopping')
            void b.links.close('stopping')
          },
        ),
        { numRuns: 150 },
      )
    } finally {
      mock.timers.reset()
    }
  })
})
