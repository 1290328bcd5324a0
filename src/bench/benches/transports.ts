// The transports beside what they are made of: members linked by libp2p beside a bare libp2p stream with the same
// encrypter, between the same two processes and by turns; what a link of each transport weighs; how long five nodes
// take to start; and what a client gets.

import { spawn } from 'node:child_process'
import { extname } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { connect } from '../../client/client.ts'
import { createNode } from '../../node.ts'
import { systemClock } from '../../runtime/clock.ts'
import { pause, waitFor } from '../../wait.ts'
import { type Bench, type BenchContext, type Figure, repeat } from '../figure.ts'
import { cleanEnv, endOf } from '../member-processes.ts'
import { during, type FarReport, Pair, percentile, roundTrips, sendMany, windowMs } from '../pair.ts'
import { encrypters } from './encrypters.ts'

const extension = extname(import.meta.url)
const command = fileURLToPath(new URL(`../../cli/bin${extension}`, import.meta.url))
const weigher = fileURLToPath(new URL(`../link-weight${extension}`, import.meta.url))
const smallBytes = 256
const requestBytes = 64
const chunkBytes = 64 * 1024
const warmUpMs = 300
/** Starting processes takes seconds of CPU each. */
const startsShare = 4

export const transports: Bench = {
  name: 'transports',
  description: 'libp2p beside a bare libp2p stream, what links weigh, and clients',
  async run(context) {
    return [
      ...(await besideBare(context)),
      ...(await encrypters(context)),
      ...(await starts(context)),
      ...(await weights(context)),
      ...(await clients(context)),
    ]
  },
}

async function besideBare(context: BenchContext): Promise<Figure[]> {
  const { BareClient } = await import('../raw-libp2p.ts')
  await using pair = await Pair.open('libp2p')
  const { signal } = context
  const { bareAddress } = await pair.ask('report')
  await using bulk = await BareClient.open(bareAddress)
  await using second = await BareClient.open(bareAddress)
  const [data, coordination] = [pair.near.channel('data'), pair.near.channel('coordination')]
  const messages = ({ messages: count }: FarReport): number => count
  const frames = ({ frames: count }: FarReport): number => count
  const beside = (work: (stop: AbortSignal) => Promise<void>, call: () => Promise<unknown>): Promise<number> =>
    during(work, async () => {
      await pause(systemClock, warmUpMs, signal)
      return percentile((await roundTrips(call, { pauseMs: 1 }, signal)).microseconds, 0.99)
    })
  const samples = new Map<string, number[]>()
  const put = (name: string, value: number): unknown => samples.set(name, [...(samples.get(name) ?? []), value])
  const request = (): Promise<unknown> => data.request('far', new Uint8Array(smallBytes))
  const small = new Uint8Array(requestBytes)
  for (const call of [request, () => bulk.echo(smallBytes)]) await roundTrips(call, { atOnce: 64 }, signal)
  await repeat(context, 'windows of each', async () => {
    put('bare', await pair.rate(frames, (stop) => bulk.flood(smallBytes, stop), signal))
    put('many', await pair.rate(messages, (stop) => sendMany(data, smallBytes, stop), signal))
    put('request', percentile((await roundTrips(request, {}, signal)).microseconds, 0.5))
    put('echo', percentile((await roundTrips(() => bulk.echo(smallBytes), {}, signal)).microseconds, 0.5))
    put(
      'second',
      await beside(
        (stop) => bulk.flood(chunkBytes, stop),
        () => second.echo(requestBytes),
      ),
    )
    put(
      'beside',
      await beside(
        (stop) => sendMany(data, chunkBytes, stop),
        () => coordination.request('far', small),
      ),
    )
  })
  const of = (name: string): readonly number[] => samples.get(name) ?? []
  const bare = `bare libp2p stream, ${smallBytes} B, coalesced`
  const echo = `bare libp2p echo, ${smallBytes} B, p50`
  const secondName = `bare libp2p, second connection beside bulk, ${requestBytes} B, p99`
  return [
    {
      name: `libp2p, ${smallBytes} B, sendMany`,
      unit: 'messages/s',
      samples: of('many'),
      goal: '>= 0.8 x',
      baseline: bare,
    },
    { name: bare, unit: 'messages/s', samples: of('bare') },
    {
      name: `libp2p, request of ${smallBytes} B, p50`,
      unit: 'us',
      samples: of('request'),
      goal: '<= 1.5 x',
      baseline: echo,
    },
    { name: echo, unit: 'us', samples: of('echo') },
    {
      name: `libp2p, request on coordination beside bulk, ${requestBytes} B, p99`,
      unit: 'us',
      samples: of('beside'),
      goal: '<= 3,000',
      baseline: secondName,
    },
    { name: secondName, unit: 'us', samples: of('second') },
  ]
}

