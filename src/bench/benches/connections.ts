// What an end of a connection takes in memory: a lane's beside bare `node:tls`, both certificates, some bytes having
// passed. Each in a process of its own, with 400 ends; a lane's share of its member's identity and listening port is in
// its figure, and so it is in the bare one's but for the port.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Bench, repeat } from '../figure.ts'

const program = fileURLToPath(new URL(`../connection-ends${extname(import.meta.url)}`, import.meta.url))

export const connections: Bench = {
  name: 'connections',
  description: 'memory of an end of a connection of a lane, beside bare TLS',
  async run(context) {
    const samples = { bare: [] as number[], lanes: [] as number[] }
    await repeat(context, 'processes of each', async () => {
      for (const kind of ['bare', 'lanes'] as const) samples[kind].push(await measure(kind, context.signal))
    })
    const baseline = 'bare TLS, resident memory of an end'
    return [
      { name: 'a lane, resident memory of an end', unit: 'bytes', samples: samples.lanes, goal: '<= 1.3 x', baseline },
      { name: baseline, unit: 'bytes', samples: samples.bare },
    ]
  },
}

async function measure(kind: 'bare' | 'lanes', signal: AbortSignal): Promise<number> {
  const execArgv = [...process.execArgv, '--expose-gc']
  const child = fork(program, [kind], { execArgv, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  try {
    const over = new AbortController()
    const either = AbortSignal.any([signal, over.signal])
    const ended = once(child, 'exit', { signal: either }).then(() => {
      throw new Error('the process of the connections has ended')
    })
    const [bytes] = (await Promise.race([once(child, 'message', { signal: either }), ended])) as [number]
    over.abort()
    return bytes
  } finally {
    child.kill()
  }
}
