// Membership alone under crashes, partitions, pauses and restarts, drawn from a seed. While faults last only invariants
// hold; once they stop, within the time the design promises all believe the same of everyone, and it is true. In every
// other run members sign what they say of themselves, and a broken one tells lies about all of them.

import { strict as assert } from 'node:assert'
import { describe, it } from 'node:test'
import type { MemberRecord, SwimMessage } from '../../../topology/index.ts'
import { MAX_GENERATION, MAX_REFUTATION } from '../../../topology/swim/belief.ts'
import { SwimCluster } from '../../scenarios/handlers/swim-cluster.ts'
import { generator } from '../generator.ts'
import { modelSigning, recordOf } from './records.ts'

const faults = 12
const healedWithinMs = 10_000

function simulate(seed: number): void {
  const random = generator(seed)
  const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].slice(0, 2 + Math.floor(random() * 7))
  const pick = (from: readonly string[]): string => from[Math.floor(random() * from.length)] as string
  const isSigned = seed % 2 === 0
  const options = random() < 0.5 ? {} : { maxUpdatesPerMessage: 2, maxRecordsPerMessage: 2 }
  const cluster = new SwimCluster(ids, options, isSigned ? modelSigning : undefined)
  const running = new Set(ids)
  for (const id of ids) cluster.start(id)

  const restart = (): void => {
    const stopped = ids.filter((id) => !running.has(id))
    if (stopped.length === 0) return
    const id = pick(stopped)
    running.add(id)
    cluster.start(id)
  }
  for (let fault = 0; fault < faults; fault++) {
    cluster.run(random() * 8_000)
    const id = pick([...running])
    const draw = random()
    if (draw < 0.2 && running.size > 1) {
      running.delete(id)
      cluster.crash(id, random() < 0.5)
    } else if (draw < 0.3 && running.size > 1) {
      running.delete(id)
      cluster.leave(id)
    } else if (draw < 0.55) restart()
    else if (draw < 0.75) {
      cluster.part([ids.filter(() => random() < 0.5), []])
      if (random() < 0.5) cluster.closeParted()
    } else if (draw < 0.85) cluster.part([])
    else {
      const ms = random() * 20_000
      cluster.pause(id)
      cluster.run(ms)
      cluster.resume(id, ms, random() < 0.8)
    }
    if (isSigned) lie(cluster, pick([...running]), pick([...running]), pick(ids), random)
    const copies = cluster.takeLines().filter((line) => line.includes('superseded'))
    assert.deepEqual(copies, [], `seed ${seed}: nobody is told of a copy that never was`)
  }
  while (running.size < ids.length) restart()
  cluster.part([])
  cluster.run(healedWithinMs)
  checkAgreement(cluster, ids, seed)
}

const generations = [0, 1, 2, 3, 10, 1_000, MAX_GENERATION - 1, MAX_GENERATION]
const refutations = [0, 1, 2, 1_000, 1_001, MAX_REFUTATION - 1, MAX_REFUTATION]

/** `liar` tells `to` of `about` whatever it likes, with every signature that it can have. */
function lie(cluster: SwimCluster, liar: string, to: string, about: string, random: () => number): void {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
  const known = cluster.swim(liar).member(about) ?? recordOf(about)
  const records = Array.from({ length: 8 }, (): MemberRecord => {
    const incarnation = { generation: pick(generations), refutation: pick(refutations) }
    const state = pick(['alive', 'suspect', 'down', 'left'] as const)
    const signature = pick([known.signature, cluster.swim(liar).member(liar)?.signature, undefined, 'none'])
    const { signature: _, ...unsigned } = { ...known, incarnation, state, address: pick([known.address, 'nowhere:1']) }
    return signature === undefined ? unsigned : { ...unsigned, signature }
  })
  const message = pick<SwimMessage>([
    { type: 'push-pull', reply: false, records },
    { type: 'gossip', updates: records.map((record) => ({ type: 'record', record })) },
    {
      type: 'gossip',
      updates: records.map(({ incarnation }) => {
        return { type: 'accusation', member: about, incarnation, by: liar, kind: 'refused' }
      }),
    },
  ])
  cluster.step(to, { type: 'message', from: liar, message })
}

function checkAgreement(cluster: SwimCluster, ids: readonly string[], seed: number): void {
  const believedBy = (id: string) =>
    cluster
      .swim(id)
      .members()
      .map((record) => JSON.stringify(record))
      .sort()
  for (const id of ids) {
    assert.deepEqual(believedBy(id), believedBy(ids[0] as string), `seed ${seed}: ${id} agrees with ${ids[0]}`)
    for (const member of cluster.swim(id).members()) {
      assert.equal(member.address, `${member.id}:7400`, `seed ${seed}: ${id} knows where ${member.id} is`)
      assert.equal(member.state, 'alive', `seed ${seed}: ${id} believes that ${member.id} lives`)
    }
    assert.equal(cluster.swim(id).members().length, ids.length)
  }
}

describe('membership under faults', () => {
  it('is one and true again when the faults have stopped (100 seeds)', () => {
    for (let seed = 1; seed <= 100; seed++) simulate(seed)
  })
})
