// An attack on a cluster of processes by a broken member that has the secret, and comes back under another key after
// each quarter, and by strangers at the admin port, for as many blows as asked. Meanwhile and afterwards the honest
// members serve: no process ends, writes are acknowledged, nobody honest is put out.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { ClusterError } from '../../../src/errors.ts'
import type { ClusterProcess } from '../../../src/testing/process-member.ts'
import type { ProcessCluster } from '../../../src/testing/processes.ts'
import { Prng } from '../../../src/testing/simulator/random.ts'
import { encodeFrame } from '../../../src/wire/message.ts'
import { WireError } from '../../../src/wire/wire-error.ts'
import { laneFrames } from '../../src/wire/sample-lane-frames.ts'
import { BrokenMember, type Victim } from './broken-member.ts'
import { damage, drawBytes, drawEnvelope, drawJson, drawMessages, laterLives, type Stage } from './lies.ts'

export interface AttackReport {
  /** How often each kind of blow was struck. */
  readonly blows: Readonly<Record<string, number>>
  /** How often the broken member was thrown out. */
  readonly thrownOut: number
  /** Writes that were acknowledged meanwhile. */
  readonly writes: number
  /**
   * Bytes by which the process that grew most had grown after each quarter of the blows: the last shows whether it goes
   * on.
   */
  readonly grownBytes: readonly number[]
}

const generationShift = 2 ** 20
const batch = 20
const quarters = 4
const writeTimeoutMs = 10_000
const channels = ['data', 'events', 'gossip'] as const

/** Strikes `count` blows, drawn from `seed`. Rejects with what an honest member suffered. */
export async function attack(
  cluster: ProcessCluster,
  { seed, count, secret }: { readonly seed: number; readonly count: number; readonly secret: string },
): Promise<AttackReport> {
  const { clusterId } = await cluster.ready()
  const random = new Prng(seed, 'attack')
  const victims = await victimsOf(cluster)
  let member = await arrive(victims, clusterId, secret)
  const blows: Record<string, number> = {}
  const before = await memoryOf(cluster)
  const grownBytes: number[] = []
  let thrownOut = 0
  const comeBack = async (): Promise<void> => {
    await member[Symbol.asyncDispose]()
    thrownOut += member.ends
    member = await arrive(victims, clusterId, secret)
  }
  const measure = async (): Promise<void> => {
    grownBytes.push(Math.max(...(await memoryOf(cluster)).map((bytes, at) => bytes - before[at]!)))
  }
  let writes = 0
  try {
    for (let struck = 0; struck < count; struck += batch) {
      const stage: Stage = { victims, clusterId, self: member.id, random }
      const kind = random.pick(Object.keys(kinds))
      blows[kind] = (blows[kind] ?? 0) + batch
      await kinds[kind]!(stage, member, random.pick(victims), random.pick(cluster.nodes))
      const ended = cluster.nodes.find(({ exit }) => exit !== undefined)
      if (ended) throw new Error(`${ended.name} has ended: ${(await ended.logTail(5)).join('\n')}`)
      writes += await write(random.pick(cluster.nodes), struck)
      if (struck + batch >= (count * (grownBytes.length + 1)) / quarters) {
        await measure()
        await comeBack()
      }
    }
    await attackAbsent(cluster, victims, member)
  } finally {
    await member[Symbol.asyncDispose]()
  }
  await cluster.until('the honest members are one cluster', () => isUndisturbed(cluster, victims), {
    timeoutMs: 60_000,
  })
  return { blows, thrownOut, writes, grownBytes }
}

/**
 * While the last of them is away the others are told that it lives on elsewhere in a later life, so that nobody would
 * take it back. It is started again, and is the same member.
 */
async function attackAbsent(cluster: ProcessCluster, victims: readonly Victim[], member: BrokenMember): Promise<void> {
  const absent = cluster.nodes.at(-1)!
  const others = victims.filter(({ name }) => name !== absent.name)
  for (const victim of others) await member.link(victim)
  await cluster.until('the broken member was told of all', () => victims.every(({ id }) => member.records.has(id)))
  const lie = laterLives(victims.map(({ id }) => member.records.get(id)!))
  await absent.stop()
  for (const victim of others) await member.send(victim, lie)
  await absent.restart()
  for (const victim of others) await member.send(victim, lie)
}

/**
 * Under a new key, and tells everybody that it has taken over: the second and later ones are not the first to say that
 * there is news.
 */
async function arrive(victims: readonly Victim[], clusterId: string, secret: string): Promise<BrokenMember> {
  const member = new BrokenMember('broken', clusterId, secret)
  const record = {
    ...{
      clusterId,
      index: 2 ** 40,
      term: 9,
      leader: member.id,
      learners: [],
      topology: { name: '', epoch: 0 },
      beat: 1,
    },
    voters: [{ id: member.id, storeId: member.id }],
    s5: { host: member.id, token: 2 ** 40, active: true },
  }
  for (const victim of victims) await tried(() => member.send(victim, { type: 'record', record }))
  return member
}

type Kind = (stage: Stage, member: BrokenMember, victim: Victim, node: ClusterProcess) => Promise<void>

