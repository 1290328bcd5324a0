// A member that works on the cluster's data when it is told to, by HTTP on a port of loopback that it prints: `POST /` with what to do, answered with what was measured.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { watchParent } from '../cli/parent.ts'
import { createNode } from '../node.ts'
import { drive, firstAnswer, LOAD_VALUE, type Load, loadKey, longestGap } from './load.ts'

/** What a member is told to do. */
export type DataWork =
  | ({ readonly work: 'load' } & Load)
  /** From `from`, on the machine's monotonic clock, to the first write that is accepted here. */
  | { readonly work: 'first-write'; readonly from: number }
  /** The longest gap between two accepted writes while leadership is handed to `to`. */
  | { readonly work: 'transfer'; readonly to: string }

const { env } = process
watchParent(env)?.addEventListener('abort', () => process.exit())
const node = await createNode({
  ...(env.TRELLIS_NAME ? { name: env.TRELLIS_NAME } : {}),
  ...(env.TRELLIS_JOIN ? { join: env.TRELLIS_JOIN } : {}),
  ...(env.TRELLIS_EXPECT ? { expect: Number(env.TRELLIS_EXPECT) } : {}),
  listen: env.TRELLIS_LISTEN!,
  admin: env.TRELLIS_ADMIN!,
  dataDir: env.TRELLIS_DATA_DIR!,
  secret: env.TRELLIS_SECRET!,
  allowFaults: true,
  voters: 3,
})
process.once('SIGTERM', () => void node.leave())

const server = createServer(async (request, response) => {
  try {
    let text = ''
    for await (const part of request.setEncoding('utf8')) text += part
    response.end(JSON.stringify(await answer(JSON.parse(text) as DataWork)))
  } catch (error) {
    response.writeHead(500).end(String(error))
  }
})
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(
    `${JSON.stringify({ type: 'control', pid: process.pid, port: (server.address() as AddressInfo).port })}\n`,
  )
})
server.unref()

const write = (place: number): Promise<unknown> => node.config.set(loadKey(place), LOAD_VALUE)

async function answer(work: DataWork): Promise<unknown> {
  switch (work.work) {
    case 'load':
      return drive(work, work.verb === 'write' ? write : (place) => node.config.get(loadKey(place)))
    case 'first-write':
      return firstAnswer(write, work.from)
    case 'transfer':
      return longestGap(
        () => write(0),
        () => node.leadership.transfer({ to: work.to }),
      )
  }
}
