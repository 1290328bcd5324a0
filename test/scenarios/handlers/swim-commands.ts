// The commands of membership scenarios. Each line of what came of one begins with the time. `quiet` before a command
// shows only what members believe; dropped answers and messages are left out.
//
//   cluster a b c [probeIntervalMs=1000 …]
//   start a b c · run 1300 · crash a [silently] · leave a · part a b | c d · close-parted · heal
//   pause a 5000 [unnoticed] · condition a draining · loop-delay a 700
//   members a · evidence a b · agree

import assert from 'node:assert/strict'
import type { Execute } from './scenario-file.ts'
import { SwimCluster } from './swim-cluster.ts'
import { evidenceText, recordText } from './swim-text.ts'

type Command = (cluster: SwimCluster, words: readonly string[]) => readonly string[]

const commands = new Map<string, Command>([
  ['start', acts((cluster, ids) => ids.forEach((id) => void cluster.start(id)))],
  ['run', acts((cluster, [ms]) => cluster.run(Number(ms)))],
  ['crash', acts((cluster, [id = '', how]) => cluster.crash(id, how !== 'silently'))],
  ['leave', acts((cluster, [id = '']) => cluster.leave(id))],
  [
    'part',
    acts((cluster, words) =>
      cluster.part(
        words
          .join(' ')
          .split('|')
          .map((side) => side.trim().split(' ')),
      ),
    ),
  ],
  ['close-parted', acts((cluster) => cluster.closeParted())],
  ['heal', acts((cluster) => cluster.part([]))],
  [
    'pause',
    acts((cluster, [id = '', ms, how]) => {
      cluster.pause(id)
      cluster.run(Number(ms))
      cluster.resume(id, Number(ms), how !== 'unnoticed')
    }),
  ],
  [
    'condition',
    acts((cluster, [id = '', condition]) => {
      assert.ok(condition === 'ok' || condition === 'draining')
      cluster.step(id, { type: 'condition', condition })
    }),
  ],
  ['loop-delay', acts((cluster, [id = '', ms]) => cluster.step(id, { type: 'loop-delay', ms: Number(ms) }))],
  ['members', (cluster, ids) => ids.map((id) => `${id}: ${tableText(cluster, id)}`)],
  ['evidence', (cluster, [id = '', about = '']) => [`${id}: ${evidenceText(cluster.swim(id).evidenceView(about))}`]],
])

/** A fresh table for one scenario. */
export function swimScenario(): Execute {
  let cluster: SwimCluster | undefined
  return (line) => {
    const [first = '', ...rest] = line.trim().split(/\s+/)
    const isQuiet = first === 'quiet'
    const [name = '', ...words] = isQuiet ? rest : [first, ...rest]
    if (name === 'cluster') {
      const changes = words.filter((word) => word.includes('=')).map((word) => word.split('='))
      cluster = new SwimCluster(
        words.filter((word) => !word.includes('=')),
        Object.fromEntries(changes.map(([key = '', value]) => [key, Number(value)])),
      )
      return []
    }
    const command = commands.get(name)
    assert.ok(command !== undefined && cluster !== undefined, `"${line}" is a command, after "cluster"`)
    const said = command(cluster, words)
    const happened = cluster.takeLines()
    return [...(isQuiet ? happened.filter(isBelief) : happened), ...said]
  }
}

function isBelief(line: string): boolean {
  return /^ *[\d.]+ {2}\w+: (left|down|joined|restarted|suspect|refuted|condition|updated|forgotten|superseded)\b/.test(
    line,
  )
}

function tableText(cluster: SwimCluster, id: string): string {
  const members = cluster.swim(id).members().map(recordText)
  return members.sort().join(', ')
}

/** A command whose only outcome is what the members did. */
function acts(act: (cluster: SwimCluster, words: readonly string[]) => void): Command {
  return (cluster, words) => {
    act(cluster, words)
    return []
  }
}
