// What a link weighs: opens many in this process, which holds both ends, and prints the growth of what is resident per
// link, in bytes. Run with `--expose-gc`.

import { connect } from '../client/client.ts'
import { createNode } from '../node.ts'
import { systemClock } from '../runtime/clock.ts'
import { createIdentity } from '../transport/identity.ts'
import { providerOf } from '../transport/provider.ts'
import type { Transport } from '../transport/transport.ts'
import { waitFor } from '../wait.ts'
import { type PairTransport, pairTransport } from './pair-transport.ts'

const LINKS = 200
/** Opened before anything is weighed: code is compiled, pools have their size. */
const WARM_UP = 20

const kind = process.argv[2]

async function resident(): Promise<number> {
  for (let count = 0; count < 5; count++) {
    globalThis.gc?.()
    await new Promise<void>((resolve) => setImmediate(resolve))
  }
  return process.memoryUsage.rss()
}

async function weigh(open: () => Promise<unknown>): Promise<void> {
  const opened: unknown[] = []
  for (let count = 0; count < WARM_UP; count++) opened.push(await open())
  const before = await resident()
  for (let count = 0; count < LINKS; count++) opened.push(await open())
  process.stdout.write(String(Math.round(((await resident()) - before) / LINKS)))
}

if (kind === 'client') {
  const node = await createNode({ name: 'a', listen: '127.0.0.1:0', admin: '127.0.0.1:0' })
  await weigh(async () => {
    const client = connect(node.admin!)
    await client.ready()
    return client
  })
} else {
  const provider = await providerOf(await pairTransport(kind as PairTransport))
  const create = (): Transport => provider.create({ identity: createIdentity(), onRefused: () => {} })
  const [near, far] = [create(), create()]
  let accepted = 0
  const handler = { data: () => {}, drain: () => {}, close: () => {} }
  const address = await far.listen(provider.wordsFor('127.0.0.1:0'), (connection) => {
    connection.admit()
    connection.start(handler)
    accepted += 1
  })
  await weigh(async () => {
    const before = accepted
    const connection = await near.dial(address, AbortSignal.timeout(10_000))
    connection.start(handler)
    await waitFor('the other end', () => accepted > before, { clock: systemClock, timeoutMs: 10_000 })
    return connection
  })
}
process.exit()
