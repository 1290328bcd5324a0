// One voter with its neighbours played by the test: it says what they send, and reads what the voter would do.

import {
  type Effect,
  type Entry,
  type HardState,
  type Input,
  Raft,
  type RaftMessage,
  type RaftOptions,
  type RaftRules,
  type RaftView,
  resolveRaftOptions,
  type Snapshot,
  type Voter,
  type VoterId,
  votersOnly,
} from '../../consensus/index.ts'

export type Message = RaftMessage<string>
type Of<Type extends Message['type']> = Extract<Message, { type: Type }>

export interface VoterSetup {
  readonly voters?: readonly VoterId[]
  readonly learners?: readonly VoterId[]
  /** The log begins behind this snapshot. */
  readonly snapshot?: Snapshot
  readonly term?: number
  readonly votedFor?: VoterId
  /** Terms of the entries on disk. */
  readonly log?: readonly number[]
  readonly options?: Partial<RaftOptions>
  readonly rules?: RaftRules
  /** What every draw of chance gives; default 0.5. */
  readonly draw?: number
}

export class VoterUnderTest {
  readonly raft: Raft<string>
  now = 0
  /** Effects of all steps since the last `take`. */
  #effects: Effect<string>[] = []
  #ticket = 0

  /** A started voter `a`; its neighbours are `b`, `c` and so on. */
  constructor(setup: VoterSetup = {}) {
    const {
      voters = ['a', 'b', 'c'],
      learners = [],
      term,
      votedFor,
      log = [],
      snapshot,
      options,
      rules,
      draw = 0.5,
    } = setup
    const hardState: HardState = { term: term ?? log.at(-1) ?? snapshot?.term ?? 0, votedFor }
    this.raft = new Raft({
      self: 'a',
      storeId: 'a',
      configuration: { ...votersOnly(stores(voters)), learners: stores(learners) },
      durable: {
        hardState,
        entries: entries((snapshot?.index ?? 0) + 1, ...log),
        ...(snapshot && { snapshot, base: { index: snapshot.index, term: snapshot.term } }),
      },
      options: resolveRaftOptions(options),
      random: () => draw,
      ...(rules && { rules }),
    })
    this.#note(this.raft.start(0))
  }

  get view(): RaftView {
    return this.raft.view()
  }

  step(input: Input<string>): this {
    return this.#note(this.raft.step(input, this.now))
  }

  /** `storeId`: by default the one in the configuration. */
  receive(from: VoterId, message: Message, storeId: string = from): this {
    return this.step({ type: 'message', from, storeId, message })
  }

  /** Everything written so far is durable. */
  flush(): this {
    return this.step({ type: 'persisted', ticket: this.#ticket })
  }

  at(now: number): this {
    this.now = now
    return this
  }

  /** Fires the election timer as late as it may be due. */
  timeout(): this {
    this.now += 1_200
    return this.step({ type: 'timer', timer: 'election' })
  }

  /** Effects since the last call. */
  take(): Effect<string>[] {
    const effects = this.#effects
    this.#effects = []
    return effects
  }

  /** Messages of one kind since the last `take`, which this is too. */
  sent<Type extends Message['type']>(type: Type): (Of<Type> & { to: VoterId })[] {
    return this.take().flatMap((effect) =>
      effect.type === 'send' && effect.message.type === type
        ? [{ ...(effect.message as Of<Type>), to: effect.to }]
        : [],
    )
  }

  /** Entries handed to the state machine since the last `take`, which this is too. */
  applied(): Entry<string>[] {
    return this.take().flatMap((effect) => (effect.type === 'apply' ? effect.entries : []))
  }

  /** Effects of one kind since the last `take`, which this is too. */
  effects<Type extends Effect<string>['type']>(type: Type): Extract<Effect<string>, { type: Type }>[] {
    return this.take().filter((effect): effect is Extract<Effect<string>, { type: Type }> => effect.type === type)
  }

  /** The followers named have everything the leader's log holds. */
  follow(...ids: readonly VoterId[]): this {
    const { term, lastIndex } = this.view
    for (const id of ids) this.receive(id, accepted(term, 0, lastIndex))
    return this
  }

  /** Why messages were dropped since the last `take`, which this is too. */
  dropped(): string[] {
    return this.take().flatMap((effect) =>
      effect.type === 'emit' && effect.event.type === 'dropped' ? [effect.event.reason] : [],
    )
  }

  /** Wins an election with everybody's vote, and forgets the effects; `flushed`: its first entry is durable. */
  elect({ flushed = true } = {}): this {
    this.timeout()
    for (const { to, round, term } of this.sent('pre-vote')) {
      this.receive(to, { type: 'pre-vote-reply', term: term - 1, round, granted: true })
    }
    this.flush()
    for (const { to, round, term } of this.sent('vote')) {
      this.receive(to, { type: 'vote-reply', term, round, granted: true })
    }
    if (flushed) this.flush()
    this.take()
    return this
  }

  #note(effects: readonly Effect<string>[]): this {
    for (const effect of effects) if (effect.type === 'persist') this.#ticket = effect.ticket
    this.#effects.push(...effects)
    return this
  }
}

/** Voters whose logs are named after them. */
export function stores(ids: readonly VoterId[]): Voter[] {
  return ids.map((id) => ({ id, storeId: id }))
}

/** Entries from `first` on with these terms. */
export function entries(first: number, ...terms: readonly number[]): Entry<string>[] {
  return terms.map((term, position) => ({ index: first + position, term, command: `${first + position}/${term}` }))
}

/** An append of a leader; what is not said is zero or empty. */
export function append(term: number, rest: Partial<Of<'append'>> = {}): Of<'append'> {
  return { type: 'append', term, round: 1, previousIndex: 0, previousTerm: 0, commitIndex: 0, entries: [], ...rest }
}

export function accepted(term: number, round: number, matchIndex: number): Of<'append-reply'> {
  return { type: 'append-reply', term, round, accepted: true, matchIndex, hintIndex: 0, hintTerm: 0 }
}

export function vote(term: number, rest: Partial<Of<'vote'>> = {}): Of<'vote'> {
  return { type: 'vote', term, round: 1, lastIndex: 0, lastTerm: 0, ...rest }
}

export function preVote(term: number, rest: Partial<Of<'pre-vote'>> = {}): Of<'pre-vote'> {
  return { type: 'pre-vote', term, round: 1, lastIndex: 0, lastTerm: 0, ...rest }
}
