// Who gives up leadership, and when S5 rests for it.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Input, type RaftView, resolveRaftOptions } from '../../../consensus/index.ts'
import { Handover, type HandoverOptions } from '../../../src/coordination/handover.ts'
import { StepWaits } from '../../../src/coordination/step-waits.ts'
import { ClusterError, isClusterError } from '../../../src/errors.ts'

const raft = resolveRaftOptions({})
const failure = new ClusterError('ERR_TIMEOUT', 'nothing came of it', { operation: 'raft', timeoutMs: 600 })
const live = (): AbortSignal => new AbortController().signal

/** A leader with two followers that could lead at once. S5 is hosted here. */
class Leader {
  readonly handover: Handover
  /** What S5 and the core were told, in order. */
  readonly told: string[] = []
  readonly inputs: Extract<Input<never>, { type: 'transfer' | 'resign' }>[] = []
  readonly waits = new StepWaits(() => false)
  role: RaftView['role'] = 'leader'
  transferringTo: string | undefined
  reachesMajority = true
  s5: { readonly host: string; released: boolean } = { host: 'self', released: false }
  drained: () => void = () => {}
  limit = new AbortController()
  #number = 0

  constructor(drains: 'at once' | 'when told' = 'at once') {
    const voter = {
      view: () => ({ role: this.role, leader: 'self', transferringTo: this.transferringTo }),
      followers: () => ['other', 'third'].map((id) => ({ id, isCaughtUp: true })),
      voterIds: ['self', 'other', 'third'],
      reachesMajority: () => this.reachesMajority,
      machine: { singleton: () => this.s5 },
    } as unknown as HandoverOptions['voter']
    this.handover = new Handover({
      self: 'self',
      clock: { timeout: () => this.limit.signal },
      voter,
      raft,
      waits: this.waits,
      nextNumber: () => ++this.#number,
      host: {
        drain: async () => {
          this.told.push('drain')
          if (drains === 'when told') await new Promise<void>((resolve) => (this.drained = resolve))
        },
        release: () => this.told.push('release'),
        resume: () => this.told.push('resume'),
      },
      put: (input) => {
        this.told.push(input.type)
        this.inputs.push(input)
      },
    })
  }

  /** The log says that S5 is released. */
  release(): void {
    this.s5.released = true
    this.waits.stepped()
  }

  /** The number of the transfer that the core was told of. */
  get proposal(): number {
    const input = this.inputs.find(({ type }) => type === 'transfer')
    assert(input?.type === 'transfer')
    return input.proposal
  }
}

