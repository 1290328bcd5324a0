import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { systemClock } from '../../src/runtime/clock.ts'
import { checkLinearizable, type Model, type Operation } from '../../src/testing/linearizability.ts'
import type { ClusterProcess } from '../../src/testing/process-member.ts'
import { type ProcessCluster, startProcesses } from '../../src/testing/processes.ts'
import { pause } from '../../src/wait.ts'
import { ask, type JsonObject } from '../src/admin/client.ts'
import { assertLinearizable, type Operation as Revised } from './linearizable.ts'

/** How often everything befalls the cluster. `TRELLIS_DATA_ROUNDS=20` for a long run. */
const rounds = Number(process.env.TRELLIS_DATA_ROUNDS ?? 1)
const pausedMs = 1_500
/** Eight processes that all begin at once on a busy machine take a while. */
const patience = { timeoutMs: 60_000 }
const callTimeoutMs = 4_000
const pauseMs = 10
/** With many more calls of which nobody knows the search for an order has no end. */
const maxUnknown = 14

type Call =
  | { readonly type: 'get' }
  | { readonly type: 'set'; readonly value: string }
  | { readonly type: 'compare-and-set'; readonly expected: string | undefined; readonly value: string }

/** One key, as one client alone would find it. */
const register: Model<string | undefined, Call, string | boolean | undefined> = {
  initial: undefined,
  step: (state, call) => {
    if (call.type === 'get') return { state, reply: state }
    if (call.type === 'compare-and-set' && call.expected !== state) return { state, reply: false }
    return { state: call.value, reply: true }
  },
  textOf: String,
  isSame: (one, other) => one === other,
}

type History = Operation<Call, string | boolean | undefined>[]

