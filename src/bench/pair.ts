// Two processes with one member each, linked over loopback, for the benchmarks of messages. The near member runs in the
// process that measures; the far one takes and answers, and serves raw TLS for the baselines of the same run.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Channel } from '../channels/channel.ts'
import { createNode } from '../node.ts'
import type { TrellisNode } from '../node-interface.ts'
import { systemClock } from '../runtime/clock.ts'
import { pause, waitFor } from '../wait.ts'
import { type PairTransport, pairTransport } from './pair-transport.ts'
import { RawClient } from './raw-tls.ts'

const program = fileURLToPath(new URL(`far-member${extname(import.meta.url)}`, import.meta.url))
const formingTimeoutMs = 30_000
/** Before each measured window: code is compiled, windows and queues have found their size. */
const warmUpMs = 300
export const windowMs = 1_000

/**
 * What the far member is asked: how things are; to watch its loop from now on; what it allocates per message; its heap
 * after a collection; to be slow from now on.
 */
export type Question = 'report' | 'watch' | 'allocations' | 'heap' | 'slow'

export interface FarReport {
  readonly address: string
  readonly rawPort: number
  /** Where its bare libp2p stream is served; empty when members connect by tcp. */
  readonly bareAddress: string
  /** Messages that its handlers have got. */
  readonly messages: number
  /** Frames that its raw server has counted. */
  readonly frames: number
  /** 99th percentile since it was told to watch. */
  readonly loopDelayMs: number
  readonly heapMb: number
  /** Bytes per message while it was asked. */
  readonly allocated: number
}

export class Pair implements AsyncDisposable {
  readonly near: TrellisNode
  readonly #far: ChildProcess
  readonly #rawPort: number
  readonly #clients: RawClient[] = []

  private constructor(near: TrellisNode, far: ChildProcess, rawPort: number) {
    this.near = near
    this.#far = far
    this.#rawPort = rawPort
  }

  static async open(wanted: PairTransport = 'tcp'): Promise<Pair> {
    const far = fork(program, [wanted], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    await once(far, 'message')
    const { address, rawPort } = await ask(far, 'report')
    const transport = await pairTransport(wanted)
    const near = await createNode({ name: 'near', listen: '127.0.0.1:0', transport, join: [address] })
    await waitFor('the pair', () => near.members().filter(({ state }) => state === 'alive').length === 2, {
      clock: systemClock,
      timeoutMs: formingTimeoutMs,
    })
    return new Pair(near, far, rawPort)
  }

  ask(what: Question): Promise<FarReport> {
    return ask(this.#far, what)
  }

  async raw(): Promise<RawClient> {
    const client = await RawClient.open(this.#rawPort)
    this.#clients.push(client)
    return client
  }

  /** How much `read` of the far member's report grows per second while `work` runs. */
  async rate(
    read: (report: FarReport) => number,
    work: (signal: AbortSignal) => Promise<void>,
    signal: AbortSignal,
  ): Promise<number> {
    return during(work, async () => {
      await pause(systemClock, warmUpMs, signal)
      const [before, from] = [read(await this.ask('report')), performance.now()]
      await pause(systemClock, windowMs, signal)
      const [after, to] = [read(await this.ask('report')), performance.now()]
      return ((after - before) / (to - from)) * 1_000
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client[Symbol.dispose]()
    await this.near.stop()
    if (this.#far.exitCode === null && this.#far.signalCode === null) {
      this.#far.disconnect()
      await once(this.#far, 'exit')
    }
  }
}

/** Runs `work` until `measure` is done, and gives what that gave. */
export async function during<Result>(
  work: (signal: AbortSignal) => Promise<void>,
  measure: () => Promise<Result>,
): Promise<Result> {
  const stop = new AbortController()
  const failed = new AbortController()
  const working = work(stop.signal).catch((error: unknown) => failed.abort(error))
  try {
    return await measure()
  } finally {
    stop.abort()
    await working
    failed.signal.throwIfAborted()
  }
}

/** Sends the far member messages of so many bytes until `stop` aborts. */
export async function sendMany(channel: Channel, bytes: number, stop: AbortSignal, onSent = () => {}): Promise<void> {
  const payload = new Uint8Array(bytes)
  await channel.sendMany(
    'far',
    (function* () {
      while (!stop.aborted) {
        onSent()
        yield payload
      }
    })(),
    { timeoutMs: 600_000 },
  )
}

/** Calls `once` again and again, `atOnce` of them at a time, for one window; gives the microseconds of each. */
export async function roundTrips(
  call: () => Promise<unknown>,
  { atOnce = 1, pauseMs = 0 }: { readonly atOnce?: number; readonly pauseMs?: number },
  signal: AbortSignal,
): Promise<{ readonly microseconds: readonly number[]; readonly perSecond: number }> {
  const microseconds: number[] = []
  const begin = performance.now()
  const end = begin + windowMs
  const caller = async (): Promise<void> => {
    while (performance.now() < end && !signal.aborted) {
      const from = performance.now()
      await call()
      microseconds.push((performance.now() - from) * 1_000)
      if (pauseMs > 0) await pause(systemClock, pauseMs, signal)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, caller))
  return { microseconds, perSecond: (microseconds.length / (performance.now() - begin)) * 1_000 }
}

/** The sample that a share of all do not exceed. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((one, other) => one - other)
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0
}

async function ask(far: ChildProcess, what: Question): Promise<FarReport> {
  const over = new AbortController()
  const { signal } = over
  try {
    const ended = once(far, 'exit', { signal }).then(() => {
      throw new Error('the other process has ended')
    })
    far.send(what)
    const [report] = (await Promise.race([once(far, 'message', { signal }), ended])) as [FarReport]
    return report
  } finally {
    over.abort()
  }
}
