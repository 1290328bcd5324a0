// A rolling upgrade: voters of two releases, of which the later one has brought counters. Real cores on logs in memory.

import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { defaultVoterPolicy, type FeatureLevels, featureLevels } from '../../../consensus/index.ts'
import { VoterKeeper } from '../../../src/coordination/voter-keeper.ts'
import { isClusterError } from '../../../src/errors.ts'
import { silentLogger } from '../../../src/observability/logger.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { Counters } from '../../../src/runtime/counters.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { Network, type VoterUnderTest } from './voters.ts'

const forever = new AbortController().signal
const count = { type: 'count', name: 'n', add: 1, subtract: 0 } as const
const of: FeatureLevels['of'] = (type) => (type === 'count' ? 3 : featureLevels.of(type))
const former: FeatureLevels = { own: 2, of }
const later: FeatureLevels = { own: 3, of }

const keepers: VoterKeeper[] = []
after(() => {
  for (const keeper of keepers) keeper.close()
})

/** Everybody keeps an eye on the voters; links show which release each runs, and that `gone` cannot be asked. */
function keep(network: Network, gone: ReadonlySet<string>): void {
  const members = () =>
    [...network.voters.keys()].map((id) => {
      const facts = { storeId: `store-${id}`, state: 'alive', isDraining: false, mayVote: true, mayHost: true } as const
      return { id, ...facts, level: gone.has(id) ? 0 : (network.levels.get(id)?.own ?? 0) }
    })
  for (const { id } of network.voters.values()) {
    const toolbox = { clock: systemClock, turn: { enter: (work: () => void) => work() }, logger: silentLogger }
    const options = { self: id, policy: defaultVoterPolicy, members, voter: () => network.voters.get(id)?.voter }
    keepers.push(new VoterKeeper({ ...options, levels: later, toolbox: { ...toolbox, counters: new Counters() } }))
  }
}

async function leads(network: Network, id: string): Promise<VoterUnderTest> {
  const leader = await network.leader()
  if (leader.id !== id) {
    await waitUntil(() => leader.voter.followers().every(({ isCaughtUp }) => isCaughtUp))
    await leader.voter.transfer(id, forever)
  }
  return network.get(id)
}

describe('a command of a later release', () => {
  it('is refused while one voter cannot apply it, or cannot be asked, and taken when all can', async () => {
    const network = await Network.of(['a', 'b', 'c'], {}, {}, undefined, { a: later, b: later, c: former })
    const gone = new Set(['c'])
    keep(network, gone)
    const leader = await leads(network, 'a')
    const isPending = (agreed: number) => (error: unknown) => {
      assert.ok(isClusterError(error, 'ERR_UPGRADE_PENDING'))
      assert.deepEqual([error.details, error.mayHaveHappened, error.retryable], [{ level: 3, agreed }, false, true])
      return true
    }
    await assert.rejects(leader.voter.propose(count, forever), isPending(1))

    gone.delete('c')
    await waitUntil(() => leader.voter.machine.level === 2)
    await assert.rejects(leader.voter.propose(count, forever), isPending(2))

    const { voter, log } = network.get('c')
    await voter.close()
    network.levels.set('c', later)
    await network.open('c', log.reopen())
    await waitUntil(() => leader.voter.machine.level === 3)
    assert.equal((await leader.voter.propose(count, forever)).type, 'counted')
    await waitUntil(() =>
      [...network.voters.values()].every((each) => each.voter.machine.counters.get('n')?.value === 1),
    )
  })

  it('keeps a voter of an earlier release from opening a log that has agreed on it', async () => {
    const network = await Network.of(['a'], {}, {}, undefined, { a: later })
    keep(network, new Set())
    const { voter, log } = network.get('a')
    await waitUntil(() => voter.machine.level === 3)
    await voter.close()
    network.levels.set('a', former)
    await assert.rejects(network.open('a', log.reopen()), (error) => isClusterError(error, 'ERR_DATA_VERSION'))
  })
})
