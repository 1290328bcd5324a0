// Somebody who uses the data that the cluster agrees on, as `src/coordination/` does for an application: in a session,
// one thing after the other, sent again until it is answered. It does what is drawn, and tells the histories how it
// began and ended.

import type { ClientCommand, ClusterCommand, ClusterReply } from '../../../../consensus/index.ts'
import { check } from '../failure.ts'
import type { OneHolder } from '../invariants/one-holder.ts'
import type { Prng } from '../random.ts'
import type { Schedule } from '../schedule.ts'
import { Claiming } from './claiming.ts'
import { type DataServer, Exchange, type Outcome } from './exchange.ts'
import type { Begun, Histories, Watch } from './histories.ts'
import { type ConfigAnswer, type ConfigCall, topologyText } from './models.ts'

export interface UserSetup {
  readonly name: string
  readonly servers: readonly DataServer[]
  readonly schedule: Schedule
  readonly random: Prng
  readonly histories: Histories
  readonly holders: OneHolder
  /** How fast its clock runs. */
  readonly clockRate: number
  /** A planted bug: it reads whatever copy it meets. */
  readonly readsOldCopies: boolean
  /** A planted bug: it takes a batch of changes that was cut short for all there are. */
  readonly skipsChanges: boolean
}

/** What it can do next. */
type Deed = 'config' | 'count' | 'claim' | 'topology' | 'watch'

const DEEDS: readonly Deed[] = ['config', 'config', 'config', 'count', 'claim', 'claim', 'claim', 'topology', 'watch']
const KEYS = ['a', 'b', 'c']
const COUNTERS = ['n', 'm']
const TOPOLOGIES = ['full-mesh', 'hyparview', 'client-server']
/** Together longer than most elections. */
const TRIES = 5
const CHANGES_AT_ONCE = 20
/**
 * Calls on one object of which nobody knows whether they happened; with many more the search for an order has no end.
 */
const MAX_UNANSWERED = 10

export class SimulatedUser {
  readonly #setup: UserSetup
  readonly #exchange: Exchange
  readonly #claiming: Claiming
  readonly #watch: Watch
  #isBusy = false
  #session: number | undefined
  #sequence = 0
  #written = 0
  /** What it has read last of each key. */
  readonly #seen = new Map<string, { readonly value: string; readonly revision: number } | undefined>()
  /** What was certainly answered since somebody asked for it. */
  #proofs: Set<Deed> | undefined

