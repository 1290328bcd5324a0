// A user's claims: locks, a semaphore, an election, a singleton, a barrier. It holds a thing from when it hears of its
// token until its own clock says that the lease could be over, less the margin, counted from when the last answered
// renewal was sent; as `HeldLease` does.

import type {
  ClaimCommand,
  ClaimKind,
  ClientCommand,
  ClusterMachine,
  ClusterReply,
} from '../../../../consensus/index.ts'
import { leaseMarginMs } from '../../../coordination/lease-time.ts'
import type { OneHolder } from '../invariants/one-holder.ts'
import type { Prng } from '../random.ts'
import type { Schedule } from '../schedule.ts'
import type { Outcome } from './exchange.ts'

export interface ClaimingSetup {
  readonly name: string
  readonly holders: OneHolder
  readonly schedule: Schedule
  readonly random: Prng
  readonly clockRate: number
  readonly submit: (command: ClientCommand, done: (outcome: Outcome<ClusterReply>) => void) => void
  readonly ask: <Answer>(served: (machine: ClusterMachine) => Answer, done: (outcome: Outcome<Answer>) => void) => void
}

interface Thing {
  readonly kind: ClaimKind
  readonly name: string
  readonly limit: number
}

const THINGS: readonly Thing[] = [
  { kind: 'lock', name: 'l', limit: 1 },
  { kind: 'semaphore', name: 's', limit: 2 },
  { kind: 'election', name: 'e', limit: 1 },
  { kind: 'singleton', name: 'g', limit: 1 },
  { kind: 'barrier', name: 'b', limit: 2 },
]
const LEASES_MS = [300, 1_000, 4_000]
const RENEWS = 0.6

interface Claimed {
  readonly thing: Thing
  readonly claim: number
  readonly since: number
  readonly leaseMs: number
  /** 0: it waits. */
  token: number
  /** True time at which its own clock ends it. */
  until: number
}

export class Claiming {
  readonly #setup: ClaimingSetup
  readonly #claims = new Map<Thing, Claimed>()

  constructor(setup: ClaimingSetup) {
    this.#setup = setup
  }

  act(done: (isAnswered: boolean) => void): void {
    const { random } = this.#setup
    const thing = random.pick(THINGS)
    const claimed = this.#claims.get(thing)
    if (claimed === undefined) this.#claim(thing, done)
    else if (claimed.token > 0 && !random.chance(RENEWS)) this.#end(claimed, done)
    else if (claimed.token > 0 || random.chance(0.3)) this.#renew(claimed, done)
    else this.#look(claimed, done)
  }

  #claim(thing: Thing, done: (isAnswered: boolean) => void): void {
    const { random, submit, name: owner, holders } = this.#setup
    const { kind, name, limit } = thing
    const leaseMs = random.pick(LEASES_MS)
    const waits = kind === 'barrier' || random.chance(0.6)
    const visit = kind === 'barrier' ? holders.setsOut(owner, name) : undefined
    const until = this.#untilFromNow(leaseMs)
    submit({ type: 'claim', kind, name, owner, leaseMs, limit, waits, value: '' }, (outcome) => {
      if (outcome.type === 'answered' && outcome.answer.type === 'claimed') {
        const { claim, token, since } = outcome.answer
        if (visit) holders.comes(visit, since)
        const claimed = { thing, claim, since, leaseMs, token: 0, until }
        if (kind === 'barrier' && token > 0) holders.goesOn(owner, name, since, limit)
        else this.#keep(claimed, token)
      } else if (visit && outcome.type !== 'unknown') {
        holders.staysAway(visit)
      }
      done(outcome.type === 'answered')
    })
  }

  #renew(claimed: Claimed, done: (isAnswered: boolean) => void): void {
    const until = this.#untilFromNow(claimed.leaseMs)
    this.#setup.submit(commandOf('renew-claim', claimed), (outcome) => {
      if (outcome.type === 'answered' && this.#has(claimed)) {
        if (outcome.answer.type === 'claimed') this.#extend(claimed, until)
        else if (claimed.thing.kind !== 'barrier') this.#lose(claimed)
      }
      done(outcome.type === 'answered')
    })
  }

  #end(claimed: Claimed, done: (isAnswered: boolean) => void): void {
    this.#lose(claimed)
    this.#setup.submit(commandOf('end-claim', claimed), ({ type }) => done(type === 'answered'))
  }

  /** Is it its turn? */
  #look(claimed: Claimed, done: (isAnswered: boolean) => void): void {
    const { ask, name: user, holders } = this.#setup
    const { kind, name, limit } = claimed.thing
    ask(
      (machine) => {
        const thing = machine.claims.get(kind, name)
        return { since: thing?.since, token: thing?.claims.find(({ claim }) => claim === claimed.claim)?.token }
      },
      (outcome) => {
        if (outcome.type === 'answered' && this.#has(claimed)) {
          const { since, token } = outcome.answer
          if (token !== undefined && token > 0) {
            this.#keep(claimed, token)
          } else if (token === undefined) {
            this.#lose(claimed)
            if (kind === 'barrier' && since !== claimed.since) holders.goesOn(user, name, claimed.since, limit)
          }
        }
        done(outcome.type === 'answered')
      },
    )
  }

  #keep(claimed: Claimed, token: number): void {
    const { schedule, holders, name: user } = this.#setup
    if (claimed.until <= schedule.now) return
    const { kind, name, limit } = claimed.thing
    const isKnown = this.#claims.get(claimed.thing) === claimed
    claimed.token = token
    this.#claims.set(claimed.thing, claimed)
    if (token > 0) holders.begins(user, kind, name, limit, token)
    if (!isKnown) this.#extend(claimed, claimed.until)
  }

  #extend(claimed: Claimed, until: number): void {
    const { schedule } = this.#setup
    claimed.until = until
    schedule.at(until, () => {
      if (claimed.until === until) this.#lose(claimed)
    })
  }

  #lose(claimed: Claimed): void {
    if (!this.#has(claimed)) return
    this.#claims.delete(claimed.thing)
    this.#setup.holders.ends(this.#setup.name, claimed.thing.kind, claimed.thing.name)
  }

  #has(claimed: Claimed): boolean {
    return this.#claims.get(claimed.thing) === claimed
  }

  /** By its own clock the lease, less the margin, is over then. */
  #untilFromNow(leaseMs: number): number {
    return this.#setup.schedule.now + (leaseMs - leaseMarginMs(leaseMs)) / this.#setup.clockRate
  }
}

function commandOf(type: 'renew-claim' | 'end-claim', { thing: { kind, name }, claim }: Claimed): ClaimCommand {
  return { type, kind, name, claim }
}
