// What a call of a service and a request cost in processor time, both ends together: two members in one process over
// loopback, 64 on their way. The smallest of many short windows says most where other processes take turns with this
// one.
//
//   node scripts/call-cost.ts [--windows 40]

import { parseArgs } from 'node:util'
import { createNode } from '../src/node.ts'

const outstanding = 64
const callsOfWindow = 4_000
const callsBefore = 60_000

const { values } = parseArgs({ options: { windows: { type: 'string', default: '40' } } })
await using far = await createNode({ name: 'far', listen: '127.0.0.1:0' })
far.services.register('echo', { echo: (value) => value })
far.channel('data').onRequest(({ payload }) => payload)
await using near = await createNode({ name: 'near', listen: '127.0.0.1:0', join: far.address })
await near.services.waitFor('echo')
const data = near.channel('data')
const object = { id: 7, text: 'hello' }
const bytes = new Uint8Array(256)

for (const [name, call] of [
  ['services.call', () => near.services.call('echo', 'echo', object)],
  ['request of an object', () => data.request('far', object)],
  ['request of 256 B', () => data.request('far', bytes)],
] as const) {
  await run(call, callsBefore)
  const before = sentMessages()
  const costs: number[] = []
  for (let window = 0; window < Number(values.windows); window++) {
    const from = process.cpuUsage()
    await run(call, callsOfWindow)
    const { user, system } = process.cpuUsage(from)
    costs.push((user + system) / callsOfWindow)
  }
  const messages = (sentMessages() - before) / costs.length / callsOfWindow
  costs.sort((one, other) => one - other)
  const [least, median] = [costs[0]!, costs[costs.length >> 1]!].map((cost) => cost.toFixed(2))
  console.log(`${name}: ${least} us, median ${median}; ${messages.toFixed(3)} messages of its caller`)
}

async function run(call: () => Promise<unknown>, count: number): Promise<void> {
  let left = count
  const caller = async (): Promise<void> => {
    while (left-- > 0) await call()
  }
  await Promise.all(Array.from({ length: outstanding }, caller))
}

/** Acknowledgements and answers, too. */
function sentMessages(): number {
  return data.stats().lanes.reduce((sum, { sent }) => sum + sent.messages, 0)
}