/** Everything that can go on without anybody has gone on. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('a hand-over', () => {
  it('tells the core when the log says that S5 is released, so that writes wait for no entry of it', async () => {
    const leader = new Leader()
    const transferred = leader.handover.transfer('other', live())
    await settled()
    assert.deepEqual(leader.told, ['drain', 'release'])
    leader.release()
    await settled()
    assert.deepEqual(leader.told, ['drain', 'release', 'transfer'])
    leader.handover.done(leader.proposal, 'other')
    assert.equal(await transferred, 'other')
    assert.deepEqual(leader.told, ['drain', 'release', 'transfer'])
  })

  it('waits for no release that will not come', async () => {
    for (const spoil of [
      (leader: Leader) => (leader.s5 = { host: 'predecessor', released: false }),
      (leader: Leader) => (leader.reachesMajority = false),
      (leader: Leader) => (leader.role = 'follower'),
      (leader: Leader) => leader.limit.abort(),
    ]) {
      const leader = new Leader('when told')
      const transferred = leader.handover.transfer('other', live())
      spoil(leader)
      leader.drained()
      await settled()
      assert.equal(leader.told.at(-1), 'transfer')
      leader.handover.done(leader.proposal, 'other')
      await transferred
    }
  })

  it('ends with the voter, also when the core was not told yet', async () => {
    const leader = new Leader('when told')
    const transferred = leader.handover.transfer('other', live())
    leader.handover.close()
    leader.release()
    leader.drained()
    await assert.rejects(transferred, (error) => isClusterError(error, 'ERR_SHUTTING_DOWN'))
    assert(!leader.told.includes('transfer'))
  })

  it('lets S5 go on when nothing came of it', async () => {
    const leader = new Leader()
    leader.release()
    const transferred = leader.handover.transfer('other', live())
    await settled()
    leader.handover.refused(leader.proposal, failure)
    await assert.rejects(transferred, failure)
    assert.equal(leader.told.at(-1), 'resume')
  })

  it('is not disturbed by a second one to another voter, which is refused', async () => {
    const leader = new Leader('when told')
    leader.release()
    const first = leader.handover.transfer('other', live())
    const isRefused = (error: unknown): boolean => isClusterError(error, 'ERR_BUFFER_FULL')
    await assert.rejects(leader.handover.transfer('third', live()), isRefused)
    leader.drained()
    await settled()
    await assert.rejects(leader.handover.transfer('third', live()), isRefused)
    assert.deepEqual(leader.told, ['drain', 'release', 'transfer'])
    leader.handover.done(leader.proposal, 'other')
    await first
    leader.inputs.length = 0
    const next = leader.handover.transfer('other', live())
    leader.drained()
    await settled()
    leader.handover.done(leader.proposal, 'other')
    assert.equal(await next, 'other')
  })

  it('to the same voter, or to any, is the one that is under way', async () => {
    const leader = new Leader()
    leader.release()
    const transfers = [leader.handover.transfer(undefined, live()), leader.handover.transfer(undefined, live())]
    await settled()
    leader.transferringTo = 'other'
    transfers.push(leader.handover.transfer('other', live()))
    leader.handover.done(leader.proposal, 'other')
    assert.deepEqual(await Promise.all(transfers), ['other', 'other', 'other'])
    assert.deepEqual(leader.told, ['drain', 'release', 'transfer'])
  })

  it('goes on when whoever asked gives up once the core is told; before that it is given up, and S5 goes on', async () => {
    const leader = new Leader('when told')
    leader.release()
    const ask = async (): Promise<AbortController> => {
      const asking = new AbortController()
      const asked = leader.handover.transfer('other', asking.signal)
      asking.signal.addEventListener('abort', () => void assert.rejects(asked, /enough/))
      await settled()
      return asking
    }
    const early = await ask()
    early.abort(new Error('enough'))
    await settled()
    leader.drained()
    await settled()
    assert.deepEqual(leader.told.splice(0), ['drain', 'release', 'resume'])
    const late = await ask()
    leader.drained()
    await settled()
    late.abort(new Error('enough'))
    await settled()
    assert.deepEqual(leader.told, ['drain', 'release', 'transfer'])
    leader.handover.refused(leader.proposal, failure)
    await settled()
    assert.equal(leader.told.at(-1), 'resume')
  })

  it('is not disturbed by a new token that S5 shall take: it takes one anyway', async () => {
    const leader = new Leader('when told')
    const transferred = leader.handover.transfer('other', live())
    leader.handover.renew()
    leader.drained()
    await settled()
    leader.handover.renew()
    leader.release()
    await settled()
    leader.handover.done(leader.proposal, 'other')
    await transferred
    assert.deepEqual(leader.told, ['drain', 'release', 'transfer'])
    leader.handover.renew()
    assert.deepEqual(leader.told.slice(3), ['release', 'resume'])
  })

  it('that fails while the node stops does not let S5 begin again', async () => {
    const leader = new Leader()
    leader.release()
    const first = leader.handover.transfer('other', live())
    await settled()
    const resigned = leader.handover.resign(live())
    leader.handover.refused(leader.proposal, failure)
    await assert.rejects(first, failure)
    await settled()
    assert(!leader.told.includes('resume'), leader.told.join())
    assert.deepEqual(leader.told.slice(-3), ['drain', 'release', 'transfer'])
    leader.role = 'follower'
    leader.waits.stepped()
    await resigned
    assert.equal(leader.told.at(-1), 'resign')
  })

  it('is enough for a node that stops: what it began is waited for', async () => {
    const leader = new Leader()
    leader.release()
    const first = leader.handover.transfer('other', live())
    await settled()
    const resigned = leader.handover.resign(live())
    leader.role = 'follower'
    leader.handover.done(leader.proposal, 'other')
    await first
    await resigned
    assert.deepEqual(leader.told, ['drain', 'release', 'transfer'])
  })
})
