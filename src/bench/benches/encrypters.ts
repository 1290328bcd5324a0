// The two encrypters of libp2p links beside each other: a pair of members linked by each, measured by turns.

import { type BenchContext, type Figure, repeat } from '../figure.ts'
import { type FarReport, Pair, percentile, roundTrips, sendMany } from '../pair.ts'

const smallBytes = 256
const chunkBytes = 64 * 1024
const bytesPerMegabyte = 1e6

export async function encrypters(context: BenchContext): Promise<Figure[]> {
  const { signal } = context
  await using noise = await Pair.open('libp2p')
  await using tls = await Pair.open('libp2p with tls')
  const samples = new Map<string, number[]>()
  const put = (name: string, value: number): unknown => samples.set(name, [...(samples.get(name) ?? []), value])
  const messages = ({ messages: count }: FarReport): number => count
  await repeat(context, 'windows of each encrypter', async () => {
    for (const [name, pair] of [
      ['noise', noise],
      ['tls', tls],
    ] as const) {
      const data = pair.near.channel('data')
      put(`${name} small`, await pair.rate(messages, (stop) => sendMany(data, smallBytes, stop), signal))
      put(
        `${name} bulk`,
        ((await pair.rate(messages, (stop) => sendMany(data, chunkBytes, stop), signal)) * chunkBytes) /
          bytesPerMegabyte,
      )
      const request = (): Promise<unknown> => data.request('far', new Uint8Array(smallBytes))
      put(`${name} request`, percentile((await roundTrips(request, {}, signal)).microseconds, 0.5))
    }
  })
  const of = (name: string): readonly number[] => samples.get(name) ?? []
  const figures = (what: string, unit: Figure['unit'], name: string): Figure[] => {
    const baseline = `libp2p with Noise, ${what}`
    return [
      { name: `libp2p with TLS, ${what}`, unit, samples: of(`tls ${name}`), baseline },
      { name: baseline, unit, samples: of(`noise ${name}`) },
    ]
  }
  return [
    ...figures(`${smallBytes} B, sendMany`, 'messages/s', 'small'),
    ...figures('64 KiB, sendMany', 'MB/s', 'bulk'),
    ...figures(`request of ${smallBytes} B, p50`, 'us', 'request'),
  ]
}
