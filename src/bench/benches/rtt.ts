// How long a request takes to its handler and back, one at a time, and how many a second there are with 64 on their
// way, beside raw TLS that sends each frame back, and beside Moleculer where that is installed. On data nothing is
// acknowledged; on coordination request and answer are, so more is written.

import { type Bench, type Figure, repeat } from '../figure.ts'
import { Pair, percentile, roundTrips } from '../pair.ts'
import { ServiceMembers } from '../service-members.ts'

const bytes = 256
const atOnce = 64

export const rtt: Bench = {
  name: 'rtt',
  description: 'request and answer between two processes, beside a raw TLS echo',
  async run(context) {
    await using pair = await Pair.open()
    await using others = new ServiceMembers()
    const broker = await others.moleculer()
    const { signal } = context
    const [data, coordination] = [pair.near.channel('data'), pair.near.channel('coordination')]
    const raw = await pair.raw()
    const payload = new Uint8Array(bytes)
    const request = (): Promise<unknown> => data.request('far', payload)
    const acknowledged = (): Promise<unknown> => coordination.request('far', payload)
    const echo = (): Promise<void> => raw.echo(bytes)
    const text = 'x'.repeat(bytes)
    const moleculer = (): Promise<unknown> => broker!.call('echo.echo', text)
    const samples = {
      moleculer: [],
      acked: [],
      p50: [],
      p99: [],
      rawP50: [],
      rawP99: [],
      rate: [],
      rawRate: [],
    } as Record<string, number[]>
    for (const call of [request, acknowledged, echo, ...(broker ? [moleculer] : [])])
      await roundTrips(call, { atOnce }, signal)
    await repeat(context, 'windows of each', async () => {
      const one = await roundTrips(request, {}, signal)
      samples.acked!.push(percentile((await roundTrips(acknowledged, {}, signal)).microseconds, 0.5))
      const rawOne = await roundTrips(echo, {}, signal)
      samples.p50!.push(percentile(one.microseconds, 0.5))
      samples.p99!.push(percentile(one.microseconds, 0.99))
      samples.rawP50!.push(percentile(rawOne.microseconds, 0.5))
      samples.rawP99!.push(percentile(rawOne.microseconds, 0.99))
      samples.rate!.push((await roundTrips(request, { atOnce }, signal)).perSecond)
      samples.rawRate!.push((await roundTrips(echo, { atOnce }, signal)).perSecond)
      if (broker) samples.moleculer!.push((await roundTrips(moleculer, { atOnce }, signal)).perSecond)
    })
    await broker?.stop()
    const rawP50 = 'raw TLS echo, p50'
    const rawP99 = 'raw TLS echo, p99'
    const rawRate = `raw TLS echo, ${atOnce} on their way`
    return [
      { name: 'request, p50', unit: 'us', samples: samples.p50!, goal: '<= 2 x', baseline: rawP50 },
      { name: 'acknowledged request, p50', unit: 'us', samples: samples.acked!, baseline: rawP50 },
      { name: rawP50, unit: 'us', samples: samples.rawP50! },
      { name: 'request, p99', unit: 'us', samples: samples.p99!, baseline: rawP99 },
      { name: rawP99, unit: 'us', samples: samples.rawP99! },
      {
        name: `requests, ${atOnce} on their way`,
        unit: 'requests/s',
        samples: samples.rate!,
        goal: '>= 0.25 x',
        baseline: rawRate,
      },
      { name: rawRate, unit: 'requests/s', samples: samples.rawRate! },
      ...(broker ? besideMoleculer(samples.rate!, samples.moleculer!) : []),
    ]
  },
}

function besideMoleculer(own: readonly number[], moleculer: readonly number[]): Figure[] {
  const baseline = `Moleculer TCP, ${atOnce} on their way`
  return [
    { name: 'the same requests, beside Moleculer', unit: 'requests/s', samples: own, goal: '>= 3 x', baseline },
    { name: baseline, unit: 'requests/s', samples: moleculer },
  ]
}
