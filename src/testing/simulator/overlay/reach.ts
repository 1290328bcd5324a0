// How fast and at what price one broadcast reaches everybody, on the network of the `lan` profile: Plumtree over
// HyParView, with the bytes that the real codecs make of every message.

import type { HyParViewMessage, PlumtreeMessage } from '../../../../topology/index.ts'
import { hyParViewCodec } from '../../../wire/hyparview.ts'
import { encodeFrame } from '../../../wire/message.ts'
import { type Formation, nextRound, worldOf } from './paper.ts'

/**
 * One way between two machines of a data center, milliseconds: a quarter of a millisecond to a busy moment of the
 * receiver.
 */
export const LAN_LATENCY_MS = [0.25, 5] as const

const PAYLOAD_BYTES = 256
const BROADCASTS = 20
/** What a broadcast may take at most before the next one is sent. */
const WAIT_MS = 10_000

export interface ReachFigures {
  /** Virtual milliseconds until 99.99 % of the members have it: the slowest and the median of the broadcasts. */
  readonly slowestMs: number
  readonly medianMs: number
  /** Share of the living that every broadcast reached, at least. */
  readonly reached: number
  /** Sent per member and broadcast, headers of frames included, those of TLS and TCP not. */
  readonly bytesPerMember: number
  /** Sent per member and second by HyParView alone when nothing happens. */
  readonly idleBytesPerSecond: number
}

/** `failing`: this share of the members dies at the instant of each of the later broadcasts, altogether. */
export function reachEveryone(formation: Formation, failing = 0): ReachFigures {
  let isCounting = false
  let bytes = 0
  let arrivals: number[] = []
  const world = worldOf(formation, {
    latencyMs: LAN_LATENCY_MS,
    plumtree: {},
    onSend: (_from, message, layer) => {
      if (isCounting) bytes += frameBytes(message, layer)
    },
    onDeliver: (_at, { at }) => arrivals.push(at),
  })
  const share = (count: number): number => count / Math.max(1, world.alive().length)
  const idleFrom = world.now
  isCounting = true
  nextRound(world)
  const idleBytesPerSecond = share(bytes) / ((world.now - idleFrom) / 1_000)

  const dying = world.random.shuffle([...world.nodes.keys()]).slice(0, Math.round(failing * world.nodes.size))
  const times: number[] = []
  let reached = 1
  let spent = 0
  for (let count = 0; count < BROADCASTS; count++) {
    for (const id of dying.splice(0, Math.ceil(dying.length / (BROADCASTS - count)))) {
      world.kill(id)
      world.breakLinks(id)
    }
    arrivals = []
    bytes = 0
    const start = world.now
    world.broadcast(world.random.pick(world.alive()).id, new Uint8Array(PAYLOAD_BYTES))
    world.run(WAIT_MS)
    const others = world.alive().length - 1
    const needed = Math.ceil(0.9999 * others)
    arrivals.sort((one, other) => one - other)
    times.push((arrivals[needed - 1] ?? Number.POSITIVE_INFINITY) - start)
    reached = Math.min(reached, arrivals.length / others)
    spent += share(bytes)
  }
  times.sort((one, other) => one - other)
  return {
    slowestMs: times.at(-1) ?? 0,
    medianMs: times[BROADCASTS / 2] ?? 0,
    reached,
    bytesPerMember: spent / BROADCASTS,
    idleBytesPerSecond,
  }
}

/** A name as long as the id of a real member, for figures in bytes. */
export function peerIdOf(index: number): string {
  return `12D3KooW${String(index).padStart(44, '0')}`
}

function frameBytes(message: unknown, layer: 'overlay' | 'plumtree'): number {
  if (layer === 'plumtree') return encodeFrame({ type: 'plumtree', message: message as PlumtreeMessage }).length
  const payload = hyParViewCodec.encode(message as HyParViewMessage)
  return encodeFrame({ type: 'overlay', epoch: 1, payload }).length
}
