// The commands of consensus scenarios. `quiet` before any of them shows only what changed for good: roles, applied
// entries, answers to proposals, hosts that start or stop.
//
//   cluster a b c [random=0,0.5,1] [entries=2] [inflight=2] [spare=2] [snapshots=2] [hosting]
//   disk a term=2 vote=b log=1,1,2
//   start a b c · crash a · fire a election · wait 50 · run 1300 · cut a b · heal
//   deliver [a b [count]] · lose [a b] · duplicate [a b] · flush a b · settle
//   propose a name · disconnected a b [evidence] · connected a b · away a 5000 · resign a · release a
//   reconfigure a abd [e] · transfer a [b] · read a 1 · drive a
//   wipe a (a member that is no founder starts with an empty log)
//   view a b · disk-of a

import assert from 'node:assert/strict'
import { type ClusterCommand, type Entry, resolveRaftOptions, type Voter } from '../../../consensus/index.ts'
import { ScenarioCluster } from './consensus-cluster.ts'
import { entriesText, viewText } from './consensus-text.ts'
import type { Execute } from './scenario-file.ts'

type Command = (cluster: ScenarioCluster, words: readonly string[]) => readonly string[]

const commands = new Map<string, Command>([
  ['disk', acts(format)],
  ['start', each((cluster, id) => cluster.start(id))],
  ['crash', each((cluster, id) => cluster.crash(id))],
  ['flush', each((cluster, id) => assert.ok(cluster.flush(id), `${id} has something to flush`))],
  ['resign', each((cluster, id) => cluster.step(id, { type: 'resign' }))],
  [
    'reconfigure',
    acts((cluster, [id = '', voters = '', learners = '']) =>
      cluster.step(id, {
        type: 'reconfigure',
        proposal: 0,
        change: { voters: named(voters), learners: named(learners) },
      }),
    ),
  ],
  ['transfer', acts((cluster, [id = '', to]) => cluster.step(id, { type: 'transfer', proposal: 0, to }))],
  ['read', acts((cluster, [id = '', read]) => cluster.step(id, { type: 'read', read: Number(read) }))],
  ['drive', each((cluster, id) => assert.ok(cluster.drive(id), `${id}'s driver has something to do`))],
  ['wipe', each((cluster, id) => cluster.wipe(id))],
  ['release', each((cluster, id) => cluster.stepHost(id, { type: 'release' }))],
  ['fire', acts((cluster, [id = '', timer = '']) => cluster.fire(id, timer))],
  ['wait', acts((cluster, [ms]) => cluster.wait(Number(ms)))],
  ['run', acts((cluster, [ms]) => cluster.run(Number(ms)))],
  ['settle', acts((cluster) => cluster.settle())],
  ['cut', acts((cluster, ids) => cluster.cut(ids))],
  ['heal', acts((cluster) => cluster.cut([]))],
  ['deliver', acts((cluster, [from, to, count]) => assert.ok(cluster.deliver(from, to, whole(count)) > 0))],
  ['lose', acts((cluster, [from, to]) => cluster.lose(from, to))],
  ['duplicate', acts((cluster, [from, to]) => cluster.duplicate(from, to))],
  ['propose', acts((cluster, [id = '', name = '']) => cluster.propose(id, bindName(name, id)))],
  [
    'disconnected',
    acts((cluster, [id = '', peer = '', why]) =>
      cluster.step(id, { type: 'disconnected', peer, evidence: why === 'evidence' }),
    ),
  ],
  ['connected', acts((cluster, [id = '', peer = '']) => cluster.step(id, { type: 'connected', peer }))],
  [
    'away',
    acts((cluster, [id = '', ms]) => {
      cluster.wait(Number(ms))
      cluster.stepHost(id, { type: 'away' })
      cluster.step(id, { type: 'away', ms: Number(ms) })
    }),
  ],
  ['view', (cluster, ids) => ids.map((id) => viewText(id, cluster.voter(id).raft.view()))],
  ['disk-of', (cluster, ids) => ids.map((id) => diskText(cluster, id))],
])

/** A fresh table for one scenario. */
export function consensusScenario(): Execute {
  let cluster: ScenarioCluster | undefined
  return (line) => {
    const [first = '', ...rest] = line.trim().split(/\s+/)
    const isQuiet = first === 'quiet'
    const [name = '', ...words] = isQuiet ? rest : [first, ...rest]
    if (name === 'cluster') {
      cluster = create(words)
      return []
    }
    const command = commands.get(name)
    assert.ok(command !== undefined && cluster !== undefined, `"${line}" is a command, after "cluster"`)
    const said = command(cluster, words)
    const happened = cluster.takeLines()
    return [...(isQuiet ? happened.filter(isLasting) : happened), ...said]
  }
}

function isLasting(line: string): boolean {
  return /^\w+: (follower|pre-candidate|candidate|leader|apply|accepted|rejected|host st|configuration|read|transferred|restore|compact)/.test(
    line,
  )
}

/** A command whose only outcome is what the voters did. */
function acts(act: (cluster: ScenarioCluster, words: readonly string[]) => void): Command {
  return (cluster, words) => {
    act(cluster, words)
    return []
  }
}

function each(act: (cluster: ScenarioCluster, id: string) => void): Command {
  return acts((cluster, ids) => {
    for (const id of ids) act(cluster, id)
  })
}

function create(words: readonly string[]): ScenarioCluster {
  const voters = words.filter((word) => !word.includes('=') && word !== 'hosting')
  const draws = value(words, 'random')?.split(',').map(Number) ?? []
  return new ScenarioCluster({
    voters,
    options: resolveRaftOptions({
      maxEntriesPerAppend: Number(value(words, 'entries') ?? 64),
      maxInflightAppends: Number(value(words, 'inflight') ?? 16),
      spareDelayMs: Number(value(words, 'spare') ?? 0),
      snapshotEveryEntries: Number(value(words, 'snapshots') ?? 0),
      snapshotTrailingEntries: 0,
      snapshotChunkBytes: 3,
    }),
    random: new Map(voters.map((voter, position) => [voter, draws[position] ?? 0.5])),
    hosting: words.includes('hosting'),
  })
}

function format(cluster: ScenarioCluster, [id = '', ...words]: readonly string[]): void {
  const votedFor = value(words, 'vote')
  const terms = value(words, 'log')?.split(',').map(Number) ?? []
  const entries = terms.map((term, position): Entry<ClusterCommand> => {
    const index = position + 1
    return { index, term, command: bindName(`x${index}`, 'x') }
  })
  cluster.format(id, { term: Number(value(words, 'term') ?? terms.at(-1) ?? 0), votedFor }, entries)
}

function diskText(cluster: ScenarioCluster, id: string): string {
  const { hardState, entries } = cluster.disk(id)
  return `${id}: disk term=${hardState.term} vote=${hardState.votedFor ?? 'none'} entries: ${entriesText(entries)}`
}

/** Letters; one with a prime votes with the log it made after it had lost one. */
function named(letters: string): Voter[] {
  return [...letters.matchAll(/\w'?/g)].map(([storeId]) => ({ id: storeId[0] as string, storeId }))
}

function bindName(name: string, id: string): ClusterCommand {
  return { type: 'bind-name', name, id, replaces: undefined }
}

function whole(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text)
}

function value(words: readonly string[], name: string): string | undefined {
  return words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1)
}