const kinds: Readonly<Record<string, Kind>> = {
  lives: async (_stage, member, victim) => {
    for (let i = 0; i < batch; i++) await tried(() => member.send(victim, laterLives([...member.records.values()])))
  },
  messages: async (stage, member, victim) => {
    for (const message of drawMessages(stage, batch)) await tried(() => member.send(victim, message))
  },
  frames: async (stage, member, victim) => {
    for (const message of drawMessages(stage, batch))
      await tried(() => member.sendBytes(victim, damage(stage, encodeFrame(message))))
  },
  replays: async (stage, member, victim) => {
    const { random } = stage
    for (let i = 0; i < batch && member.heard.length > 0; i++) {
      const frame = random.pick(member.heard)
      await tried(() => member.sendBytes(victim, random.chance(0.5) ? frame : damage(stage, frame)))
    }
  },
  envelopes: async (stage, member, victim) => {
    for (let i = 0; i < batch; i++) await tried(() => member.sendEnvelope(victim, drawEnvelope(stage, victim)))
  },
  lanes: async (stage, member, victim) => {
    const { random } = stage
    for (let i = 0; i < batch / 4; i++) {
      const bytes = random.chance(0.5) ? damage(stage, random.pick(laneFrames)) : drawBytes(random, 500)
      await tried(() => member.sendOnLane(victim, random.pick(channels), bytes))
    }
  },
  oversize: async ({ random }, member, victim) => {
    await tried(() => member.sendBytes(victim, drawBytes(random, 64)))
    const flood = encodeFrame({ type: 'plumtree', message: { type: 'prune' } })
    for (let i = 0; i < 500; i++) await tried(() => member.sendBytes(victim, flood))
  },
  http: async ({ random }, _member, _victim, node) => {
    for (let i = 0; i < batch; i++) await requestOf(random, node)
  },
}

/** What cannot be written, or a link that has just gone, is no blow. */
async function tried(send: () => Promise<void>): Promise<void> {
  try {
    await send()
  } catch (error) {
    if (!(error instanceof WireError) && !(error instanceof ClusterError)) throw error
  }
}

/** One request over a raw socket, whatever it is; resolves when it was answered or ended. */
function requestOf(random: Prng, { admin }: ClusterProcess): Promise<void> {
  const { hostname, port } = new URL(admin)
  const paths = [
    '/v1/status',
    '/v1/config/a',
    '/v1/config/%00',
    '/v1/members/../../x',
    '/v1/messages',
    '/v1/locks/l',
    '/v1/faults',
  ]
  const method = random.pick(['GET', 'PUT', 'POST', 'DELETE', 'PATCH', 'TRACE', 'get'])
  const body = random.chance(0.5)
    ? drawJson(random)
    : Buffer.from(drawBytes(random, random.integer(2_000))).toString('latin1')
  const type = random.pick(['application/json', 'text/plain', 'application/json; charset=\u00ff'])
  const length = random.chance(0.8) ? Buffer.byteLength(body, 'latin1') : random.pick([0, 5, 1e9])
  const lines = [
    `${method} ${random.pick(paths)}${random.chance(0.2) ? `?${'a='.repeat(random.integer(20_000))}` : ''} HTTP/1.1`,
    `host: ${random.pick([`${hostname}:${port}`, 'evil.example', ''])}`,
    `content-type: ${type}`,
    `content-length: ${length}`,
    ...(random.chance(0.2) ? [`if-match: ${random.pick(['-1', '99999999999999999999', '"', '*'])}`] : []),
    'connection: close',
  ]
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port) })
    socket.setTimeout(2_000, () => socket.destroy())
    socket.on('error', () => {})
    socket.on('close', () => resolve())
    socket.resume()
    socket.end(Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`, 'latin1'))
  })
}

async function victimsOf(cluster: ProcessCluster): Promise<Victim[]> {
  const members = await cluster.nodes[0]!.members()
  return members.map(({ id, name, address, incarnation }) => {
    return { id, name, address, generation: Math.floor(incarnation / generationShift) }
  })
}

/** Acknowledged, at last: an honest member that asks the cluster for something gets it. */
async function write(node: ClusterProcess, value: number): Promise<number> {
  await node.ask('/v1/config/honest', { method: 'PUT', body: { value } }, writeTimeoutMs)
  return 1
}

async function isUndisturbed(cluster: ProcessCluster, victims: readonly Victim[]): Promise<boolean> {
  const tables = await Promise.all(cluster.nodes.map((node) => node.members()))
  const statuses = await Promise.all(cluster.nodes.map((node) => node.status()))
  const leaders = new Set(statuses.map(({ consensus, s5 }) => JSON.stringify([consensus.leader, s5])))
  assert.equal(leaders.size, 1)
  assert.ok(statuses.every(({ s5 }) => s5.phase === 'active'))
  return tables.every((members) =>
    victims.every(({ id }) => members.some((member) => member.id === id && member.state === 'alive')),
  )
}

/** Resident bytes of each process. */
function memoryOf(cluster: ProcessCluster): Promise<number[]> {
  const pageBytes = 4_096
  return Promise.all(
    cluster.nodes.map(
      async ({ pid }) => Number((await readFile(`/proc/${pid}/statm`, 'utf8')).split(' ')[1]) * pageBytes,
    ),
  )
}
