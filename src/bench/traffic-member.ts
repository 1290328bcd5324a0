// A member that sends acknowledged messages to all others at a steady pace, each under one of a few keys, and writes
// down what was acknowledged to it and what it was handed: line by line, at once, so that a life that is killed has
// said all it knew. What the journals of a cluster prove together is told by `traffic.ts`. SIGUSR2: sends from now on.
// SIGHUP: sends no more, and says so once all is answered.

import { existsSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { asClusterError } from '../errors.ts'
import { createNode } from '../node.ts'
import { memberOptions } from '../testing/member-options.ts'
import { clock } from './recorded.ts'
import { dyingPath, journalPath } from './traffic.ts'

/** Sent together, this often. */
const TICK_MS = 20
/** Whoever waits for so many answers sends no more for the moment. */
const MAX_UNANSWERED = 500
/** Milliseconds for one message, its answer included: longer than a member that is stopped keeps its place. */
const PATIENCE_MS = 10_000

const { env } = process
const options = memberOptions()
const perSecond = Number(env.TRELLIS_TRAFFIC_RATE)
const keys = Number(env.TRELLIS_TRAFFIC_KEYS)
const members = Number(env.TRELLIS_TRAFFIC_MEMBERS)
const dataDir = env.TRELLIS_DATA_DIR!
const journal = openSync(journalPath(dataDir, process.pid), 'a', 0o600)
const failures: Record<string, number> = {}
let unanswered = 0
let isSending = false
let hasEnded = false
// Before the node is there: whoever sees it in the cluster may say so at once, and without a listener the signal would
// end the process.
process.on('SIGUSR2', () => {
  isSending = true
})
process.on('SIGHUP', () => {
  isSending = false
  hasEnded = true
  tellWhenQuiet()
})
const node = await createNode({ ...options, logger: 'silent' })
const data = node.channel('data')
const life = `${node.status().node.name}.${process.pid}`
const counters = new Map<string, number>()
let owed = 0
let lastAt = clock()

data.onMessage(({ payload }) => {
  const { source, key, number } = payload as { source: string; key: string; number: number }
  write('delivered', source, key, number)
})
// A switch that has come so far is where the life of whoever leads is to end: of one member, not of the next leader
// too.
node.events.subscribe((event) => {
  if (event.type !== 'switch' || node.status().consensus.role !== 'leader') return
  const path = dyingPath(dataDir)
  if (!existsSync(path) || readFileSync(path, 'utf8') !== event.phase) return
  rmSync(path)
  process.kill(process.pid, 'SIGKILL')
})
const ticking = setInterval(tick, TICK_MS)
process.once('SIGTERM', async () => {
  clearInterval(ticking)
  await node.leave()
})

function tick(): void {
  const now = clock()
  const others = node.members().filter((member) => member.state === 'alive' && member.id !== node.status().node.id)
  owed = Math.min(owed + ((now - lastAt) / 1_000) * perSecond, perSecond)
  lastAt = now
  if (!isSending || others.length + 1 < members) {
    owed = 0
    return
  }
  for (; owed >= 1 && unanswered < MAX_UNANSWERED; owed--) {
    const to = others[Math.floor(Math.random() * others.length)]!.name
    void send(to, `key-${Math.floor(Math.random() * keys)}`)
  }
}

async function send(to: string, key: string): Promise<void> {
  const stream = `${to} ${key}`
  const number = (counters.get(stream) ?? 0) + 1
  counters.set(stream, number)
  unanswered++
  try {
    await data.send(to, { source: life, key, number }, { ack: true, key, timeoutMs: PATIENCE_MS })
    write('acknowledged', to, key, number)
  } catch (error) {
    const { code } = asClusterError(error)
    failures[code] = (failures[code] ?? 0) + 1
  } finally {
    unanswered--
    if (hasEnded) tellWhenQuiet()
  }
}

function tellWhenQuiet(): void {
  if (unanswered === 0) process.stdout.write(`${JSON.stringify({ type: 'quiet', at: clock(), failures })}\n`)
}

function write(what: 'acknowledged' | 'delivered', other: string, key: string, number: number): void {
  writeSync(journal, `${what} ${other} ${key} ${number} ${clock().toFixed(1)}\n`)
}
