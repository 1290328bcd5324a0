// The commands of scenarios about switches: the cores of leader and members, and the true machine of the log. A message
// takes 1 ms. Each line of what came of a command begins with the time; what a member tells itself is left out.
//
//   cluster a b c             members, all of them in full-mesh; a leads
//   order hyparview 3000      an entry begins a switch, with its deadline
//   formed a b                all links that the open overlays of these want are up
//   append                    what the leader has proposed gets into the log; `refuse`: it does not, and the leader
//                             is told
//   run 300 · cut b · join b · down c · lead b

import { type ClusterCommand, ClusterMachine } from '../../../consensus/index.ts'
import {
  type LeaderEffect,
  type MemberEffect,
  type MemberState,
  SwitchLeader,
  SwitchMember,
  type SwitchMessage,
} from '../../../topology/index.ts'
import type { Execute } from './scenario-file.ts'

interface Planned {
  readonly at: number
  readonly timer: string | undefined
  readonly act: () => void
}

class Node {
  readonly member = new SwitchMember({ epoch: 0, name: 'full-mesh' }, (name) => name !== 'unheard-of')
  readonly leader: SwitchLeader
  /** Open overlays by key. */
  readonly open = new Set([0])
  isCut = false
  state: MemberState = 'alive'

  constructor(id: string) {
    this.leader = new SwitchLeader(id)
  }
}

class World {
  readonly lines: string[] = []
  readonly #nodes = new Map<string, Node>()
  readonly #machine = new ClusterMachine()
  #plans: Planned[] = []
  #proposed: ClusterCommand[] = []
  #leader = ''
  #now = 0
  #index = 0

  constructor(ids: readonly string[]) {
    for (const id of ids) this.#nodes.set(id, new Node(id))
    this.#tellStates()
    this.lead(ids[0] ?? '')
  }

  lead(id: string): void {
    this.#leader = id
    this.#proposed = []
    this.#tellAll()
  }

  order(to: string, timeoutMs: number): void {
    const { epoch } = this.#machine.topology
    const required = [...this.#nodes].filter(([, { state }]) => state === 'alive').map(([id]) => id)
    this.#apply({ type: 'propose-topology', epoch, to, request: 'r', required, timeoutMs, at: 0 })
  }

  append(): void {
    for (const command of this.#proposed.splice(0)) this.#apply(command)
  }

  refuse(): void {
    this.#proposed = []
    this.#tellLeader({ type: 'proposal-lost' })
  }

  formed(ids: readonly string[]): void {
    for (const id of ids)
      for (const key of this.#node(id).open)
        this.#tellMember(id, { type: 'overlay', key, isFormed: true, neighbors: [...this.#nodes.keys()] })
  }

  cut(id: string, isCut: boolean): void {
    this.#node(id).isCut = isCut
  }

  down(id: string): void {
    this.#node(id).state = 'down'
    this.cut(id, true)
    this.#tellStates()
  }

  run(ms: number): void {
    const until = this.#now + ms
    for (;;) {
      const [next] = this.#plans.filter(({ at }) => at <= until).sort((one, other) => one.at - other.at)
      if (!next) break
      this.#plans = this.#plans.filter((plan) => plan !== next)
      this.#now = next.at
      next.act()
    }
    this.#now = until
  }

  standing(): void {
    for (const [id, { member, open }] of this.#nodes)
      this.lines.push(`${id}: ${member.current.name} ${member.current.epoch} ${member.phase}, ${open.size} open`)
  }

  #node(id: string): Node {
    return this.#nodes.get(id) as Node
  }

  #say(text: string): void {
    this.lines.push(`${this.#now} ${text}`)
  }

  #apply(command: ClusterCommand): void {
    this.#index += 1
    const { type } = this.#machine.apply({ index: this.#index, term: 1 }, command)
    this.#say(`log ${this.#index}: ${command.type}${type === 'ok' ? '' : ` (${type})`}`)
    this.#tellAll()
  }

  /** Whoever is cut off hears nothing of the log, either. */
  #tellAll(): void {
    const { epoch, name } = this.#machine.topology
    for (const [id, node] of this.#nodes) {
      if (node.isCut) continue
      this.#tellMember(id, { type: 'agreed', epoch, name, leader: this.#leader })
      const log = { ...this.#machine.topology, type: 'log', leads: id === this.#leader } as const
      this.#carryOut(id, 'leader', node.leader.step(log, this.#now))
    }
  }

  #tellStates(): void {
    const states = new Map([...this.#nodes].map(([id, { state }]) => [id, state]))
    for (const [id, { leader }] of this.#nodes)
      this.#carryOut(id, 'leader', leader.step({ type: 'members', states }, this.#now))
  }

  #tellLeader(input: Parameters<SwitchLeader['step']>[0]): void {
    this.#carryOut(this.#leader, 'leader', this.#node(this.#leader).leader.step(input, this.#now))
  }

  #tellMember(id: string, input: Parameters<SwitchMember['step']>[0]): void {
    this.#carryOut(id, 'member', this.#node(id).member.step(input, this.#now))
  }

  #carryOut(id: string, part: 'leader' | 'member', effects: readonly (LeaderEffect | MemberEffect)[]): void {
    for (const effect of effects) {
      if (effect.type === 'send') this.#send(id, effect.to, effect.message)
      else if (effect.type === 'set-timer') this.#setTimer(id, part, effect.timer, effect.at)
      else if (effect.type === 'clear-timer') this.#clearTimer(`${id} ${part} ${effect.timer}`)
      else if (effect.type === 'propose') {
        if (id === this.#leader) this.#proposed.push(effect.command)
        const { type, proposal: _, ...more } = effect.command
        this.#say(`${id} proposes ${[type, ...Object.values(more)].join(' ')}`)
      } else if (effect.type === 'emit') this.#emit(id, effect.event)
      else {
        const { open } = this.#node(id)
        if (effect.type === 'open') open.add(effect.key)
        if (effect.type === 'close') open.delete(effect.key)
        this.#say(`${id} ${effect.type}s ${effect.type === 'open' ? `${effect.name} ${effect.epoch}` : effect.key}`)
      }
    }
  }

  #emit(id: string, event: Extract<LeaderEffect | MemberEffect, { type: 'emit' }>['event']): void {
    if (event.type === 'phase') this.#say(`${id} is ${event.phase}`)
    else if (event.type === 'ended') this.#say(`${id}: ${event.past.outcome} ${event.past.reason}`.trimEnd())
    else if (event.type === 'settled')
      this.#say(`${id}: settled ${event.members.map(({ member, progress }) => `${member} ${progress}`).join(', ')}`)
  }

