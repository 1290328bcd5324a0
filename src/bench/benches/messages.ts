// How many messages a second go one way from a member to another, with the whole envelope, over TLS, counted by the
// receiver's handler.

import type { Channel } from '../../channels/channel.ts'
import { countAllocations } from '../allocations.ts'
import { type Bench, type Figure, repeat } from '../figure.ts'
import { during, type FarReport, Pair, sendMany } from '../pair.ts'

const smallBytes = 256
const chunkBytes = 64 * 1024
/** Callers that each wait for one `send` after the other. */
const callers = 256
const kiloByte = 1_000

const messagesOf = ({ messages }: FarReport): number => messages
const framesOf = ({ frames }: FarReport): number => frames

export const messages: Bench = {
  name: 'messages',
  description: 'messages a second from a process to another, beside raw TLS',
  async run(context) {
    await using pair = await Pair.open()
    const { signal } = context
    const allocated: Figure[] = []
    const data = pair.near.channel('data')
    const raw = await pair.raw()
    const samples = {
      rawSmall: [] as number[],
      many: [] as number[],
      single: [] as number[],
      acknowledged: [] as number[],
      rawChunk: [] as number[],
      chunk: [] as number[],
      heap: [] as number[],
    }
    await repeat(context, 'windows of each', async () => {
      samples.rawSmall.push(await pair.rate(framesOf, (stop) => raw.flood(smallBytes, stop), signal))
      samples.many.push(await pair.rate(messagesOf, (stop) => sendMany(data, smallBytes, stop), signal))
      samples.single.push(await pair.rate(messagesOf, (stop) => sendEach(data, false, stop), signal))
      samples.acknowledged.push(await pair.rate(messagesOf, (stop) => sendEach(data, true, stop), signal))
      const rawChunks = await pair.rate(framesOf, (stop) => raw.flood(chunkBytes, stop), signal)
      const chunks = await pair.rate(messagesOf, (stop) => sendMany(data, chunkBytes, stop), signal)
      samples.rawChunk.push((rawChunks * chunkBytes) / kiloByte ** 2)
      samples.chunk.push((chunks * chunkBytes) / kiloByte ** 2)
    })
    const heapBefore = (await pair.ask('heap')).heapMb
    for (const [name, work] of Object.entries(ways)) {
      const sent = { count: 0 }
      await during(
        (stop) => work(data, stop, () => (sent.count += 1)),
        async () => {
          const near = await countAllocations(() => sent.count)
          const { allocated: far } = await pair.ask('allocations')
          allocated.push(
            { name: `allocated per message, ${name}, sender`, unit: 'bytes', samples: [near] },
            { name: `allocated per message, ${name}, receiver`, unit: 'bytes', samples: [far] },
          )
        },
      )
    }
    samples.heap.push((await pair.ask('heap')).heapMb - heapBefore)
    const rawSmall = `raw TLS, ${smallBytes} B, coalesced`
    const rawChunk = 'raw TLS, 64 KiB'
    return [
      {
        name: `${smallBytes} B, sendMany`,
        unit: 'messages/s',
        samples: samples.many,
        goal: '>= 0.35 x',
        baseline: rawSmall,
      },
      {
        name: `${smallBytes} B, ${callers} callers of send`,
        unit: 'messages/s',
        samples: samples.single,
        goal: '>= 800,000',
        baseline: rawSmall,
      },
      {
        name: `${smallBytes} B, acknowledged, ${callers} callers`,
        unit: 'messages/s',
        samples: samples.acknowledged,
        goal: '>= 400,000',
        baseline: rawSmall,
      },
      { name: rawSmall, unit: 'messages/s', samples: samples.rawSmall },
      { name: '64 KiB, sendMany', unit: 'MB/s', samples: samples.chunk, goal: '>= 0.8 x', baseline: rawChunk },
      { name: rawChunk, unit: 'MB/s', samples: samples.rawChunk },
      ...allocated,
      { name: 'growth of the receiver’s heap', unit: 'MB', samples: samples.heap },
    ]
  },
}

/** The ways to send small messages. */
const ways: Readonly<Record<string, (channel: Channel, stop: AbortSignal, onSent: () => void) => Promise<void>>> = {
  sendMany: (channel, stop, onSent) => sendMany(channel, smallBytes, stop, onSent),
  send: (channel, stop, onSent) => sendEach(channel, false, stop, onSent),
  acknowledged: (channel, stop, onSent) => sendEach(channel, true, stop, onSent),
}

async function sendEach(channel: Channel, ack: boolean, stop: AbortSignal, onSent = () => {}): Promise<void> {
  const payload = new Uint8Array(smallBytes)
  const caller = async (): Promise<void> => {
    while (!stop.aborted) {
      await channel.send('far', payload, { ack })
      onSent()
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
}