/** Undefined: nobody answered, so nobody knows. */
async function tell(node: ClusterProcess, method: string, path: string, body?: unknown, headers = {}) {
  const call = ask(`${node.admin}/v1/${path}`, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return Promise.race([call.catch(() => undefined), pause(systemClock, callTimeoutMs).then(() => undefined)])
}

interface Grant {
  readonly token: number
  readonly began: number
  readonly ended: number
}

/** What all clients saw. */
class Findings {
  readonly keys = new Map<string, History>()
  /** The last value of each client's own key that was acknowledged. */
  readonly acknowledged = new Map<string, number>()
  readonly grants: Grant[] = []
  /** The same by the revisions that the cluster claims. */
  readonly revisions = new Map<string, Revised[]>()
  answered = 0

  revised(key: string, operation: Revised): void {
    this.revisions.set(key, [...(this.revisions.get(key) ?? []), operation])
  }

  historyOf(key: string): History {
    const history = this.keys.get(key) ?? []
    this.keys.set(key, history)
    return history
  }
}

/** Uses keys that all share, one of its own, and a lock, at its own member, whatever becomes of it. */
async function use(node: ClusterProcess, findings: Findings, signal: AbortSignal, name: string): Promise<void> {
  const seen = new Map<string, { value: string; revision: number } | undefined>()
  for (let turn = 1; !signal.aborted; turn++) {
    if (!node.isRunning) await pause(systemClock, 10 * pauseMs)
    else if (turn % 7 === 0) await lock(node, findings, name)
    else if (turn % 5 === 0) await countUp(node, findings, name, turn)
    else await share(node, findings, seen, `${name} ${turn}`, turn)
    await pause(systemClock, pauseMs)
  }
}

async function share(
  node: ClusterProcess,
  findings: Findings,
  seen: Map<string, { value: string; revision: number } | undefined>,
  value: string,
  turn: number,
): Promise<void> {
  const key = `shared-${turn % 3}`
  const history = findings.historyOf(key)
  const isFull = history.filter(({ ended }) => ended === Number.POSITIVE_INFINITY).length > maxUnknown
  const type = isFull ? 'get' : (['get', 'set', 'compare-and-set'] as const)[turn % 4]
  const call: Call = type === 'set' ? { type, value } : { type: 'get' }
  const isCompare = type === 'compare-and-set' && seen.has(key)
  const expected = seen.get(key)
  const asked: Call = isCompare ? { type: 'compare-and-set', expected: expected?.value, value } : call
  const began = performance.now()
  const headers = isCompare ? (expected ? { 'if-match': `${expected.revision}` } : { 'if-none-match': '*' }) : {}
  const told = await (asked.type === 'get'
    ? tell(node, 'GET', `config/${key}`)
    : tell(node, 'PUT', `config/${key}`, { value }, headers))
  const ended = performance.now()
  if (asked.type === 'get') {
    if (told?.status !== 200 && told?.status !== 404) return
    const found = told.status === 200 ? (told.json as { value: string; revision: number }) : undefined
    seen.set(key, found)
    history.push({ call: asked, began, ended, reply: found?.value })
    if (found) findings.revised(key, { type: 'read', began, ended, ...found })
  } else if (told?.status === 200 || told?.status === 412) {
    history.push({ call: asked, began, ended, reply: told.status === 200 })
    const { revision } = told.json as { revision: number }
    if (told.status === 200) findings.revised(key, { type: 'write', began, ended, revision, value })
  } else if (told === undefined || told.json.mayHaveHappened !== false) {
    history.push({ call: asked, began, ended: Number.POSITIVE_INFINITY, reply: undefined })
    return
  } else {
    return
  }
  findings.answered++
}

async function countUp(node: ClusterProcess, findings: Findings, name: string, turn: number): Promise<void> {
  const told = await tell(node, 'PUT', `config/own-${name}`, { value: turn })
  if (told?.status === 200) findings.acknowledged.set(name, turn)
}

async function lock(node: ClusterProcess, findings: Findings, owner: string): Promise<void> {
  const began = performance.now()
  const told = await tell(node, 'POST', 'locks/ledger', { leaseMs: 1_000, waitMs: 1_000, owner })
  if (told?.status !== 200) return
  const { token } = told.json as { token: number }
  findings.grants.push({ token, began, ended: performance.now() })
  await tell(node, 'DELETE', `locks/ledger?token=${token}`)
}

async function held(cluster: ProcessCluster, ms: number): Promise<void> {
  const until = performance.now() + ms
  await cluster.until(`${ms} ms are over`, () => performance.now() >= until)
}

/** kill -9, SIGSTOP, a cut, a whole stop, each while clients go on. */
async function befall(cluster: ProcessCluster, isServed: (what: string) => Promise<void>): Promise<void> {
  const killed = (await cluster.ready(patience)).leader
  await killed.kill()
  await isServed('without the leader that was killed')
  await killed.restart()

  const paused = (await cluster.ready(patience)).leader
  paused.pause()
  await held(cluster, pausedMs)
  paused.resume()
  await isServed('after the leader that stood still')

  const { leader } = await cluster.ready(patience)
  const { voters } = (await leader.status()).consensus
  const few = [leader, ...cluster.nodes.filter((node) => node !== leader && voters.includes(node.name)).slice(0, 1)]
  await cluster.partition(
    few,
    cluster.nodes.filter((node) => !few.includes(node)),
  )
  await isServed('on the larger side of a cut')
  await cluster.heal()

  await cluster.ready(patience)
  await Promise.all(cluster.nodes.map((node) => node.kill()))
  await Promise.all(cluster.nodes.map((node) => node.restart()))
  await isServed('after everybody was killed')
}

describe('eight members, five of which vote, with a client at each', () => {
  it('stay linearizable, give out growing tokens and keep what was acknowledged, whatever befalls them', async () => {
    await using cluster = await startProcesses(8)
    const status = await cluster.nodes[0]!.status()
    assert.equal(status.consensus.voters.length, 5)
    const findings = new Findings()
    const stop = new AbortController()
    const clients = cluster.nodes.map((node, at) => use(node, findings, stop.signal, `client-${at}`))
    const isServed = async (what: string): Promise<void> => {
      const before = findings.answered
      await cluster.until(`clients are answered ${what}`, () => findings.answered > before + 40, patience)
    }
    try {
      for (let round = 0; round < rounds; round++) await befall(cluster, isServed)
    } finally {
      stop.abort()
      await Promise.all(clients)
    }
    await cluster.ready(patience)

    assert.ok(findings.answered > 200 * rounds, `${findings.answered} answers`)
    for (const [key, history] of findings.keys)
      assert.equal(checkLinearizable(history, register), 'linearizable', `${key} with ${history.length} calls`)
    for (const revised of findings.revisions.values()) assertLinearizable(revised)
    assertGrowing(findings.grants)
    for (const [name, value] of findings.acknowledged) {
      const found = await cluster.until(`own-${name} is read`, async (): Promise<JsonObject | undefined> => {
        const told = await tell(cluster.nodes[0]!, 'GET', `config/own-${name}`)
        return told?.status === 200 ? told.json : undefined
      })
      assert.ok((found.value as number) >= value, `${name} wrote ${value}, and ${found.value} is there`)
    }
  })
})

/** Whoever got the lock after another one had got it has the larger token. */
function assertGrowing(grants: readonly Grant[]): void {
  assert.ok(grants.length > 10, `${grants.length} grants`)
  assert.equal(new Set(grants.map(({ token }) => token)).size, grants.length, 'each token was given once')
  for (const one of grants) {
    for (const other of grants) {
      if (one.ended < other.began) assert.ok(one.token < other.token, `${one.token} before ${other.token}`)
    }
  }
}
