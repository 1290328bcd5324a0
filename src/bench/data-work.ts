// A member that works on the cluster's data when it is told to, by HTTP on a port of loopback that it prints: `POST /`
// with what to do, answered with what was measured. As soon as it is a member it writes once, and prints when that was
// accepted: what a start takes.

import type { AddressInfo } from 'node:net'
import { createNode } from '../node.ts'
import { http } from '../node-http.ts'
import { type Logger, silentLogger } from '../observability/logger.ts'
import { memberOptions } from '../testing/member-options.ts'
import { drive, firstAnswer, LOAD_VALUE, type Load, loadKey, longestGap } from './load.ts'
import { clock } from './recorded.ts'

/** What a member is told to do. */
export type DataWork =
  | ({ readonly work: 'load' } & Load)
  /** From `from`, on the machine's monotonic clock, to the first write that is accepted here from now on. */
  | { readonly work: 'first-write'; readonly from: number }
  /** The longest gap between two accepted writes while leadership is handed to `to`. */
  | { readonly work: 'transfer'; readonly to: string }
  /** Writes so many keys; milliseconds. */
  | { readonly work: 'fill'; readonly keys: number }
  /** From `from` until its own copy has the last of them. */
  | { readonly work: 'holds'; readonly keys: number; readonly from: number }
  /**
   * Watches so often, and answers after so many changes: milliseconds from each change to the first and to the last
   * watcher.
   */
  | { readonly work: 'watch'; readonly watchers: number; readonly changes: number }
  /** Makes so many changes that count once all watch. */
  | { readonly work: 'change'; readonly watchers: number; readonly changes: number }

/** Far fewer than a session of a process may have under way. */
const WRITERS = 256
const CHANGE_EVERY_MS = 20
/** Changes that do not count, as in {@link drive} the first half second. */
const WARM_UP_CHANGES = 25

/** A call here goes on to the next leader by itself, so few are enough to find the first that is answered. */
const AT_ONCE = 4

const node = await createNode({
  ...memberOptions(),
  allowFaults: true,
  voters: 3,
  logger: tellingOfCaptures(),
})
process.once('SIGTERM', () => void node.leave())
firstAnswer(write, 0, AT_ONCE).then((at) => say({ type: 'wrote', at }))

const server = http.createServer(async (request, response) => {
  try {
    let text = ''
    for await (const part of request.setEncoding('utf8')) text += part
    response.end(JSON.stringify(await answer(JSON.parse(text) as DataWork)))
  } catch (error) {
    response.writeHead(500).end(String(error))
  }
})
server.listen(0, '127.0.0.1', () => say({ type: 'control', port: (server.address() as AddressInfo).port }))
server.unref()

function say(line: object): void {
  process.stdout.write(`${JSON.stringify({ ...line, pid: process.pid })}\n`)
}

function write(place: number): Promise<unknown> {
  return node.config.set(loadKey(place), LOAD_VALUE)
}

async function answer(work: DataWork): Promise<unknown> {
  switch (work.work) {
    case 'load':
      return drive(work, work.verb === 'write' ? write : (place) => node.config.get(loadKey(place)))
    case 'first-write':
      return firstAnswer(write, work.from, AT_ONCE)
    case 'transfer':
      return longestGap(
        () => write(0),
        () => node.leadership.transfer({ to: work.to }),
        AT_ONCE,
      )
    case 'fill':
      return fill(work.keys)
    case 'holds':
      return firstAnswer(
        async () => {
          const found = await node.config.get(filledKey(work.keys - 1), { consistency: 'stale' })
          if (found === undefined) throw new Error('not yet')
        },
        work.from,
        1,
      )
    case 'watch':
      return watch(work.watchers, work.changes)
    case 'change':
      return change(work.watchers, work.changes)
  }
}

function filledKey(place: number): string {
  return `filled/${place}`
}

async function fill(keys: number): Promise<number> {
  const from = clock()
  let place = 0
  const writer = async (): Promise<void> => {
    while (place < keys - 1) await node.config.set(filledKey(place++), LOAD_VALUE)
  }
  await Promise.all(Array.from({ length: WRITERS }, writer))
  await node.config.set(filledKey(keys - 1), LOAD_VALUE)
  return clock() - from
}

/** When each change came to the first and to the last of the watchers, in milliseconds after it was asked for. */
async function watch(watchers: number, changes: number): Promise<{ first: number[]; last: number[] }> {
  const first = new Array<number>(changes).fill(Number.POSITIVE_INFINITY)
  const last = new Array<number>(changes).fill(0)
  const watches = Array.from({ length: watchers }, () => node.config.watch('watched'))
  const watching = watches.map(async (events) => {
    let seen = 0
    for await (const event of events) {
      const { number, at } = (event as { value?: { number: number; at: number } }).value!
      if (number < 0) continue
      const ms = clock() - at
      first[number] = Math.min(first[number]!, ms)
      last[number] = Math.max(last[number]!, ms)
      seen += 1
      if (seen === changes) return
    }
  })
  // One that began after the first change would wait for it for ever.
  await Promise.all(watches.map(({ from }) => from))
  await node.config.set('watching', watchers)
  await Promise.all(watching)
  return { first, last }
}

async function change(watchers: number, changes: number): Promise<null> {
  await firstAnswer(
    async () => {
      if ((await node.config.get('watching'))?.value !== watchers) throw new Error('not yet')
    },
    clock(),
    1,
  )
  for (let number = -WARM_UP_CHANGES; number < changes; number++) {
    await node.config.set('watched', { number, at: clock() })
    await new Promise((resolve) => setTimeout(resolve, CHANGE_EVERY_MS))
  }
  return null
}

/** Silent but for what is measured here. */
function tellingOfCaptures(): Logger {
  return {
    ...silentLogger,
    debug: (_message, fields) => {
      if (fields?.capturedMs === undefined) return
      say({ type: 'captured', ms: fields.capturedMs })
    },
    child: tellingOfCaptures,
  }
}
