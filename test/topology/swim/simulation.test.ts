// Membership alone under crashes, partitions, pauses and restarts, drawn from a seed. While faults last only invariants hold;
// once they stop, within the time the design promises all believe the same of everyone, and it is true.

import { strict as assert } from 'node:assert'
import { describe, it } from 'node:test'
import { SwimCluster } from '../../scenarios/handlers/swim-cluster.ts'
import { generator } from '../generator.ts'

const faults = 12
const healedWithinMs = 10_000

function simulate(seed: number): void {
  const random = generator(seed)
  const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].slice(0, 2 + Math.floor(random() * 7))
  const pick = (from: readonly string[]): string => from[Math.floor(random() * from.length)] as string
  const cluster = new SwimCluster(ids, random() < 0.5 ? {} : { maxUpdatesPerMessage: 2, maxRecordsPerMessage: 2 })
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
    cluster.takeLines()
  }
  while (running.size < ids.length) restart()
  cluster.part([])
  cluster.run(healedWithinMs)
  checkAgreement(cluster, ids, seed)
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
    for (const member of cluster.swim(id).members())
      assert.equal(member.state, 'alive', `seed ${seed}: ${id} believes that ${member.id} lives`)
    assert.equal(cluster.swim(id).members().length, ids.length)
  }
}

describe('membership under faults', () => {
  it('is one and true again when the faults have stopped (100 seeds)', () => {
    for (let seed = 1; seed <= 100; seed++) simulate(seed)
  })
})
