// The commands of overlay scenarios: HyParView, and Plumtree above it. Each line of what came of one begins with the
// time. Shuffles happen when they are said to, and what members tell of their links for routes is left out.
//
//   overlay a b c [activeSize=5 …]      members, none of which knows another yet
//   meet a b c                          these learn of all of them
//   run 100 · shuffle · kill a · break a b · broadcast a
//   say a b disconnect epoch=1          a message of a arrives at b, late or forged
//   neighbors a · tree a

import { recordOf } from '../../../src/testing/simulator/overlay/paper.ts'
import { OverlayWorld } from '../../../src/testing/simulator/overlay/world.ts'
import { HyParView, type MemberId, resolveHyParViewOptions } from '../../../topology/index.ts'
import type { Execute } from './scenario-file.ts'

const LATENCY_MS = [1, 1] as const

export function overlayScenario(): Execute {
  let world: OverlayWorld
  let lines: string[] = []
  const at = (): string => `${Math.round(world.now * 10) / 10}`
  const make = (words: readonly string[]): void => {
    const options = resolveHyParViewOptions(Object.fromEntries(words.filter(isField).map(fieldOf)))
    world = new OverlayWorld({
      seed: 1,
      latencyMs: LATENCY_MS,
      create: (self, random) => new HyParView({ self, random, options }),
      plumtree: {},
      onSend: (from, message, _layer, to) => {
        const text = textOf(message as Message)
        if (text !== undefined) lines.push(`${at()} ${from} -> ${to}: ${text}`)
      },
      onDeliver: (id, { origin, sequence, hops }) => {
        lines.push(`${at()} ${id} gets ${sequence} of ${origin} after ${hops} ${hops === 1 ? 'hop' : 'hops'}`)
      },
    })
    for (const timer of ['shuffle', 'merge']) world.heldTimers.add(timer)
    for (const id of words.filter((word) => !isField(word))) world.add(id)
  }
  const commands: Readonly<Record<string, (words: readonly string[]) => void>> = {
    overlay: make,
    meet: (ids) => {
      for (const id of ids) world.tell(id, ids.map(recordOf))
    },
    run: ([ms]) => world.run(Number(ms)),
    shuffle: () => world.releaseTimers(0),
    kill: ([id = '']) => {
      world.kill(id)
      world.breakLinks(id)
    },
    break: ([one = '', other = '']) => world.breakLink(one, other),
    broadcast: ([id = '']) => world.broadcast(id, new Uint8Array(1)),
    say: ([from = '', to = '', type = '', ...fields]) => {
      const message = { type, ...Object.fromEntries(fields.map(fieldOf)) }
      world.step(world.node(to), { type: 'message', from, message })
    },
    neighbors: (ids) => {
      for (const id of ids) lines.push(`${id}: ${sorted(world.node(id).overlay.neighbors())}`)
    },
    tree: (ids) => {
      for (const id of ids) {
        const { eager, lazy } = world.node(id).plumtree?.links() ?? { eager: [], lazy: [] }
        lines.push(`${id}: eager ${sorted(eager)}; lazy ${sorted(lazy)}`)
      }
    },
  }
  return (line) => {
    const [name = '', ...words] = line.trim().split(/\s+/)
    const command = commands[name]
    if (!command) throw new RangeError(`no command is called ${name}`)
    lines = []
    command(words)
    return lines
  }
}

type Message = { readonly type: string } & Readonly<Record<string, unknown>>

/** In a few words; undefined: of no interest here. */
function textOf({ type, ...fields }: Message): string | undefined {
  if (type === 'links' || type === 'keep-alive') return undefined
  const known = ['epoch', 'priority', 'accepted', 'member', 'timeToLive', 'hops']
  const shown = known.flatMap((name) => (name in fields ? [`${name}=${String(fields[name])}`] : []))
  return [type, ...shown].join(' ')
}

function sorted(ids: readonly MemberId[]): string {
  return [...ids].sort().join(' ') || 'nobody'
}

function isField(word: string): boolean {
  return word.includes('=')
}

function fieldOf(word: string): [string, number] {
  const [name = '', value] = word.split('=')
  return [name, Number(value)]
}
