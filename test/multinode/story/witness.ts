// The member that stories are told about. Whenever it hosts S5 it reads its token every few milliseconds, decides, and
// commands everybody, once more with its old token after it has lost S5. It sends acknowledged messages to the others,
// offers a service, and prints what it sees, for the oracle. SIGUSR2 moves its wall clock: an hour ahead, two back, and
// so on. SIGHUP makes it print what it holds, where that is followed.

import { basename } from 'node:path'
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { ClusterError, createNode, type S5 } from '@viable-systems/trellis'
import { memberOptions } from '@viable-systems/trellis/testing'
import { encodeCommand } from '../../../src/vsm/fenced.ts'
import { microseconds, type Observed } from './observed.ts'
import { arenasResident } from './resident.ts'

/** What the API does not offer: a host that ignores that its lease is over. */
interface Inside {
  readonly lifecycle: {
    readonly requests: { request(id: string, subject: string, payload: Uint8Array): Promise<unknown> }
  }
}

const readTokenEveryMs = 5
const printEveryMs = 200
const actEveryMs = 100
const sendTimeoutMs = 2_000
/** Of V8's heap: machine code, what it refers to, and bytecode. */
const codeSpaces = /^(code|trusted)_/
const hourMs = 3_600_000
const { env } = process
const life = microseconds()

const ownName = basename(env.TRELLIS_DATA_DIR!)
const roles = (JSON.parse(env.STORY_ROLES ?? '{}') as Record<string, string[]>)[ownName]
const node = await createNode({
  ...memberOptions(),
  ...(roles ? { roles } : {}),
  topology: env.STORY_TOPOLOGY ?? 'full-mesh',
  // Small clusters have few neighbors only if they are told to.
  overlayOptions: { hyparview: { activeSize: 3 } },
  // The log in memory is a saw whose teeth would hide a slow growth: short ones hide less.
  ...(env.STORY_MEMORY === '1' ? { snapshotEntries: 500 } : {}),
})
print({ type: 'began', life })
process.once('SIGTERM', () => void node.stop().then(() => process.exit()))

// On a pipe, stdout is written before the call returns: what is acknowledged is printed first, whatever kills the
// process.
function print(observed: Observed): void {
  process.stdout.write(`${JSON.stringify(observed)}\n`)
}

let clockOffsetMs = 0
let clockSteps = 0
const trueNow = Date.now
process.on('SIGUSR2', () => {
  clockSteps += 1
  clockOffsetMs += clockSteps % 2 === 1 ? hourMs : -2 * hourMs
  Date.now = () => trueNow() + clockOffsetMs
})

let acceptedToken = 0
node.vsm.onCommand(({ token }) => {
  if (token !== acceptedToken) print({ type: 'accepted', token })
  acceptedToken = token
  return null
})

node.vsm.host('s5', (s5) => {
  const { token } = s5
  watchLease(s5, token)
  void decide(s5, token)
  void command(s5, token)
})

function watchLease(s5: S5, token: number): void {
  let from = 0
  let to = 0
  const tell = (): void => {
    if (to > from) print({ type: 'held', token, from, to })
    from = to
  }
  const telling = setInterval(tell, printEveryMs)
  const reading = setInterval(() => {
    const before = microseconds()
    try {
      // The lease held somewhere between before and now.
      void s5.token
      if (from === 0) from = microseconds()
      to = before
    } catch {
      clearInterval(reading)
      clearInterval(telling)
      tell()
      commandTooLate(token)
    }
  }, readTokenEveryMs)
}

async function decide(s5: S5, token: number): Promise<void> {
  while (!s5.signal.aborted) {
    const n = ((node.vsm.decision?.payload as { n: number } | undefined)?.n ?? 0) + 1
    try {
      print({ type: 'decided', token, index: await s5.decide({ n }), n })
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error
    }
    await after(actEveryMs)
  }
}

async function command(s5: S5, token: number): Promise<void> {
  while (!s5.signal.aborted) {
    const others = node.members().filter(({ id, state }) => id !== node.id && state === 'alive')
    const options = { timeoutMs: sendTimeoutMs, signal: s5.signal }
    await Promise.all(others.map(({ id }) => s5.command(id, token, options).catch(expected)))
    await after(actEveryMs)
  }
}

/** Past the check that the API makes, and once another host is known, so that whoever must refuse knows it too. */
function commandTooLate(token: number): void {
  const { requests } = (node as unknown as Inside).lifecycle
  const timer = setInterval(() => {
    const { fencingToken } = node.status().s5
    if (fencingToken === null || fencingToken <= token) return
    clearInterval(timer)
    for (const { id, state } of node.members())
      if (state === 'alive' && id !== node.id)
        void requests.request(id, 'trellis.s5.command', encodeCommand(token, 'too late')).catch(expected)
  }, printEveryMs)
}

node.services.register('witness', { name: () => ownName })

interface Letter {
  readonly life: number
  readonly seq: number
}

const data = node.channel('data')
data.onMessage(({ from, payload }) => print({ type: 'handled', from, ...(payload as unknown as Letter) }))

let seq = 0
setInterval(() => {
  const others = node.members().filter(({ id, state }) => id !== node.id && state === 'alive')
  const to = others[seq % Math.max(1, others.length)]
  if (!to) return
  const letter = { life, seq: ++seq }
  data
    .send(to.id, letter, { ack: true, key: 'letters', timeoutMs: sendTimeoutMs })
    .then(() => print({ type: 'acknowledged', to: to.name, ...letter }), expected)
}, actEveryMs)

if (env.STORY_MEMORY === '1') {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as (options: object) => void
  // The one that compacts: after others V8 leaves ever more room in its pages, which says nothing of what is kept.
  const collect = (): void => gc({ type: 'major', execution: 'sync', flavor: 'last-resort' })
  process.on('SIGHUP', async () => {
    collect()
    // What the first one has found to be gone lets go of more in turns of its own.
    await after(0)
    collect()
    const { rss, heapTotal, heapUsed, external } = process.memoryUsage()
    const code = getHeapSpaceStatistics().reduce((sum, { space_name: name, space_used_size: bytes }) => {
      return codeSpaces.test(name) ? sum + bytes : sum
    }, 0)
    const at = Math.round((microseconds() - life) / 1e6)
    const arenas = arenasResident()
    print({ type: 'memory', at, rss, live: heapUsed - code + external, code, heap: heapTotal, arenas })
  })
}

/** What a cluster may answer at any time; anything else is a bug, and ends this process. */
function expected(error: unknown): void {
  if (!(error instanceof ClusterError)) throw error
}

function after(ms: number): Promise<void> {
  return new Promise((go) => setTimeout(go, ms))
}