  #send(from: string, to: string, message: SwitchMessage): void {
    const { type, proposal: _, ...more } = message
    const isLost = this.#node(from).isCut || this.#node(to).isCut
    if (from !== to)
      this.#say(`${from} -> ${to}: ${[type, ...Object.values(more)].join(' ')}${isLost ? ' (lost)' : ''}`)
    if (isLost) return
    const act = (): void => {
      const { leader } = this.#node(to)
      this.#tellMember(to, { type: 'message', from, message })
      this.#carryOut(to, 'leader', leader.step({ type: 'message', from, message }, this.#now))
    }
    this.#plans.push({ at: this.#now + 1, timer: undefined, act })
  }

  #setTimer(id: string, part: 'leader' | 'member', timer: string, at: number): void {
    const name = `${id} ${part} ${timer}`
    this.#clearTimer(name)
    const act = (): void => {
      const input = { type: 'timer', timer } as const
      const node = this.#node(id)
      this.#carryOut(
        id,
        part,
        part === 'leader' ? node.leader.step(input, this.#now) : node.member.step(input, this.#now),
      )
    }
    this.#plans.push({ at, timer: name, act })
  }

  #clearTimer(name: string): void {
    this.#plans = this.#plans.filter(({ timer }) => timer !== name)
  }
}

export function switchScenario(): Execute {
  let world = new World([])
  const commands: Readonly<Record<string, (words: readonly string[]) => void>> = {
    cluster: (ids) => {
      world = new World(ids)
    },
    order: ([to = '', timeoutMs]) => world.order(to, Number(timeoutMs)),
    formed: (ids) => world.formed(ids),
    append: () => world.append(),
    refuse: () => world.refuse(),
    run: ([ms]) => world.run(Number(ms)),
    cut: ([id = '']) => world.cut(id, true),
    join: ([id = '']) => world.cut(id, false),
    down: ([id = '']) => world.down(id),
    lead: ([id = '']) => world.lead(id),
    standing: () => world.standing(),
  }
  return (line) => {
    const [command = '', ...words] = line.split(' ')
    const execute = commands[command]
    if (!execute) throw new Error(`no command is called '${command}'`)
    execute(words)
    return world.lines.splice(0)
  }
}