/** By turns, so that both meet the same machine. */
async function starts(context: BenchContext): Promise<Figure[]> {
  const samples = { tcp: [] as number[], libp2p: [] as number[] }
  const runs = Math.ceil(context.runs / startsShare)
  await repeat({ ...context, runs }, 'clusters started by each transport', async () => {
    for (const transport of ['tcp', 'libp2p'] as const) samples[transport].push(await startOf(transport))
  })
  const tcp = 'up --nodes 5 --transport tcp, to ready'
  return [
    {
      name: 'up --nodes 5 --transport libp2p, to ready',
      unit: 'ms',
      samples: samples.libp2p,
      goal: '<= 5000',
      baseline: tcp,
    },
    { name: tcp, unit: 'ms', samples: samples.tcp },
  ]
}

async function startOf(transport: string): Promise<number> {
  const argv = [command, 'up', '--nodes', '5', '--transport', transport, '--port', '0', '--admin-port', '0', '--json']
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'ignore'], env: cleanEnv() })
  const ended = endOf(child)
  try {
    const first = new Promise<string>((resolve) => createInterface({ input: child.stdout! }).once('line', resolve))
    const line = await Promise.race([first, ended.then(() => Promise.reject(new Error('`trellis up` gave up')))])
    return (JSON.parse(line) as { readonly ms: number }).ms
  } finally {
    child.kill('SIGTERM')
    await ended
  }
}

/** Each in a process of its own, which has nothing else in it. */
async function weights(context: BenchContext): Promise<Figure[]> {
  const kinds = ['tcp', 'libp2p', 'libp2p with tls', 'client'] as const
  const samples = new Map<string, number[]>(kinds.map((kind) => [kind, []]))
  const runs = Math.ceil(context.runs / startsShare)
  await repeat({ ...context, runs }, 'links weighed', async () => {
    for (const kind of kinds) {
      const child = spawn(process.execPath, ['--expose-gc', weigher, kind], {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: cleanEnv(),
      })
      const lines: Buffer[] = []
      child.stdout.on('data', (chunk: Buffer) => lines.push(chunk))
      await endOf(child)
      samples.get(kind)!.push(Number(Buffer.concat(lines).toString()))
    }
  })
  const name = (kind: string): string =>
    kind === 'client' ? 'memory of a client, both ends' : `memory of a ${kind} link, both ends`
  return kinds.map((kind) => ({ name: name(kind), unit: 'bytes', samples: samples.get(kind)! }) as const)
}

/** What a client in this process hears of what its node publishes, one after the other. */
async function clients(context: BenchContext): Promise<Figure[]> {
  await using node = await createNode({ name: 'near', listen: '127.0.0.1:0', admin: '127.0.0.1:0' })
  await using client = connect(node.admin!)
  let heard = 0
  client.channel('gossip').subscribe('rate', () => {
    heard += 1
  })
  await client.members()
  const samples: number[] = []
  const payload = { text: 'x'.repeat(smallBytes) }
  await repeat(context, 'windows of a client', async () => {
    const [before, from] = [heard, performance.now()]
    let sent = 0
    while (performance.now() - from < windowMs) {
      const batch = Array.from({ length: 64 }, () => node.channel('gossip').publish('rate', payload))
      sent += batch.length
      await Promise.all(batch)
    }
    await waitFor('what was published', () => heard - before === sent, { clock: systemClock, timeoutMs: 60_000 })
    samples.push((sent / (performance.now() - from)) * 1_000)
  })
  return [
    { name: `messages of ${smallBytes} B to a client, in one process`, unit: 'messages/s', samples, goal: '>= 10,000' },
  ]
}
