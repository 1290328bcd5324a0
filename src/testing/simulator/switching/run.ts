// One run: half a minute of switches under crashes, partitions and changes of leaders while messages flow, then quiet.

import type { SwitchBug } from './bugs.ts'
import { SwitchingFailure } from './failure.ts'
import { definitions } from './overlays.ts'
import { SwitchingWorld } from './world.ts'

const FAULTS_MS = 30_000
const QUIET_MS = 60_000
const MESSAGE_EVERY_MS = 40
/** Far above what any run takes. */
const MAX_STEPS = 1_000_000

export interface SwitchingOutcome {
  readonly committed: number
  readonly aborted: number
  readonly acknowledged: number
}

/** Throws a `SwitchingFailure` when an invariant does not hold. The same seed gives the same run. */
export function runSwitching(seed: number, bug?: SwitchBug): SwitchingOutcome {
  const world = new SwitchingWorld({ seed, bug })
  const { schedule, random } = world
  const ids = [...world.members.keys()]
  let request = 0

  const isOver = (): boolean => schedule.now >= FAULTS_MS
  const repeat = (everyMs: number, act: () => void): void => {
    schedule.after(random.exponential(everyMs), () => {
      if (isOver()) return
      act()
      repeat(everyMs, act)
    })
  }

  repeat(MESSAGE_EVERY_MS, () => {
    const [from, to] = random.shuffle(ids)
    world.members.get(from ?? '')?.send(to ?? '', `key ${random.integer(3)}`)
  })
  repeat(2_500, () => {
    const { leader, machine } = world
    if (leader === undefined) return
    const { epoch, name } = machine.topology
    const to = random.pick([...definitions.keys()].filter((other) => other !== name))
    const required = ids.filter((id) => world.stateOf(id) === 'alive')
    const timeoutMs = random.pick([500, 3_000, 10_000])
    const command = {
      type: 'propose-topology',
      epoch,
      to,
      request: `r${++request}`,
      required,
      timeoutMs,
      at: 0,
    } as const
    world.propose(leader, command, () => {})
  })
  repeat(4_000, () => world.elect())
  repeat(6_000, () => {
    const id = random.pick(ids)
    if (ids.filter((other) => world.isAlive(other)).length < Math.max(3, ids.length - 1)) return
    world.crash(id)
    schedule.after(random.between(100, 6_000), () => world.restart(id))
  })
  repeat(8_000, () => {
    world.partition()
    schedule.after(random.between(100, 4_000), () => world.heal())
  })

  let steps = 0
  const run = (until: number): void => {
    while (schedule.now < until && schedule.step()) {
      if (++steps > MAX_STEPS)
        throw new SwitchingFailure(`${steps} steps until ${Math.round(schedule.now)} ms: it never rests`)
    }
  }
  run(FAULTS_MS)
  world.calm()
  run(FAULTS_MS + QUIET_MS)
  world.oracle.quiet()
  const { outcomes, messages } = world.oracle
  return { ...outcomes, acknowledged: messages.acknowledgedCount }
}
