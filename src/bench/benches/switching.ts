// Switches of the topology of thirty processes, in all six directions, while they send each other 2,000 acknowledged
// messages a second: how long each takes, how far the traffic dips, what became of every message; and, before the
// traffic, how many links are left in HyParView. With several processes for each core the machine is the limit: what
// dips may be its share of the processor.

import { systemClock } from '../../runtime/clock.ts'
import type { ProcessCluster } from '../../testing/processes.ts'
import { pause } from '../../wait.ts'
import { patience } from '../cluster.ts'
import { type Bench, type Figure, repeat } from '../figure.ts'
import { clock } from '../recorded.ts'
import { summarize } from '../statistics.ts'
import {
  beginTraffic,
  countLinks,
  endTraffic,
  judgeTraffic,
  orderSwitch,
  settled,
  startTraffic,
  type TrafficVerdict,
} from '../traffic.ts'

const members = 30
const perSecond = 2_000
const round = ['hyparview', 'client-server', 'full-mesh', 'client-server', 'hyparview', 'full-mesh'] as const
/** Between two switches, so that the next one begins in a steady flow. */
const restMs = 4_000
/** The flow is counted in pieces of this length: one tick of a member is a twenty-fifth of it. */
const pieceMs = 500
const patient = { timeoutMs: 120_000 }

interface Switched {
  readonly direction: string
  readonly from: number
  readonly to: number
  readonly ms: number
}

export const switching: Bench = {
  name: 'switch',
  description: 'switches of 30 members under 2,000 acknowledged messages a second',
  async run(context) {
    await using cluster = await startTraffic(members, { perSecond, keys: 8 })
    await cluster.ready(patient)
    context.say('links without traffic')
    const links: Figure[] = []
    for (const name of ['full-mesh', 'hyparview'] as const) {
      await switchTo(cluster, 0, name)
      const count = await cluster.until(
        'links on demand are gone',
        async () => {
          const { all, onDemand } = await countLinks(cluster)
          return onDemand === 0 && all
        },
        patient,
      )
      links.push({ name: `links in ${name}, voters' pinned ones too`, unit: 'links', samples: [count] })
    }
    await switchTo(cluster, 0, 'full-mesh')
    beginTraffic(cluster)
    await pause(systemClock, 2 * restMs, context.signal)
    const switches: Switched[] = []
    const rounds = Math.ceil(context.runs / round.length)
    let before = 'full-mesh'
    await repeat({ ...context, runs: rounds }, 'rounds of six switches', async () => {
      for (const [index, name] of round.entries()) {
        const from = clock()
        const ms = await switchTo(cluster, index, name)
        switches.push({ direction: `${before} to ${name}`, from, to: clock(), ms })
        before = name
        await settled(cluster)
        await pause(systemClock, restMs, context.signal)
      }
    })
    const failures = await endTraffic(cluster, patience)
    const verdict = judgeTraffic(cluster)
    return [...links.map(withMesh), ...figuresOf(switches, verdict), ...countsOf(verdict, failures)]
  },
}

/** Of a full mesh is what a reader wants to know of links. */
function withMesh(figure: Figure, index: number, [mesh]: readonly Figure[]): Figure {
  return index === 0 || mesh === undefined ? figure : { ...figure, baseline: mesh.name, goal: '<= 0.30 x' }
}

/**
 * Without a leader, for which so many processes may be too busy for a moment, it was refused and has not happened: it
 * is ordered again.
 */
async function switchTo(cluster: ProcessCluster, index: number, name: string): Promise<number> {
  const order = async (): Promise<Awaited<ReturnType<typeof orderSwitch>> | undefined> => {
    const answer = await orderSwitch(cluster.nodes[index]!, name, { timeoutMs: 60_000 })
    const { code, mayHaveHappened } = answer.body as { readonly code?: string; readonly mayHaveHappened?: boolean }
    return code === 'ERR_NO_QUORUM' && mayHaveHappened === false ? undefined : answer
  }
  const { status, body } = await cluster.until(`a leader takes the order to switch to ${name}`, order, patient)
  if (body.outcome === 'committed' || body.outcome === 'already-current') return body.durationMs
  throw new Error(`the switch to ${name} was ${body.outcome ?? status}: ${body.reason ?? JSON.stringify(body)}`)
}

function figuresOf(switches: readonly Switched[], { acknowledgedAt }: TrafficVerdict): Figure[] {
  const rate = (from: number, to: number): number[] => {
    const pieces = Math.max(1, Math.ceil((to - from) / pieceMs))
    const counts = new Array<number>(pieces).fill(0)
    for (const at of acknowledgedAt) {
      const piece = Math.floor((at - from) / pieceMs)
      if (piece >= 0 && piece < pieces) counts[piece]! += 1
    }
    return counts.map((count) => (count * 1_000) / pieceMs)
  }
  const dips: number[] = []
  const steady: number[] = []
  for (const { from, to } of switches) {
    const usual = summarize(rate(from - restMs + pieceMs, from))?.median ?? 0
    steady.push(usual)
    if (usual > 0) dips.push(100 * Math.max(0, 1 - Math.min(...rate(from, to + pieceMs)) / usual))
  }
  const directions = [...new Set(switches.map(({ direction }) => direction))]
  const timesOf = (direction: string): number[] =>
    switches.filter((each) => each.direction === direction).map(({ ms }) => ms)
  return [
    { name: 'any switch, order to report', unit: 'ms', samples: switches.map(({ ms }) => ms), goal: '<= 3000' },
    ...directions.map((name): Figure => ({ name, unit: 'ms', samples: timesOf(name) })),
    { name: `acknowledged, before a switch, of ${perSecond} sent`, unit: 'messages/s', samples: steady },
    { name: `lowest half second in a switch, below that`, unit: '%', samples: dips, goal: '<= 30' },
  ]
}

function countsOf(verdict: TrafficVerdict, failures: Readonly<Record<string, number>>): Figure[] {
  const { acknowledged, lost, twice, outOfOrder } = verdict
  const failed = Object.values(failures).reduce((sum, count) => sum + count, 0)
  const counts: readonly (readonly [string, number, string?])[] = [
    ['acknowledged', acknowledged],
    ['acknowledged and lost', lost.length, '0'],
    ['delivered twice', twice.length, '0'],
    ['delivered after a later one of their key', outOfOrder.length, '0'],
    [`failed, and said so${failed > 0 ? ` (${Object.keys(failures).join(', ')})` : ''}`, failed],
  ]
  return counts.map(([name, count, goal]) => ({
    ...{ name: `messages ${name}`, unit: 'messages', samples: [count] },
    ...(goal === undefined ? {} : { goal }),
  }))
}