  constructor(setup: UserSetup) {
    this.#setup = setup
    const { servers, schedule, random, name, holders, clockRate, histories } = setup
    this.#exchange = new Exchange(servers, schedule, random)
    this.#watch = histories.watch(name)
    this.#claiming = new Claiming({
      ...{ name, holders, schedule, random, clockRate },
      submit: (command, done) => this.#submit(command, done),
      ask: (served, done) => this.#exchange.run(TRIES, this.#asking(served), done),
    })
  }

  /** Everything must be answered from now on. */
  mustProve(): void {
    this.#proofs ??= new Set()
  }

  get hasProved(): boolean {
    return this.#proofs !== undefined && new Set(DEEDS).size === this.#proofs.size
  }

  /** Does one thing, unless it still waits for an answer. */
  act(): void {
    if (this.#isBusy) return
    this.#isBusy = true
    const wanted = this.#proofs === undefined ? DEEDS : DEEDS.filter((deed) => !this.#proofs?.has(deed))
    const deed = this.#setup.random.pick(wanted.length === 0 ? DEEDS : wanted)
    const done = (isAnswered: boolean): void => {
      this.#isBusy = false
      if (isAnswered) this.#proofs?.add(deed)
    }
    if (this.#session === undefined) this.#openSession()
    else if (deed === 'config') this.#useConfig(done)
    else if (deed === 'count') this.#count(done)
    else if (deed === 'claim') this.#claiming.act(done)
    else if (deed === 'topology') this.#useTopology(done)
    else this.#lookOn(done)
  }

  #openSession(): void {
    this.#exchange.run<ClusterReply>(TRIES, sending({ type: 'open-session' }), (outcome) => {
      this.#isBusy = false
      if (outcome.type === 'answered' && outcome.answer.type === 'ok') this.#session = outcome.answer.index
    })
  }

  /** In the session: however often it is sent, it is applied once. */
  #submit(command: ClientCommand, done: (outcome: Outcome<ClusterReply>) => void): void {
    const sequence = ++this.#sequence
    const session = this.#session as number
    const wrapped: ClusterCommand = { type: 'in-session', session, sequence, floor: sequence, command }
    this.#exchange.run<ClusterReply>(TRIES, sending(wrapped), (outcome) => {
      if (outcome.type === 'answered') {
        const { answer } = outcome
        const isLost =
          answer.type === 'unknown-session' || (answer.type === 'refused' && answer.reason !== 'not-mergeable')
        check(
          !isLost,
          'acknowledged-kept',
          () => `${this.#setup.name} is answered ${JSON.stringify(answer)} in session ${session}`,
        )
      }
      done(outcome)
    })
  }

  #useConfig(done: (isAnswered: boolean) => void): void {
    const { random, histories } = this.#setup
    const call = this.#drawConfig(random.pick(KEYS))
    const begun = histories.config.begin(call)
    if (call.type === 'get') {
      this.#exchange.run(
        TRIES,
        this.#asking((machine) => ({ found: machine.config.get(call.key) })),
        (outcome) => {
          if (outcome.type === 'answered') this.#seen.set(call.key, outcome.answer.found)
          tell(begun, outcome, ({ found }) => found?.value as ConfigAnswer, true)
          done(outcome.type === 'answered')
        },
      )
      return
    }
    this.#submit(this.#writeOf(call), (outcome) => {
      tell(begun, outcome, (reply) => answerTo(call, reply))
      done(outcome.type === 'answered')
    })
  }

  #drawConfig(key: string): ConfigCall {
    const { random, name, histories } = this.#setup
    const value = `"${name} ${++this.#written}"`
    const type = random.pick([
      'get',
      'get',
      'set',
      'delete',
      'compare-and-set',
      'compare-and-set',
      'transaction',
    ] as const)
    if (type === 'get' || histories.config.unanswered > MAX_UNANSWERED) return { type: 'get', key }
    if (type === 'delete') return { type, key }
    if (type === 'set') return { type, key, value }
    if (type === 'transaction')
      return { type, key, both: [key, random.pick(KEYS.filter((other) => other !== key))], value }
    if (!this.#seen.has(key)) return { type: 'get', key }
    return { type, key, expected: this.#seen.get(key)?.value, value }
  }

  #writeOf(call: Exclude<ConfigCall, { type: 'get' }>): ClientCommand {
    const { type, key } = call
    const write = { type: 'write', conditions: [], operations: [], otherwise: undefined } as const
    const set = (each: string, value: string) => ({ type: 'set', key: each, value }) as const
    switch (type) {
      case 'set':
        return { ...write, operations: [set(key, call.value)] }
      case 'delete':
        return { ...write, operations: [{ type: 'delete', key }] }
      case 'compare-and-set': {
        const revision = this.#seen.get(key)?.revision ?? 0
        return { ...write, conditions: [{ type: 'revision', key, revision }], operations: [set(key, call.value)] }
      }
      case 'transaction':
        return {
          ...write,
          conditions: [{ type: 'exists', key }],
          operations: call.both.map((each) => set(each, call.value)),
          otherwise: [set(key, call.value)],
        }
    }
  }

  #count(done: (isAnswered: boolean) => void): void {
    const { random, histories } = this.#setup
    const counter = random.pick(COUNTERS)
    const isFull = histories.counter(counter).unanswered > MAX_UNANSWERED
    const by = isFull ? 0 : random.integer(4)
    const begun = histories.counter(counter).begin({ by })
    if (by === 0) {
      this.#exchange.run(
        TRIES,
        this.#asking((machine) => machine.counters.get(counter)?.value ?? 0),
        (outcome) => {
          tell(begun, outcome, (value) => value, true)
          done(outcome.type === 'answered')
        },
      )
      return
    }
    this.#submit({ type: 'count', name: counter, add: by + 3, subtract: 3 }, (outcome) => {
      tell(begun, outcome, (reply) => (reply.type === 'counted' ? reply.value : Number.NaN))
      done(outcome.type === 'answered')
    })
  }

  /** Not in a session: it is sent once. */
  #useTopology(done: (isAnswered: boolean) => void): void {
    const { random, histories, name } = this.#setup
    const looked = histories.topology.begin({ type: 'look' })
    this.#exchange.run(
      TRIES,
      this.#asking((machine) => machine.topology),
      (outcome) => {
        tell(looked, outcome, (seen) => topologyText(seen.epoch, seen.name, seen.proposal?.request), true)
        if (outcome.type !== 'answered') return done(false)
        const { epoch, proposal } = outcome.answer
        if (histories.topology.unanswered > MAX_UNANSWERED) return done(true)
        const request = `${name} ${++this.#written}`
        const to = random.pick(TOPOLOGIES)
        const isEnded = proposal !== undefined && random.chance(0.8)
        const type = random.chance(0.7) ? 'commit' : 'abort'
        const begun = histories.topology.begin(
          isEnded ? { type, request: proposal.request } : { type: 'propose', epoch, to, request },
        )
        const command: ClusterCommand = isEnded
          ? type === 'commit'
            ? { type: 'commit-topology', proposal: proposal.index }
            : { type: 'abort-topology', proposal: proposal.index, reason: 'it was drawn' }
          : { type: 'propose-topology', epoch, to, request, required: [], timeoutMs: 1_000, at: 0 }
        this.#exchange.run<ClusterReply>(1, sending(command), (answered) => {
          tell(begun, answered, ({ type: answer }) => answer)
          done(true)
        })
      },
    )
  }

  /** Goes on with its watch at any member, which may lag. */
  #lookOn(done: (isAnswered: boolean) => void): void {
    const config = this.#exchange.server?.look()?.config
    const found = config?.changes(this.#watch.from, '', CHANGES_AT_ONCE)
    if (found?.type === 'compacted') this.#watch.skips(found.compacted)
    if (config && found?.type === 'changes')
      this.#watch.told(found.changes, this.#setup.skipsChanges ? config.revision + 1 : found.next)
    done(found !== undefined)
  }

  #asking<Answer>(served: (machine: Machine) => Answer) {
    return (server: DataServer, answered: (answer: Answer | undefined) => void): void => {
      const serve = (machine: Machine | undefined): void =>
        answered(machine === undefined ? undefined : served(machine))
      if (this.#setup.readsOldCopies) serve(server.look())
      else server.ask(serve)
    }
  }
}

type Machine = NonNullable<ReturnType<DataServer['look']>>

function sending(command: ClusterCommand) {
  return (server: DataServer, answered: (reply: ClusterReply | undefined) => void): void =>
    server.submit(command, answered)
}

/** A read that was not answered tells nothing. */
function tell<Answer, Reply>(
  begun: Begun<Reply>,
  outcome: Outcome<Answer>,
  replyOf: (answer: Answer) => Reply,
  isRead = false,
): void {
  if (outcome.type === 'answered') begun.answered(replyOf(outcome.answer))
  else if (outcome.type === 'never' || isRead) begun.never()
}

function answerTo({ type }: ConfigCall, reply: ClusterReply): ConfigAnswer {
  if (reply.type === 'condition-failed') return false
  if (reply.type !== 'written') return `answered ${reply.type}`
  if (type === 'delete') return reply.results[0]?.existed
  return type === 'transaction' ? reply.held : true
}
