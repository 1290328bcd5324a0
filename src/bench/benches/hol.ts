// What a small request waits for while bulk takes all there is: on raw TLS with one connection, with a second one, and
// on the lanes, where bulk goes on data and the request on coordination. Loopback is kind to all of them: on a slower
// link what stands in front of the request takes longer to drain.

import { monitorEventLoopDelay } from 'node:perf_hooks'
import { systemClock } from '../../runtime/clock.ts'
import { pause } from '../../wait.ts'
import { type Bench, repeat } from '../figure.ts'
import { during, type FarReport, Pair, percentile, roundTrips } from '../pair.ts'

const requestBytes = 64
const chunkBytes = 64 * 1024
const warmUpMs = 300
/** One request about every millisecond, as if by chance. */
const pauseMs = 1
const megaByte = 1_000_000

export const hol: Bench = {
  name: 'hol',
  description: 'a 64 B request while 64 KiB messages take all there is, beside raw TLS',
  async run(context) {
    await using pair = await Pair.open()
    const { signal } = context
    const coordination = pair.near.channel('coordination')
    const data = pair.near.channel('data')
    const bulk = await pair.raw()
    const second = await pair.raw()
    const payload = new Uint8Array(requestBytes)
    const chunk = new Uint8Array(chunkBytes)
    const delay = monitorEventLoopDelay({ resolution: 1 })
    const request = (): Promise<unknown> => coordination.request('far', payload)
    const send = async (stop: AbortSignal): Promise<void> => {
      const chunks = function* (): Generator<Uint8Array> {
        while (!stop.aborted) yield chunk
      }
      await data.sendMany('far', chunks())
    }
    const flood = (stop: AbortSignal): Promise<void> => bulk.flood(chunkBytes, stop)
    /** p50 and p99 of `call`, and the rate of `work` beside it. */
    const beside = (
      work: (stop: AbortSignal) => Promise<void>,
      call: () => Promise<unknown>,
      count: (report: FarReport) => number,
    ): Promise<{ p50: number; p99: number; rate: number }> =>
      during(work, async () => {
        await pause(systemClock, warmUpMs, signal)
        const [before, from] = [count(await pair.ask('watch')), performance.now()]
        const { microseconds } = await roundTrips(call, { pauseMs }, signal)
        const [after, to] = [count(await pair.ask('report')), performance.now()]
        const rate = (((after - before) / (to - from)) * 1_000 * chunkBytes) / megaByte
        return { p50: percentile(microseconds, 0.5), p99: percentile(microseconds, 0.99), rate }
      })
    const frames = ({ frames: count }: FarReport): number => count
    const messages = ({ messages: count }: FarReport): number => count
    const nothing = async (): Promise<void> => {}
    const samples = new Map<string, number[]>()
    const put = (name: string, value: number): unknown => samples.set(name, [...(samples.get(name) ?? []), value])
    await repeat(context, 'windows of each', async () => {
      put('idle', (await beside(nothing, request, messages)).p99)
      const same = await beside(flood, () => bulk.echo(requestBytes), frames)
      const other = await beside(flood, () => second.echo(requestBytes), frames)
      delay.reset()
      delay.enable()
      const lanes = await beside(send, request, messages)
      delay.disable()
      put('loop near', delay.percentile(99) / 1e6)
      put('loop far', (await pair.ask('report')).loopDelayMs)
      put('same', same.p99)
      put('other', other.p99)
      put('lanes p50', lanes.p50)
      put('lanes', lanes.p99)
      put('bulk', lanes.rate)
      put('raw bulk', await pair.rate(frames, flood, signal).then((rate) => (rate * chunkBytes) / megaByte))
    })
    const of = (name: string): readonly number[] => samples.get(name) ?? []
    const idle = 'request on coordination, nothing beside it, p99'
    const rawBulk = 'raw TLS bulk, nothing beside it'
    return [
      { name: idle, unit: 'us', samples: of('idle') },
      { name: 'request on coordination beside bulk on data, p50', unit: 'us', samples: of('lanes p50') },
      {
        name: 'request on coordination beside bulk on data, p99',
        unit: 'us',
        samples: of('lanes'),
        goal: '<= 500 us or <= 3 x',
        baseline: idle,
      },
      { name: 'raw TLS, same connection as bulk, p99', unit: 'us', samples: of('same'), baseline: idle },
      { name: 'raw TLS, second connection beside bulk, p99', unit: 'us', samples: of('other'), baseline: idle },
      {
        name: 'bulk on data, with the requests beside it',
        unit: 'MB/s',
        samples: of('bulk'),
        goal: '>= 0.7 x',
        baseline: rawBulk,
      },
      { name: rawBulk, unit: 'MB/s', samples: of('raw bulk') },
      { name: 'p99 of the loop delay beside bulk, sender', unit: 'ms', samples: of('loop near'), goal: '<= 10' },
      { name: 'p99 of the loop delay beside bulk, receiver', unit: 'ms', samples: of('loop far'), goal: '<= 10' },
    ]
  },
}
